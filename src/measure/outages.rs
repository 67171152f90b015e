//! Stretches without an answer, each with the faults that were in force and the phase of a drift in which most of it fell.

use std::collections::BTreeMap;

use crate::evidence::{Attempt, Outcome};
use crate::scenario::Phase;

use super::faults::in_force;
use super::model::{Drift, FaultSpan, Outage};
use super::timeline::Timeline;

/// Outages among attempts that are sorted by when they were due.
pub(super) fn outages(
    timeline: &Timeline<'_>,
    attempts: &[&Attempt],
    faults: &[FaultSpan],
    drifts: &[Drift],
) -> Vec<Outage> {
    let mut found = Vec::new();
    let mut failed: Vec<&Attempt> = Vec::new();
    for attempt in attempts {
        if !super::probes::is_ok(attempt) {
            failed.push(attempt);
        } else if !failed.is_empty() {
            found.push(outage(timeline, &std::mem::take(&mut failed), attempt.due, faults, drifts));
        }
    }
    if let Some(last) = failed.last() {
        let end = timeline.observed.max(last.due);
        found.push(outage(timeline, &failed, end, faults, drifts));
    }
    found
}

fn outage(timeline: &Timeline<'_>, failed: &[&Attempt], to: u64, faults: &[FaultSpan], drifts: &[Drift]) -> Outage {
    let from = failed[0].due;
    let holds =
        |fault: &&FaultSpan| in_force(fault, timeline.observed).is_some_and(|(begin, end)| begin <= to && from <= end);
    Outage {
        from,
        to,
        failed: failed.len() as u64,
        steps: faults.iter().filter(holds).map(|fault| fault.step.clone()).collect(),
        phase: phase(from, to, drifts, timeline.observed),
        seen: seen(failed),
    }
}

/// The phase that overlaps the outage most; of equal ones the first drift's.
fn phase(from: u64, to: u64, drifts: &[Drift], observed: u64) -> Option<(Phase, String)> {
    let mut best: Option<(u64, Phase, &str)> = None;
    for drift in drifts {
        let mut begin = drift.from;
        let mut spans = Vec::new();
        for edge in &drift.edges {
            spans.push((edge.phase, begin, edge.at));
            begin = edge.at;
        }
        spans.extend(drift.stuck.iter().map(|stuck| (stuck.phase, begin, observed)));
        for (phase, begin, end) in spans {
            let overlap = end.min(to).saturating_sub(begin.max(from));
            if overlap > best.map_or(0, |(most, ..)| most) {
                best = Some((overlap, phase, &drift.instance));
            }
        }
    }
    best.map(|(_, phase, instance)| (phase, instance.to_owned()))
}

/// What the failed attempts saw, the most frequent first.
fn seen(failed: &[&Attempt]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for attempt in failed {
        let what = match &attempt.outcome {
            Outcome::Ok { .. } => continue,
            Outcome::Status { status } => format!("status {status}"),
            Outcome::Error { reason } => reason.clone(),
            Outcome::Timeout => "timeout".to_owned(),
        };
        *counts.entry(what).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let names: Vec<String> = counts.into_iter().map(|(what, _)| what).collect();
    super::text::some(&names, 3)
}
