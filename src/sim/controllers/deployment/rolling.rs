//! `RollingUpdate`: the new ReplicaSet grows within `maxSurge`, old ones shrink within `maxUnavailable`.

use super::replica_sets::{counted, new_size, resize, size};
use super::rollout::Rollout;
use super::{history, progress, revision};
use crate::State;
use crate::controllers::queue::TryAgain;

/// One step of a rolling update.
pub(super) fn step(state: &mut State, rollout: &mut Rollout) -> Result<(), TryAgain> {
    revision::ensure_new(state, rollout)?;
    let moved = grow_new(state, rollout) || shrink_old(state, rollout);
    rollout.refresh(state);
    if !moved && progress::is_complete(rollout) {
        history::clean_up(state, rollout);
    }
    progress::sync_status(state, rollout);
    Ok(())
}

/// Scales the new ReplicaSet to what it may have now; tells whether it changed.
fn grow_new(state: &mut State, rollout: &Rollout) -> bool {
    let Some(new) = &rollout.new else { return false };
    let present = size(new);
    let wanted = rollout.replicas();
    let next = if present > wanted { wanted } else { new_size(rollout, present) };
    next != present && resize(state, rollout, new, next)
}

/// Scales old ReplicaSets down as far as availability allows, those pods first that are not available anyway.
fn shrink_old(state: &mut State, rollout: &mut Rollout) -> bool {
    if rollout.old.iter().map(|set| size(set)).sum::<i32>() == 0 {
        return false;
    }
    let total: i32 = rollout.all().map(|set| size(set)).sum();
    let (_, max_unavailable) = rollout.limits();
    let floor = rollout.replicas() - max_unavailable;
    let new_unavailable = rollout.new.as_ref().map_or(0, |new| size(new) - counted(new, "availableReplicas"));
    let room = total - floor - new_unavailable;
    if room <= 0 {
        return false;
    }
    let cleaned = drop_unhealthy(state, rollout, room);
    rollout.refresh(state);
    let available: i32 = rollout.all().map(|set| counted(set, "availableReplicas")).sum();
    let shrunk = drop_available(state, rollout, available - floor);
    cleaned || shrunk
}

fn drop_unhealthy(state: &mut State, rollout: &Rollout, mut room: i32) -> bool {
    let mut changed = false;
    for set in &rollout.old {
        let unhealthy = (size(set) - counted(set, "availableReplicas")).min(room);
        if unhealthy > 0 {
            changed |= resize(state, rollout, set, size(set) - unhealthy);
            room -= unhealthy;
        }
    }
    changed
}

fn drop_available(state: &mut State, rollout: &Rollout, mut room: i32) -> bool {
    let mut changed = false;
    for set in &rollout.old {
        let down = size(set).min(room);
        if down > 0 {
            changed |= resize(state, rollout, set, size(set) - down);
            room -= down;
        }
    }
    changed
}
