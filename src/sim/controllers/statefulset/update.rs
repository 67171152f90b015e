//! `RollingUpdate` of a StatefulSet: from the highest ordinal down to the partition, one pod at a time.

use super::replica;
use super::set::Set;
use crate::State;
use crate::controllers::history::REVISION_HASH;

/// Deletes the next pod that does not have the updated revision, when all above it are healthy.
pub(super) fn roll(state: &mut State, set: &Set) {
    let Some(partition) = replica::partition(set) else { return };
    let pods = set.pods(state);
    let ordinals = set.ordinals();
    let updated = set.updated.text("/metadata/name");
    for ordinal in (ordinals.start + partition..ordinals.end).rev() {
        let Some(pod) = pods.get(&ordinal) else { return };
        if pod.label(REVISION_HASH) != Some(updated) && !pod.is_terminating() {
            replica::delete(state, set, pod);
            return;
        }
        if !set.is_healthy(state, pod) {
            return;
        }
    }
}
