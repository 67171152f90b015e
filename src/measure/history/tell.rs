//! What was found of a history, told beside the faults. Judges nothing.

use crate::consistency::account::set;
use crate::consistency::explain::{Lane, Surroundings, explain, picture, svg};
use crate::consistency::vacuity::Tally;
use crate::consistency::{Anomaly, AnomalyKind, Budget, History, Outcome};
use crate::evidence::HistorySeen;
use crate::measure::{Measurements, around};
use crate::scenario::StoreCheck;
use crate::workload::Kind;

use super::judge::Found;
use super::{AnomalyMeasure, FunctionCount, Held, HistoryMeasure};

/// Anomalies that are told with their operations.
const TOLD_MAX: usize = 5;
/// Where the operations around an anomaly would be drawn, of a history that is too large to be held.
const OTHERS: &str = "the others need more --memory";

pub(super) fn fill(
    measure: &mut HistoryMeasure,
    check: &StoreCheck,
    seen: &HistorySeen,
    found: &Found,
    measured: &Measurements,
) {
    let judged = &found.judged;
    measure.functions = found.tally.as_ref().map(functions).unwrap_or_default();
    if let (Kind::Set, Some(history)) = (check.kind, &judged.history) {
        measure.lost = set::lost(history).ok().flatten().map(|lost| lost.len() as u64);
    }
    match (&judged.outcome, &judged.history) {
        (Outcome::Violation(anomalies), Some(history)) => {
            measure.held = Held::Violation;
            measure.found = kinds(anomalies);
            measure.only_lost = anomalies.iter().all(|anomaly| anomaly.kind == AnomalyKind::LostWrite);
            let (around, is_part) = (around::around(measured), judged.part.is_some());
            let told = |anomaly| tell(history, is_part, anomaly, anomalies, &around);
            measure.anomalies = anomalies.iter().take(TOLD_MAX).map(told).collect();
        }
        (Outcome::Ok(_), _) => match found.tally.as_ref().map(|tally| vacuous(tally, seen)) {
            Some(None) => measure.held = Held::Ok,
            Some(Some(why)) => measure.unknown = why,
            None => measure.unknown = lacking(&judged.outcome),
        },
        (Outcome::Unknown(_) | Outcome::Violation(_), _) => measure.unknown = lacking(&judged.outcome),
    }
}

pub(super) fn lacking(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(_) | Outcome::Violation(_) => "there is no history to look at".to_owned(),
        Outcome::Unknown(Budget::Time(_)) => "it was not decided in time: `driftproof check` takes longer".to_owned(),
        Outcome::Unknown(Budget::Memory(limit)) => {
            format!("it was not decided within {limit} bytes: `driftproof verdict --memory SIZE` may hold more")
        }
        Outcome::Unknown(Budget::Evidence(missing)) => missing.clone(),
    }
}

fn functions(tally: &Tally) -> Vec<FunctionCount> {
    let count = |one: crate::consistency::vacuity::Count| FunctionCount {
        function: one.function,
        ok: one.ok,
        fail: one.fail,
        info: one.info,
    };
    tally.counts().into_iter().map(count).collect()
}

fn kinds(anomalies: &[Anomaly]) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for anomaly in anomalies {
        match found.iter_mut().find(|(kind, _)| kind == anomaly.kind.name()) {
            Some((_, count)) => *count += 1,
            None => found.push((anomaly.kind.name().to_owned(), 1)),
        }
    }
    found.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    found
}

fn tell(history: &History, is_part: bool, anomaly: &Anomaly, all: &[Anomaly], around: &Surroundings) -> AnomalyMeasure {
    let told = explain(history, anomaly, all, around);
    let mut places: Vec<String> = Vec::new();
    let witness = anomaly.witness.iter().filter_map(|number| history.operations.get(*number as usize));
    for pod in witness.filter_map(|operation| operation.node.as_deref()) {
        let place = around.nodes.get(pod).map_or_else(|| pod.to_owned(), |node| format!("{pod} on {node}"));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let mut picture = picture(history, anomaly, around);
    if is_part {
        picture.lanes.push(Lane { label: OTHERS.to_owned(), marks: Vec::new() });
    }
    AnomalyMeasure {
        kind: anomaly.kind.name().to_owned(),
        headline: told.headline,
        places,
        operations: told.operations,
        surroundings: told.surroundings,
        steady: told.steady,
        svg: svg(&picture),
    }
}

/// What the history lacks to mean anything.
fn vacuous(tally: &Tally, seen: &HistorySeen) -> Option<String> {
    if let Some(unread) = seen.unread.first() {
        return Some(format!("not everything was read in the end: {unread}"));
    }
    match tally.lacks() {
        Some(Outcome::Unknown(Budget::Evidence(lacks))) => Some(lacks),
        Some(Outcome::Ok(_) | Outcome::Violation(_) | Outcome::Unknown(_)) | None => None,
    }
}
