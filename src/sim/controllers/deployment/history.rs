//! Old ReplicaSets beyond `revisionHistoryLimit`.

use super::replica_sets::{counted, size};
use super::revision::revision;
use super::rollout::Rollout;
use crate::controllers::control;
use crate::{Kind, State};

/// Deletes the oldest empty ReplicaSets beyond the limit.
pub(super) fn clean_up(state: &mut State, rollout: &Rollout) {
    let limit = rollout.spec().and_then(|spec| spec.revision_history_limit).unwrap_or(10);
    let mut old: Vec<_> = rollout.old.iter().filter(|set| !set.is_terminating()).collect();
    let excess = old.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    old.sort_by_key(|set| revision(set));
    for set in old.into_iter().take(excess) {
        if size(set) == 0 && counted(set, "replicas") == 0 {
            control::delete_exactly(state, Kind::ReplicaSet, set);
        }
    }
}
