//! The final table on standard output, and the reasons below it.

use std::fmt::Write;

use driftproof::report::{Entry, tally};
use driftproof::verdict::{Judgement, Outcome};

use super::style::{outcome, safe};

/// One line for each scenario, then the tally.
pub(super) fn results(entries: &[Entry], colour: bool) -> String {
    let mut text = String::new();
    for entry in entries.iter().filter(|entry| !entry.verdict.dirty.is_empty()) {
        let _ = writeln!(text, "LEFT DIRTY  {}: {}", entry.name, safe(&entry.verdict.dirty.join("; ")));
    }
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    for entry in entries {
        let _ = writeln!(
            text,
            "{} {:<width$}  {}",
            outcome(entry.verdict.outcome, colour),
            entry.name,
            safe(&entry.verdict.line)
        );
    }
    let _ = writeln!(text, "{}", tally(entries.iter().map(|entry| entry.verdict.outcome)));
    text
}

/// For every scenario that did not pass: the objectives that did not hold, the knob, and how to see it again.
pub(super) fn reasons(entries: &[Entry], colour: bool) -> String {
    let mut text = String::new();
    for entry in entries.iter().filter(|entry| entry.verdict.outcome != Outcome::Pass) {
        let _ = writeln!(text, "\n{}", entry.name);
        for judgements in by_reason(&entry.verdict.objectives) {
            let first = judgements[0];
            let names: Vec<&str> = judgements.iter().map(|judgement| judgement.objective.as_str()).collect();
            let _ =
                writeln!(text, "  {} {}: {}", outcome(first.outcome, colour), names.join(", "), safe(&first.reason));
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
