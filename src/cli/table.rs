//! The final table on standard output, and the reasons below it.

use std::fmt::Write;

use driftproof::report::{Entry, tally};
use driftproof::verdict::Outcome;

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
        for judgement in entry.verdict.objectives.iter().filter(|judgement| judgement.outcome != Outcome::Pass) {
            let _ = writeln!(
                text,
                "  {} {}: {}",
                outcome(judgement.outcome, colour),
                judgement.objective,
                safe(&judgement.reason)
            );
            if !judgement.knob.is_empty() {
                let _ = writeln!(text, "               knob: {}", safe(&judgement.knob));
            }
        }
        let _ = writeln!(text, "  again: {}", entry.header.again);
    }
    text
}
