//! Whether a store kept its promise, from the measure of its history. A history that says too little is never a pass.

use crate::measure::{AnomalyMeasure, Held, HistoryMeasure, text};

use super::Judgement;
use super::judgement::Case;

/// `consistency.<name>`.
pub(super) fn consistency(case: &Case<'_>, history: &HistoryMeasure) -> Judgement {
    let objective = format!("consistency.{}", history.name);
    let judgement = match history.held {
        Held::Ok => Judgement::pass(objective, format!("{}: no anomaly", history.claim.name())),
        Held::Unknown => Judgement::inconclusive(objective, format!("{}: {}", history.name, history.unknown)),
        // With `rpo` given, lost elements are judged there, against its bound.
        Held::Violation if history.only_lost && history.lost.is_some() && case.scenario.expect.rpo.is_some() => {
            Judgement::pass(objective, "nothing but lost elements, which `rpo` judges")
        }
        Held::Violation => Judgement::fail(objective, violation(history)),
    };
    judgement.measured(counts(history)).bound(history.claim.name())
}

/// Lost elements of a set that was run on a store.
pub(super) fn history_rpo(history: &HistoryMeasure, bound: u64) -> Judgement {
    let Some(lost) = history.lost else {
        return Judgement::inconclusive("rpo", format!("{}: {}", history.name, history.unknown));
    };
    if lost > bound {
        let reason = format!("{lost} acknowledged elements of {} are gone: {}", history.name, violation(history));
        return Judgement::fail("rpo", reason).measured(lost.to_string()).value(lost as f64);
    }
    match history.held {
        Held::Unknown => Judgement::inconclusive("rpo", format!("{}: {}", history.name, history.unknown)),
        Held::Ok | Held::Violation => {
            let added = history.functions.iter().find(|count| count.function == "add").map_or(0, |count| count.ok);
            let reason = format!("{lost} of {added} acknowledged elements are gone");
            Judgement::pass("rpo", reason).measured(lost.to_string()).value(lost as f64)
        }
    }
}

/// `2000 ok, 3 fail, 12 info`.
fn counts(history: &HistoryMeasure) -> String {
    let sum = |of: fn(&crate::measure::FunctionCount) -> u64| history.functions.iter().map(of).sum::<u64>();
    format!("{} ok, {} fail, {} info", sum(|one| one.ok), sum(|one| one.fail), sum(|one| one.info))
}

/// The clearest anomaly in one line, and how many more there are.
fn violation(history: &HistoryMeasure) -> String {
    let Some(first) = history.anomalies.first() else { return "the claim is broken".to_owned() };
    let kinds: Vec<String> = history.found.iter().map(|(kind, count)| text::count(*count, kind)).collect();
    format!("{} ({})", told(first), text::some(&kinds, 3))
}

fn told(anomaly: &AnomalyMeasure) -> String {
    let mut line = anomaly.headline.clone();
    if !anomaly.places.is_empty() {
        line.push_str("; answered by ");
        line.push_str(&text::some(&anomaly.places, 4));
    }
    if let Some(steady) = &anomaly.steady {
        line.push_str("; ");
        line.push_str(steady);
    }
    line
}
