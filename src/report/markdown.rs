//! `report.md`: one table and the reasons; fits the summary page of a CI run.

use std::fmt::Write;

use super::{Entry, Fate, Figures, Results, Row, Status, text};
use crate::measure::Measurements;
use crate::measure::text::duration;
use crate::verdict::Outcome;

/// Objectives of one scenario that are told.
const DETAIL_LIMIT: usize = 40;
/// A summary page holds one mebibyte; what is longer is dropped as a whole. The tables stay below this many bytes …
const ROWS_MAX: usize = 400 << 10;
/// … and with the reasons the page stays below this many.
const PAGE_MAX: usize = 900 << 10;

/// Renders `report.md`. Below one mebibyte: of many scenarios those that did not pass come first, and what is not told is
/// said to be in `report.html`.
#[must_use]
pub fn markdown(results: &Results) -> String {
    let mut page = String::new();
    for row in results.rows.iter().filter(|row| !row.dirty().is_empty()).take(DETAIL_LIMIT) {
        let _ = writeln!(page, "> **LEFT DIRTY** {}: {}\n", escape(&row.name), escape(&row.dirty().join("; ")));
    }
    let _ = writeln!(page, "## Driftproof: {}\n", results.tally());
    let _ = writeln!(page, "{}.\n", about(results));
    rows(&mut page, results);
    remarks(&mut page, results);
    let mut left = 0;
    for row in &results.rows {
        let mut told = String::new();
        match &row.fate {
            Fate::Judged(entry) if entry.verdict.outcome == Outcome::Pass => {}
            Fate::Judged(entry) => details(&mut told, row, entry),
            Fate::Error(failure) => error(&mut told, row, &failure.reason),
            Fate::NotRun { .. } => {}
        }
        if page.len() + told.len() > PAGE_MAX {
            left += 1;
        } else {
            page.push_str(&told);
        }
    }
    if left > 0 {
        let _ = writeln!(page, "\n… and why {left} more did not pass is in report.html");
    }
    page
}

/// Where, with which seed, by what, when and for how long.
fn about(results: &Results) -> String {
    let mut parts = Vec::new();
    if let Some(first) = results.entries().next() {
        parts.push(format!("On the {}", escape(&text::world(&first.header.world))));
    }
    if let Some(first) = results.rows.first() {
        parts.push(format!("seed {}", first.seed));
    }
    parts.push(concat!("driftproof ", env!("CARGO_PKG_VERSION")).to_owned());
    if !results.started.is_empty() {
        parts.push(format!("started {}", escape(&results.started)));
    }
    if let Some(took) = results.took {
        parts.push(format!("took {}", duration(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))));
    }
    parts.join(", ")
}

/// The table; where it would be too long, what passed is counted.
fn rows(page: &mut String, results: &Results) {
    page.push_str(
        "| | scenario | rto | rpo | availability | longest outage | result |\n|---|---|---|---|---|---|---|\n",
    );
    let lines: Vec<(Status, String)> = results.rows.iter().map(|one| (one.status(), row(one))).collect();
    let whole: usize = lines.iter().map(|(_, line)| line.len()).sum();
    let (mut used, mut left) = (0, 0);
    for (status, line) in lines {
        let dropped = whole > ROWS_MAX && (status == Status::Pass || used + line.len() > ROWS_MAX);
        if dropped {
            left += 1;
        } else {
            used += line.len();
            page.push_str(&line);
        }
    }
    if left > 0 {
        let _ = writeln!(page, "\n… and {left} more scenarios in report.html");
    }
}

/// How agents' clocks stood, and what runs that passed could not see: a pass says what it did not look at.
fn remarks(page: &mut String, results: &Results) {
    let mut told = Vec::new();
    for entry in results.entries() {
        let passed = entry.verdict.outcome == Outcome::Pass;
        let notes = entry.measurements.notes.iter().filter(|_| passed).cloned();
        told.extend(entry.measurements.clocks.iter().map(text::clock).chain(notes).map(|words| (&entry.name, words)));
    }
    for (index, (name, words)) in told.iter().take(DETAIL_LIMIT).enumerate() {
        let start = if index == 0 { "\n" } else { "" };
        let _ = writeln!(page, "{start}- {}: {}", escape(name), escape(words));
    }
    if told.len() > DETAIL_LIMIT {
        let _ = writeln!(page, "- … and {} more in report.html", told.len() - DETAIL_LIMIT);
    }
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

fn row(row: &Row) -> String {
    let numbers = row.entry().map(|entry| Numbers::of(&entry.measurements)).unwrap_or_default();
    format!(
        "| {} {} | {} | {} | {} | {} | {} | {} |\n",
        mark(row.status()),
        row.status().word(),
        escape(&row.name),
        numbers.rto,
        numbers.rpo,
        numbers.availability,
        numbers.longest_outage,
        escape(row.line()),
    )
}

/// Why there is no verdict, and how to see it again.
fn error(page: &mut String, row: &Row, reason: &str) {
    let lines: Vec<String> = reason.lines().map(escape).collect();
    let _ = writeln!(page, "\n### {} {}\n\n{}", mark(row.status()), escape(&row.name), lines.join("  \n"));
    if !row.again.is_empty() {
        let _ = writeln!(page, "\nAgain: {}", code(&row.again));
    }
}

fn details(page: &mut String, row: &Row, entry: &Entry) {
    let (mark_of_it, name, line) = (mark(row.status()), escape(&row.name), escape(&entry.verdict.line));
    let _ = writeln!(page, "\n### {mark_of_it} {name}\n\n{line}\n");
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
    let _ = writeln!(page, "\nAgain: {}", code(&row.again));
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
        let [rto, rpo, availability, longest_outage] = Figures::default().words();
        Self { rto, rpo, availability, longest_outage }
    }
}

impl Numbers {
    pub(super) fn of(measurements: &Measurements) -> Self {
        let [rto, rpo, availability, longest_outage] = Figures::of(measurements).words();
        Self { rto, rpo, availability, longest_outage }
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
