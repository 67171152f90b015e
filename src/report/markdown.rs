//! `report.md`: one table and the reasons; fits the summary page of a CI run.

use std::fmt::Write;

use super::{Entry, Fate, Results, Row, Status, text};
use crate::measure::text::{duration, percent};
use crate::measure::{DataMeasure, Measurements};
use crate::verdict::Outcome;

/// A summary page holds one mebibyte; each scenario's details stay far below this many lines.
const DETAIL_LIMIT: usize = 40;

/// Renders `report.md`.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut page = String::new();
    for row in results.rows.iter().filter(|row| !row.dirty().is_empty()) {
        let _ = writeln!(page, "> **LEFT DIRTY** {}: {}\n", escape(&row.name), escape(&row.dirty().join("; ")));
    }
    let _ = writeln!(page, "## Driftproof: {}\n", results.tally());
    if let Some(first) = results.entries().next() {
        let _ = writeln!(page, "On the {}, seed {}.\n", escape(&text::world(&first.header.world)), first.header.seed);
    }
    page.push_str(
        "| | scenario | rto | rpo | availability | longest outage | result |\n|---|---|---|---|---|---|---|\n",
    );
    for one in &results.rows {
        row(&mut page, one);
    }
    let clocks = results.entries().flat_map(|entry| entry.measurements.clocks.iter().map(move |clock| (entry, clock)));
    for (index, (entry, clock)) in clocks.enumerate() {
        let _ = writeln!(
            page,
            "{}- {}: {}",
            if index == 0 { "\n" } else { "" },
            escape(&entry.name),
            escape(&text::clock(clock))
        );
    }
    for row in &results.rows {
        match &row.fate {
            Fate::Judged(entry) if entry.verdict.outcome == Outcome::Pass => {}
            Fate::Judged(entry) => details(&mut page, entry),
            Fate::Error(failure) => {
                let reason: Vec<String> = failure.reason.lines().map(escape).collect();
                let heading = format!("{} {}", mark(row.status()), escape(&row.name));
                let _ = writeln!(page, "\n### {heading}\n\n{}\n\nAgain: {}", reason.join("  \n"), code(&row.again));
            }
            Fate::NotRun { .. } => {}
        }
    }
    page
}

const fn mark(status: Status) -> &'static str {
    match status {
        Status::Pass => "✅",
        Status::Fail => "❌",
        Status::Inconclusive => "❔",
        Status::Error => "⚠️",
        Status::NotRun => "⏭️",
    }
}

fn row(page: &mut String, row: &Row) {
    let numbers = row.entry().map(|entry| Numbers::of(&entry.measurements)).unwrap_or_default();
    let _ = writeln!(
        page,
        "| {} {} | {} | {} | {} | {} | {} | {} |",
        mark(row.status()),
        row.status().word(),
        escape(&row.name),
        numbers.rto,
        numbers.rpo,
        numbers.availability,
        numbers.longest_outage,
        escape(row.line()),
    );
}

fn details(page: &mut String, entry: &Entry) {
    let _ = writeln!(
        page,
        "\n### {} {}\n\n{}\n",
        mark(entry.verdict.outcome.into()),
        escape(&entry.name),
        escape(&entry.verdict.line)
    );
    page.push_str("| objective | | measured | bound | why |\n|---|---|---|---|---|\n");
    for judgement in entry.verdict.objectives.iter().take(DETAIL_LIMIT) {
        let knob = if judgement.knob.is_empty() { String::new() } else { format!(" (knob: {})", judgement.knob) };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {}{} |",
            escape(&judgement.objective),
            mark(judgement.outcome.into()),
            escape(&judgement.measured),
            escape(&judgement.bound),
            escape(&judgement.reason),
            escape(&knob),
        );
    }
    if entry.verdict.objectives.len() > DETAIL_LIMIT {
        let _ =
            writeln!(page, "\n… and {} more objectives in report.html", entry.verdict.objectives.len() - DETAIL_LIMIT);
    }
    for note in &entry.measurements.notes {
        let _ = writeln!(page, "\nNote: {}", escape(note));
    }
    let _ = writeln!(page, "\nAgain: {}", code(&entry.header.again));
}

/// The numbers of a scenario's row, each `–` when there is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) rto: String,
    pub(super) rpo: String,
    pub(super) availability: String,
    pub(super) longest_outage: String,
}

impl Default for Numbers {
    fn default() -> Self {
        let [rto, rpo, availability, longest_outage] = std::array::from_fn(|_| "–".to_owned());
        Self { rto, rpo, availability, longest_outage }
    }
}

impl Numbers {
    pub(super) fn of(measurements: &Measurements) -> Self {
        let none = || "–".to_owned();
        let never = measurements.faults.iter().any(|fault| fault.injected.is_some() && fault.recovered.is_none());
        let rto = measurements.faults.iter().filter_map(crate::measure::FaultSpan::rto).max();
        let lost = measurements.data.iter().filter_map(|data| match data {
            DataMeasure::Set(set) if set.acknowledged > 0 => Some(set.lost.len()),
            DataMeasure::History(history) => history.lost.and_then(|lost| usize::try_from(lost).ok()),
            DataMeasure::Set(_) | DataMeasure::Volume(_) => None,
        });
        let worst = measurements.probes.iter().filter_map(crate::measure::ProbeMeasure::availability).reduce(f64::min);
        let tried = measurements.probes.iter().filter(|probe| probe.attempts > 0);
        let outage = tried.map(crate::measure::ProbeMeasure::longest_outage).max();
        Self {
            rto: if never { "never".to_owned() } else { rto.map_or_else(none, duration) },
            rpo: lost.reduce(|a, b| a + b).map_or_else(none, |lost| lost.to_string()),
            availability: worst.map_or_else(none, percent),
            longest_outage: outage.map_or_else(none, duration),
        }
    }
}

/// What is not seen and changes how the rest is read: control characters and marks of direction.
const fn unseen(character: char) -> bool {
    matches!(character, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text in a code span, which it cannot end.
fn code(text: &str) -> String {
    let shown = |character| if unseen(character) { ' ' } else { character };
    format!("`{}`", text.replace('`', "'").chars().map(shown).collect::<String>())
}

/// Text from a cluster must not become Markdown or HTML: escapes what starts either, and line ends.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            '@' => safe.push_str("&#64;"),
            character if unseen(character) => safe.push(' '),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(escape("a|b\n<script>`x`"), "a\\|b &lt;script&gt;\\`x\\`");
        assert_eq!(escape("@everyone [x](y)"), "&#64;everyone \\[x\\](y)");
    }
}
