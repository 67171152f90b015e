//! Synchronous stores: who leads is decided by terms and majorities, as in Raft (Ongaro and Ousterhout, 2014), with
//! the votes of one election collected at one instant. Leadership is a lease: who has not heard from a majority for
//! `election-timeout` no longer leads, and nobody votes within that time of hearing a leader.

use std::time::Duration;

use super::replica::{Replica, lead, step_down};
use super::{ProcessId, State};

/// How a candidate treats a leader that is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manners {
    /// Voters that heard from a leader lately refuse.
    Patient,
    /// The leader itself asked for it.
    Invited,
}

/// When a leader last had the ear of a majority; `None` when never.
fn majority_heard(state: &State, id: ProcessId, replica: &Replica) -> Option<Duration> {
    let lead = replica.lead()?;
    let group = state.apps.kv.groups.get(&replica.group)?;
    let mut times: Vec<Option<Duration>> = group
        .members
        .iter()
        .map(|(name, process)| {
            if *process == id { Some(state.now) } else { lead.followers.get(name).and_then(|known| known.acknowledged) }
        })
        .collect();
    times.sort_unstable_by(|a, b| b.cmp(a));
    times.get(group.majority() - 1).copied().flatten()
}

/// Whether a leader may act alone: a majority was with it within the election timeout.
pub(super) fn holds_lease(state: &State, id: ProcessId) -> bool {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return false };
    let heard = majority_heard(state, id, replica);
    heard.is_some_and(|at| state.now.saturating_sub(at) < replica.config.election_timeout)
}

/// What a candidate found when it asked around.
#[derive(Debug, Default)]
struct Poll {
    votes: Vec<(String, ProcessId)>,
    /// Further members that answered, but came without their data: they count only when everybody is here.
    without_memory: Vec<(String, ProcessId)>,
    members: usize,
    term: u64,
}

/// A replica stands for election and leads when a majority votes for it. Returns whether it leads.
pub(super) fn stand(state: &mut State, id: ProcessId, manners: Manners) -> bool {
    let Some(poll) = poll(state, id, manners) else { return false };
    let majority = poll.members / 2 + 1;
    let everyone = poll.votes.len() + poll.without_memory.len() == poll.members;
    let mut votes = poll.votes;
    if everyone {
        votes.extend(poll.without_memory);
    }
    if votes.len() < majority || !votes.iter().any(|(_, process)| *process == id) {
        return false;
    }
    let term = poll.term + 1;
    for (_, voter) in votes.iter().filter(|(_, voter)| *voter != id) {
        step_down(state, *voter, term, Some(id));
    }
    let names: Vec<String> = votes.into_iter().map(|(name, _)| name).collect();
    lead(state, id, term, &names);
    true
}

fn poll(state: &State, id: ProcessId, manners: Manners) -> Option<Poll> {
    let candidate = state.apps.kv.replicas.get(&id)?;
    let group = state.apps.kv.groups.get(&candidate.group)?;
    let mut poll = Poll { members: group.voters(), term: candidate.term, ..Poll::default() };
    for (name, process) in &group.members {
        let Some(voter) = state.apps.kv.replicas.get(process) else { continue };
        let itself = *process == id;
        if !itself && !state.packet_allowed(&candidate.uid, &voter.uid, voter.port) {
            continue;
        }
        let patient = manners == Manners::Patient && group.started && !itself;
        if (patient && content(state, *process, voter)) || voter.log.rank() > candidate.log.rank() {
            continue;
        }
        if voter.lead().is_some() && voter.config.bugs.two_leaders {
            continue;
        }
        poll.term = poll.term.max(voter.term);
        let list = if voter.learner { &mut poll.without_memory } else { &mut poll.votes };
        list.push((name.clone(), *process));
    }
    Some(poll)
}

/// Whether a voter has, or is, a leader that was heard within the election timeout.
fn content(state: &State, id: ProcessId, voter: &Replica) -> bool {
    if voter.lead().is_some() {
        return holds_lease(state, id);
    }
    state.now.saturating_sub(voter.heard) < voter.config.election_timeout
}
