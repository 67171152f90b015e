//! Faults and drifts on the time axis of histories, which count nanoseconds. Judges nothing.

use std::collections::BTreeMap;

use crate::consistency::explain::{Annotation, AnnotationKind, Surroundings};

use super::{FaultSpan, Measurements};

fn nanoseconds(micros: u64) -> i64 {
    i64::try_from(micros.saturating_mul(1000)).unwrap_or(i64::MAX)
}

/// When a fault was over: healed, and the target back at full strength. None while it was not.
fn over(fault: &FaultSpan) -> Option<u64> {
    let healed = if fault.to_heal { Some(fault.healed?) } else { fault.healed };
    Some(fault.recovered?.max(healed.unwrap_or(0)))
}

/// Each fault that was injected: its step, its begin, and its end, which is when the target had been steady again for the
/// settle window: a pod is killed in no time, but what that does to a store takes some.
pub(super) fn fault_windows(measured: &Measurements) -> impl Iterator<Item = (&str, i64, i64)> {
    measured.faults.iter().filter_map(|fault| {
        let to = over(fault).map_or(measured.end, |over| over.saturating_add(measured.settle));
        Some((fault.step.as_str(), nanoseconds(fault.injected?), nanoseconds(to)))
    })
}

/// What is known around the histories of a run.
pub(super) fn around(measured: &Measurements) -> Surroundings {
    let faults = measured.faults.iter().filter_map(|fault| {
        Some(Annotation {
            name: fault.step.clone(),
            kind: AnnotationKind::Fault,
            from: nanoseconds(fault.injected?),
            to: over(fault).map(nanoseconds),
            place: fault.targets.join(", "),
            node: None,
        })
    });
    let drifts = measured.drifts.iter().map(|drift| Annotation {
        name: format!("move of {}", drift.instance),
        kind: AnnotationKind::Drift,
        from: nanoseconds(drift.from),
        to: drift.total().map(|total| nanoseconds(drift.from.saturating_add(total))),
        place: format!("pod/{}", drift.old.pod),
        node: drift.new.as_ref().map(|new| new.node.clone()),
    });
    let first = measured.faults.iter().filter_map(|fault| fault.injected).min();
    let steady = measured.steady_before.zip(first).map(|(from, to)| (nanoseconds(from), nanoseconds(to)));
    // The last node of each pod: what a pod of a StatefulSet is called outlives its moves.
    let mut nodes = BTreeMap::new();
    for lane in &measured.lanes {
        if let Some(span) = lane.spans.iter().rev().find(|span| !span.node.is_empty()) {
            nodes.insert(lane.pod.clone(), span.node.clone());
        }
    }
    Surroundings { annotations: faults.chain(drifts).collect(), steady, nodes, ..Surroundings::default() }
}
