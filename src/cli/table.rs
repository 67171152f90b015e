//! What stands on standard output at the end: what did not pass, why, and what to change; then one line of summary.

use std::fmt::Write;

use driftproof::report::{Entry, Fate, Results, Row};
use driftproof::verdict::{Judgement, Outcome};

use super::repeats;
use super::style::{Level, Style, safe, seconds, status};

/// More names than this are counted.
const NAMES: usize = 20;

/// One line for each scenario: for those who did not see them end.
pub(super) fn rows(results: &Results, style: Style) -> String {
    let mut text = String::new();
    if style.level == Level::Quiet {
        return text;
    }
    let width = results.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &results.rows {
        let _ = writeln!(text, "{} {:<width$}  {}", status(row.status(), style.out), row.name, safe(row.line()));
    }
    text
}

/// What is left on a cluster, what did not pass, how repeated scenarios differ, and the summary.
pub(super) fn conclusion(results: &Results, style: Style) -> String {
    let mut text = String::new();
    for row in results.rows.iter().filter(|row| !row.dirty().is_empty()) {
        let _ = writeln!(text, "LEFT DIRTY  {}: {}", row.name, lines(&row.dirty().join("; "), 12));
    }
    let mut told = Vec::new();
    for row in &results.rows {
        // Of a scenario that was repeated the first one speaks for all; the table says which seeds they are.
        let base = repeats::base(row);
        let again = base != row.name && told.contains(&base);
        match &row.fate {
            Fate::Judged(entry) if entry.verdict.outcome == Outcome::Pass => {}
            Fate::NotRun { .. } => {}
            Fate::Judged(_) | Fate::Error(_) if again => {}
            Fate::Judged(entry) => {
                judged(&mut text, row, entry, style);
                told.push(base);
            }
            Fate::Error(failure) => {
                let _ = writeln!(text, "{} {}", status(row.status(), style.out), row.name);
                let _ = writeln!(text, "  {}", lines(&failure.reason, 2));
                again_line(&mut text, row);
                told.push(base);
            }
        }
    }
    not_run(&mut text, results, style);
    text.push_str(&repeats::tables(results));
    summary(&mut text, results, style);
    text
}

/// The objectives that did not hold, the knob, and how to see it again.
fn judged(text: &mut String, row: &Row, entry: &Entry, style: Style) {
    let _ = writeln!(text, "{} {}", status(row.status(), style.out), row.name);
    for judgements in by_reason(&entry.verdict.objectives) {
        let first = judgements[0];
        let names: Vec<&str> = judgements.iter().map(|judgement| judgement.objective.as_str()).collect();
        let _ = writeln!(
            text,
            "  {} {}: {}",
            status(first.outcome.into(), style.out),
            names.join(", "),
            safe(&first.reason)
        );
        if !first.knob.is_empty() {
            let _ = writeln!(text, "               knob: {}", safe(&first.knob));
        }
    }
    again_line(text, row);
}

fn again_line(text: &mut String, row: &Row) {
    if !row.again.is_empty() {
        let _ = writeln!(text, "  again: {}", safe(&row.again));
    }
    text.push('\n');
}

/// Those that were not reached, those together that have the same reason.
fn not_run(text: &mut String, results: &Results, style: Style) {
    let mut reasons: Vec<(&str, Vec<&Row>)> = Vec::new();
    for row in &results.rows {
        if let Fate::NotRun { reason } = &row.fate {
            match reasons.iter_mut().find(|(known, _)| known == reason) {
                Some((_, rows)) => rows.push(row),
                None => reasons.push((reason, vec![row])),
            }
        }
    }
    for (reason, rows) in reasons {
        let names: Vec<&str> = rows.iter().take(NAMES).map(|row| row.name.as_str()).collect();
        let more = rows.len().saturating_sub(NAMES);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let word = status(rows[0].status(), style.out);
        let _ = writeln!(text, "{word} {}{more}\n  {}\n", names.join(", "), safe(reason));
    }
}

fn summary(text: &mut String, results: &Results, style: Style) {
    let took = results.took.map(|took| format!(" [{}]", seconds(took))).unwrap_or_default();
    let count = match results.rows.len() {
        1 => "1 scenario".to_owned(),
        count => format!("{count} scenarios"),
    };
    let seeds: Vec<u64> = results.rows.iter().map(|row| row.seed).collect();
    let seeds = match (seeds.iter().min(), seeds.iter().max()) {
        (Some(first), Some(last)) if first == last => format!(", seed {first}"),
        (Some(first), Some(last)) => format!(", seeds {first} to {last}"),
        _ => String::new(),
    };
    let (bold, plain) = if style.out { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
    let _ = writeln!(text, "{bold}Summary{plain}{took} {count}: {}{seeds}", results.tally());
}

/// Text of several lines, each below the first.
fn lines(text: &str, indent: usize) -> String {
    let lines: Vec<String> = text.lines().map(safe).collect();
    lines.join(&format!("\n{:indent$}", ""))
}

/// The objectives that did not hold, those together that have the same reason: one cause is told once.
fn by_reason(objectives: &[Judgement]) -> Vec<Vec<&Judgement>> {
    let mut groups: Vec<Vec<&Judgement>> = Vec::new();
    for judgement in objectives.iter().filter(|judgement| judgement.outcome != Outcome::Pass) {
        let same =
            |group: &&mut Vec<&Judgement>| group[0].reason == judgement.reason && group[0].outcome == judgement.outcome;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(judgement),
            None => groups.push(vec![judgement]),
        }
    }
    groups
}
