//! The one line for people: the worst objective's reason, or what a passing run has shown.

use crate::measure::{DataMeasure, Drift, ProbeMeasure, text};

use super::judgement::Case;
use super::{Judgement, Outcome};

pub(super) fn line(case: &Case<'_>, outcome: Outcome, objectives: &[Judgement]) -> String {
    match outcome {
        Outcome::Pass => passed(case),
        Outcome::Inconclusive => {
            let problem = case.measured.faults.iter().any(|fault| !fault.problem.is_empty());
            let order: &[&str] = if !case.measured.aborts.is_empty() {
                &["abort"]
            } else if problem {
                &["drained", "faults", "evidence"]
            } else {
                &["evidence", "faults"]
            };
            worst(objectives, outcome, order).map_or_else(String::new, |worst| worst.reason.clone())
        }
        Outcome::Fail => failed(objectives),
    }
}

/// What was left comes first, then what could not be done, then what was lost or took too long.
fn failed(objectives: &[Judgement]) -> String {
    let leading = ["clean", "abort", "drained", "rto", "data", "consistency", "rpo"];
    let Some(worst) = worst(objectives, Outcome::Fail, &leading) else {
        return String::new();
    };
    let also: Vec<&str> = objectives
        .iter()
        .filter(|other| other.outcome == Outcome::Fail && other.objective != worst.objective)
        .map(|other| other.objective.as_str())
        // That it never was steady again is what `rto` says already.
        .filter(|objective| !(*objective == "steady" && worst.objective == "rto"))
        .collect();
    if also.is_empty() {
        worst.reason.clone()
    } else {
        format!("{} (also failed: {})", worst.reason, text::some(&also, 4))
    }
}

/// The first objective of this outcome by the families named, else by its place.
fn worst<'a>(objectives: &'a [Judgement], outcome: Outcome, order: &[&str]) -> Option<&'a Judgement> {
    let family = |judgement: &Judgement| judgement.objective.split('.').next().unwrap_or_default().to_owned();
    let rank = |judgement: &&Judgement| {
        let family = family(judgement);
        // `steady` says least: it holds whenever something else is wrong.
        if family == "steady" {
            usize::MAX
        } else {
            order.iter().position(|name| *name == family).unwrap_or(order.len())
        }
    };
    objectives.iter().filter(|judgement| judgement.outcome == outcome).min_by_key(rank)
}

fn passed(case: &Case<'_>) -> String {
    let measured = case.measured;
    let mut parts = Vec::new();
    if !case.scenario.has_objective() {
        parts.push("no objective was set".to_owned());
        let worst = case.probes().filter_map(ProbeMeasure::availability).reduce(f64::min);
        parts.extend(worst.map(|share| format!("availability {}", text::percent(share))));
        let longest = case.probes().map(ProbeMeasure::longest_outage).max().filter(|longest| *longest > 0);
        parts.extend(longest.map(|longest| format!("longest outage {}", text::duration(longest))));
    }
    if let Some(rto) = measured.faults.iter().filter_map(crate::measure::FaultSpan::rto).max() {
        parts.push(format!("rto {}", text::duration(rto)));
    }
    let (attempts, ok) = case.probes().fold((0, 0), |(attempts, ok), probe| (attempts + probe.attempts, ok + probe.ok));
    if attempts > 0 {
        parts.push(format!("{} of {attempts} probes failed", attempts - ok));
    }
    let lost = measured.data.iter().filter_map(|check| match check {
        DataMeasure::Set(set) => Some(set.lost.len() as u64),
        DataMeasure::History(history) => history.lost,
        DataMeasure::Volume(_) => None,
    });
    if let Some(lost) = lost.reduce(|a, b| a + b) {
        parts.push(format!("rpo {lost}"));
    }
    for check in &measured.data {
        if let DataMeasure::History(history) = check {
            parts.push(format!("{} {}", history.name, history.claim.name()));
        }
    }
    parts.push(drifted(&measured.drifts));
    if !measured.skipped.is_empty() {
        parts.push(format!("{} left out", measured.skipped.len()));
    }
    parts.join(", ")
}

fn drifted(drifts: &[Drift]) -> String {
    let moved: Vec<String> = drifts
        .iter()
        .filter(|drift| drift.moved())
        .filter_map(|drift| Some(format!("{} → {}", drift.old.node, drift.new.as_ref()?.node)))
        .collect();
    match (drifts.len(), moved.len()) {
        (0, _) => "nothing had to move".to_owned(),
        (all, 0) => format!("{} back on the same node", text::count(all as u64, "instance")),
        (all, _) => format!("{} {}", text::count(all as u64, "drift"), text::some(&moved, 3)),
    }
}
