//! The live view as lines: two for each scenario that runs, and one with the counts. Pure; no line is wider than it may be.

use std::time::Duration;

use driftproof::measure::text::duration;
use driftproof::report::Status;

use super::scene::Shown;
use crate::cli::style::safe;

/// Names are padded to this width, and cut at it where the terminal is narrow.
const NAME: usize = 26;
/// Of the time beside the name.
const TIME: usize = 8;

/// How many scenarios have ended, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    total: usize,
    passed: usize,
    failed: usize,
    /// Inconclusive ones and errors.
    other: usize,
}

impl Counts {
    pub(super) fn of(total: usize) -> Self {
        Self { total, ..Self::default() }
    }

    pub(super) fn add(&mut self, status: Status) {
        match status {
            Status::Pass => self.passed += 1,
            Status::Fail => self.failed += 1,
            Status::Inconclusive | Status::Error | Status::NotRun => self.other += 1,
        }
    }

    pub(super) const fn done(self) -> usize {
        self.passed + self.failed + self.other
    }
}

/// The view for a terminal of so many columns and rows. `now` is the time since the run's start.
pub(super) fn frame(
    scenes: &[Shown],
    counts: Counts,
    now: Duration,
    (columns, rows): (usize, usize),
    colour: bool,
) -> Vec<String> {
    // The last column stays free: some terminals wrap when it is written to.
    let width = columns.saturating_sub(1);
    // One row for the counts, one for the cursor, one for what is not shown.
    let room = (rows.saturating_sub(3) / 2).max(1);
    let mut lines = Vec::new();
    for scene in scenes.iter().take(room) {
        lines.push(fitted(&first(scene), width));
        if !scene.seen.is_empty() {
            lines.push(fitted(&format!("{:indent$}{}", "", safe(&scene.seen), indent = NAME + TIME + 3), width));
        }
    }
    if scenes.len() > room {
        lines.push(fitted(&format!(" and {} more that run", scenes.len() - room), width));
    }
    let last = fitted(&last(scenes.len(), counts, now), width);
    lines.push(if colour { format!("\x1b[1m{last}\x1b[0m") } else { last });
    lines
}

fn first(scene: &Shown) -> String {
    let name = fitted(&safe(&scene.name), NAME);
    format!(" {name:<NAME$} {:>TIME$} {}", scene.elapsed, safe(&scene.doing))
}

fn last(running: usize, counts: Counts, now: Duration) -> String {
    let mut parts = vec![format!(" {} of {} done", counts.done(), counts.total)];
    let told = [(counts.failed, "failed"), (counts.other, "inconclusive or error"), (running, "running")];
    parts.extend(told.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")));
    parts.push(duration(now.as_secs() * 1_000_000));
    parts.join(", ")
}

fn fitted(text: &str, width: usize) -> String {
    console::truncate_str(text, width, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(doing: &str) -> Shown {
        Shown {
            name: "a-scenario-with-a-name-that-is-long".to_owned(),
            elapsed: "12s".to_owned(),
            doing: doing.to_owned(),
            seen: "reads up 99.8%, 5/6 ready".to_owned(),
        }
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_none_too_many() {
        let scenes = vec![
            shown("not steady: 東京東京東京東京東京東京東京東京東京東京東京 \x1b[2J and so on and so on");
            40
        ];
        for size in [(80, 24), (40, 10), (200, 50), (10, 3)] {
            let lines = frame(&scenes, Counts::of(50), Duration::from_secs(61), size, false);
            assert!(lines.len() < size.1.max(5), "{} lines in {size:?}", lines.len());
            assert!(lines.iter().all(|line| console::measure_text_width(line) < size.0), "{lines:#?}");
            assert!(!lines.concat().contains('\x1b'));
        }
    }

    #[test]
    fn the_last_line_counts() {
        let mut counts = Counts::of(5);
        for status in [Status::Pass, Status::Fail, Status::Error] {
            counts.add(status);
        }
        let lines = frame(&[shown("steady")], counts, Duration::from_secs(61), (80, 24), false);
        assert_eq!(lines.last().expect("a line"), " 3 of 5 done, 1 failed, 1 inconclusive or error, 1 running, 1m1s");
        assert!(lines[0].starts_with(" a-scenario-with-a-name-th…      12s steady"), "{}", lines[0]);
    }
}
