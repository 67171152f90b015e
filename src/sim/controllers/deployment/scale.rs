//! Scaling a Deployment outside of a rollout step: when `spec.replicas` changed, or while it is paused.

use std::cmp::Reverse;
use std::sync::Arc;

use super::replica_sets::{DESIRED, MAX, annotated, counted, resize, size};
use super::rollout::Rollout;
use crate::{Object, State};

/// Whether `spec.replicas` changed since its ReplicaSets were last sized (`isScalingEvent`).
pub(super) fn is_scaling(rollout: &Rollout) -> bool {
    let wanted = i64::from(rollout.replicas());
    rollout
        .all()
        .filter(|set| size(set) > 0)
        .any(|set| annotated(set, DESIRED).is_some_and(|desired| desired != wanted))
}

/// Brings the ReplicaSets to the Deployment's size without moving the rollout on.
pub(super) fn scale(state: &mut State, rollout: &mut Rollout) {
    let active: Vec<Arc<Object>> = rollout.all().filter(|set| size(set) > 0).cloned().collect();
    let latest = rollout.new.clone().or_else(|| rollout.old.last().cloned());
    let only = match active.as_slice() {
        [] => latest,
        [one] => Some(one.clone()),
        _ => None,
    };
    if let Some(only) = only {
        if size(&only) != rollout.replicas() || annotated(&only, DESIRED) != Some(i64::from(rollout.replicas())) {
            resize(state, rollout, &only, rollout.replicas());
        }
    } else if is_saturated(rollout) {
        for set in rollout.old.iter().filter(|set| size(set) > 0) {
            resize(state, rollout, set, 0);
        }
    } else if rollout.is_rolling() {
        for (set, replicas) in proportions(rollout, active) {
            resize(state, rollout, &set, replicas);
        }
    }
    rollout.refresh(state);
}

fn is_saturated(rollout: &Rollout) -> bool {
    let wanted = rollout.replicas();
    rollout.new.as_ref().is_some_and(|new| {
        size(new) == wanted
            && annotated(new, DESIRED) == Some(i64::from(wanted))
            && counted(new, "availableReplicas") == wanted
    })
}

/// The size of each active ReplicaSet when the difference is shared out in proportion to the present sizes, so that
/// a rollout that is stuck half-way keeps its mixture; what rounding leaves goes to the largest.
fn proportions(rollout: &Rollout, mut active: Vec<Arc<Object>>) -> Vec<(Arc<Object>, i32)> {
    let wanted = rollout.replicas();
    let (surge, _) = rollout.limits();
    let allowed = if wanted > 0 { wanted + surge } else { 0 };
    let difference = allowed - active.iter().map(|set| size(set)).sum::<i32>();
    if difference > 0 {
        // The newest of equally large ones grows first, the oldest shrinks first.
        active.reverse();
    }
    active.sort_by_key(|set| Reverse(size(set)));
    let mut shared = 0;
    let mut sizes = Vec::new();
    for set in active {
        let share = share(rollout, &set, allowed, difference, shared);
        shared += share;
        let replicas = size(&set) + share;
        sizes.push((set, replicas));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest = (*largest + difference - shared).max(0);
    }
    sizes
}

fn share(rollout: &Rollout, set: &Object, allowed: i32, difference: i32, shared: i32) -> i32 {
    let present = size(set);
    if present == 0 || difference == 0 || difference == shared {
        return 0;
    }
    let fraction = if rollout.replicas() == 0 {
        -present
    } else {
        let status = i64::from(rollout.status.replicas.unwrap_or(0));
        let before = annotated(set, MAX).unwrap_or(status).max(1);
        let scaled = i64::from(present) * i64::from(allowed);
        // Rounded half away from zero, as the real one does.
        let scaled = (2 * scaled + before) / (2 * before);
        i32::try_from(scaled).unwrap_or(i32::MAX) - present
    };
    let rest = difference - shared;
    if difference > 0 { fraction.min(rest) } else { fraction.max(rest) }
}
