//! The final table on standard output, and the reasons below it.

use std::fmt::Write;

use driftproof::report::{Fate, Results};
use driftproof::verdict::{Judgement, Outcome};

use super::style::{safe, status};

/// One line for each scenario, then the tally.
pub(super) fn results(results: &Results, colour: bool) -> String {
    let mut text = String::new();
    for row in results.rows.iter().filter(|row| !row.dirty().is_empty()) {
        let _ = writeln!(text, "LEFT DIRTY  {}: {}", row.name, safe(&row.dirty().join("; ")));
    }
    let width = results.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &results.rows {
        let _ = writeln!(text, "{} {:<width$}  {}", status(row.status(), colour), row.name, safe(row.line()));
    }
    let _ = writeln!(text, "{}", results.tally());
    text
}

/// For every scenario that did not pass: the objectives that did not hold, the knob, and how to see it again.
pub(super) fn reasons(results: &Results, colour: bool) -> String {
    let mut text = String::new();
    for row in &results.rows {
        let entry = match &row.fate {
            Fate::Judged(entry) if entry.verdict.outcome == Outcome::Pass => continue,
            Fate::NotRun { .. } => continue,
            Fate::Judged(entry) => entry,
            Fate::Error(failure) => {
                let _ = writeln!(text, "\n{}", row.name);
                for line in failure.reason.lines() {
                    let _ = writeln!(text, "  {}", safe(line));
                }
                continue;
            }
        };
        let _ = writeln!(text, "\n{}", row.name);
        for judgements in by_reason(&entry.verdict.objectives) {
            let first = judgements[0];
            let names: Vec<&str> = judgements.iter().map(|judgement| judgement.objective.as_str()).collect();
            let _ = writeln!(
                text,
                "  {} {}: {}",
                status(first.outcome.into(), colour),
                names.join(", "),
                safe(&first.reason)
            );
            if !first.knob.is_empty() {
                let _ = writeln!(text, "               knob: {}", safe(&first.knob));
            }
        }
        let _ = writeln!(text, "  again: {}", safe(&entry.header.again));
    }
    text
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
