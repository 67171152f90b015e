//! Recreate: every old pod is gone before the first new one is made.

use super::replica_sets::{resize, size};
use super::rollout::Rollout;
use super::{history, progress, revision};
use crate::controllers::pod;
use crate::controllers::queue::TryAgain;
use crate::{Kind, State};

/// One step of a recreation.
pub(super) fn step(state: &mut State, rollout: &mut Rollout) -> Result<(), TryAgain> {
    revision::sync_existing(state, rollout);
    let mut scaled_down = false;
    for set in rollout.old.iter().filter(|set| size(set) > 0) {
        scaled_down |= resize(state, rollout, set, 0);
    }
    rollout.refresh(state);
    if scaled_down || old_pods_run(state, rollout) {
        progress::sync_status(state, rollout);
        return Ok(());
    }
    revision::ensure_new(state, rollout)?;
    let wanted = rollout.replicas();
    if let Some(new) = rollout.new.clone()
        && size(&new) != wanted
    {
        resize(state, rollout, &new, wanted);
        rollout.refresh(state);
    }
    if progress::is_complete(rollout) {
        history::clean_up(state, rollout);
    }
    progress::sync_status(state, rollout);
    Ok(())
}

/// Whether a pod of an old ReplicaSet may still run; one that is being deleted counts until its object is gone.
fn old_pods_run(state: &State, rollout: &Rollout) -> bool {
    let mut pods = rollout.old.iter().flat_map(|set| state.store.owned_by(set.uid()));
    pods.any(|(kind, _, object)| kind == Kind::Pod && !pod::is_finished(object))
}
