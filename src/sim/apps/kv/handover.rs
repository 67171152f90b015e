//! A leader that is told to stop (SIGTERM) passes leadership to a follower that has everything, as etcd and Patroni
//! do, so that a planned move costs no election.

use super::election::{Manners, stand};
use super::replica::{lead, step_down};
use super::{ProcessId, State, replication};

/// SIGTERM has come.
pub(in crate::apps) fn retire(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let last = replica.log.last();
    if replica.config.bugs.two_leaders {
        return;
    }
    let Some(lead) = replica.lead_mut() else { return };
    lead.retiring = true;
    lead.flushed = last;
    replication::broadcast(state, id);
    hand_over(state, id);
}

/// Hands over when nothing is pending and some follower has the whole log.
pub(super) fn hand_over(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let Some(leader) = replica.lead() else { return };
    if !leader.retiring || !leader.pending.is_empty() || !leader.buffered.is_empty() {
        return;
    }
    let last = replica.log.last();
    let successors: Vec<ProcessId> = leader
        .followers
        .values()
        .filter(|progress| progress.matched == last)
        .filter_map(|progress| progress.process)
        .filter(|process| {
            let known = state.apps.kv.replicas.get(process);
            known.is_some_and(|known| state.packet_allowed(&replica.uid, &known.uid, known.port))
        })
        .collect();
    let (sync, term, group) = (replica.is_sync(), replica.term, replica.group.clone());
    for successor in successors {
        if sync {
            if stand(state, successor, Manners::Invited) {
                return;
            }
        } else {
            let term = state.apps.kv.groups.get(&group).map_or(term, |group| group.term.max(term)) + 1;
            step_down(state, id, term, Some(successor));
            return lead(state, successor, term, &[]);
        }
    }
}
