//! Asynchronous stores: an operator on the control plane promotes a replica when it has not seen the leader for
//! `election-timeout`. It cannot see whether the old leader still runs behind a cut: that is how two lead at once,
//! and how acknowledged writes are lost.

use super::group::ordinal;
use super::replica::lead;
use super::{ProcessId, State};

/// The operator looks at a store, woken by one of its followers.
pub(super) fn watch(state: &mut State, id: ProcessId) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let (key, timeout) = (replica.group.clone(), replica.config.election_timeout);
    let Some(group) = state.apps.kv.groups.get(&key) else { return };
    let sees = |process: &ProcessId| {
        let known = state.apps.kv.replicas.get(process);
        known.is_some_and(|known| state.reaches_control_plane(&known.uid))
    };
    let leads = |process: &ProcessId| state.apps.kv.replicas.get(process).is_some_and(|known| known.lead().is_some());
    if group.leader.as_ref().is_some_and(|leader| sees(leader) && leads(leader)) {
        if let Some(group) = state.apps.kv.groups.get_mut(&key) {
            group.leader_seen = now;
        }
        return;
    }
    if group.started && now.saturating_sub(group.leader_seen) < timeout {
        return;
    }
    let candidates = group.members.iter().filter(|(_, process)| sees(process));
    let rank = |process: &ProcessId| state.apps.kv.replicas.get(process).map(|known| known.log.rank());
    // The most advanced replica, and among equals the lowest ordinal.
    let best = candidates.max_by(|(a, one), (b, other)| {
        rank(one).cmp(&rank(other)).then_with(|| ordinal(b).cmp(&ordinal(a))).then_with(|| b.cmp(a))
    });
    if let Some(process) = best.map(|(_, process)| *process) {
        let term = group.term + 1;
        lead(state, process, term, &[]);
    }
}
