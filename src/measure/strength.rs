//! How many of the target's pods are Ready over time. A pod that terminates does not count, whatever its conditions say.

use std::collections::BTreeMap;

use crate::scenario::WorkloadKind;

use super::model::StrengthPoint;
use super::timeline::{Timeline, in_strength};

/// One point for each change of the ready or the wanted number. Empty when no pod of the target was seen.
pub(super) fn strength(timeline: &Timeline<'_>) -> Vec<StrengthPoint> {
    let mut changes: Vec<(u64, usize, Change)> = Vec::new();
    for (index, life) in timeline.pods.iter().enumerate() {
        changes.extend(life.seen.iter().map(|(t, pod)| (*t, index, Change::Pod(in_strength(pod)))));
    }
    let stated = timeline.workloads.iter().any(|(_, workload)| workload.desired > 0);
    if stated {
        let floor = daemons(timeline);
        let wanted = |t: u64, desired: u32| Change::Desired(if t > floor.0 { desired.max(floor.1) } else { desired });
        changes.extend(timeline.workloads.iter().map(|(t, workload)| (*t, usize::MAX, wanted(*t, workload.desired))));
    }
    changes.sort_by_key(|(t, ..)| *t);
    let mut desired = if stated { 0 } else { baseline(timeline) };
    let mut ready: BTreeMap<usize, bool> = BTreeMap::new();
    let mut count = 0_u32;
    let mut points: Vec<StrengthPoint> = Vec::new();
    for (at, index, change) in changes {
        match change {
            Change::Pod(now) => {
                let before = ready.insert(index, now).unwrap_or(false);
                count = count + u32::from(now) - u32::from(before);
            }
            Change::Desired(wanted) => desired = wanted,
        }
        push(&mut points, StrengthPoint { at, ready: count, desired });
    }
    points
}

/// The first injection, and how many pods a `DaemonSet` wanted at it. Its controller takes a node that is lost out of the
/// number; what was wanted at the steady state is still what the target must have again. 0 for every other workload.
fn daemons(timeline: &Timeline<'_>) -> (u64, u32) {
    let first = first_injection(timeline);
    let target = timeline.scenario.target.workload.as_ref();
    if target.is_none_or(|workload| workload.kind != WorkloadKind::DaemonSet) {
        return (first, 0);
    }
    let before = timeline.workloads.iter().rev().find(|(t, _)| *t <= first);
    (first, before.map_or(0, |(_, workload)| workload.desired))
}

fn first_injection(timeline: &Timeline<'_>) -> u64 {
    timeline.faults.iter().map(|(t, _)| *t).min().unwrap_or(timeline.observed)
}

#[derive(Clone, Copy)]
enum Change {
    Pod(bool),
    Desired(u32),
}

/// Without a workload that states a number: the most pods that were Ready together before the first injection.
fn baseline(timeline: &Timeline<'_>) -> u32 {
    let first = first_injection(timeline);
    let ready = timeline.pods.iter().filter(|life| life.first_ready().is_some_and(|t| t <= first)).count();
    u32::try_from(ready).unwrap_or(u32::MAX)
}

fn push(points: &mut Vec<StrengthPoint>, point: StrengthPoint) {
    match points.last_mut() {
        // Of several changes at one instant only the last is a state that lasted.
        Some(last) if last.at == point.at => *last = point,
        Some(last) if (last.ready, last.desired) == (point.ready, point.desired) => {}
        Some(_) | None => points.push(point),
    }
}
