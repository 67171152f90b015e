//! The leader's log becomes everybody's: appends, acknowledgements, commits. A follower whose log differs throws
//! its own tail away.

use std::sync::Arc;
use std::time::Duration;

use super::data::Op;
use super::log::Entry;
use super::mail::{Append, Appended, Letter, post};
use super::replica::{Role, refresh, step_down};
use super::{ProcessId, State, Work, client, disk, handover};
use crate::Event;

/// How far a member is, as the leader knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// The process that this is about.
    pub(super) process: Option<ProcessId>,
    /// The next index to send.
    pub(super) next: usize,
    /// Its log agrees up to here.
    pub(super) matched: usize,
    /// When the leader sent what this member last acknowledged.
    pub(super) acknowledged: Option<Duration>,
}

/// Appends an operation to the leader's log. Returns its index; `None` when this replica does not lead.
pub(super) fn write(state: &mut State, id: ProcessId, op: Op) -> Option<usize> {
    let replica = state.apps.kv.replicas.get_mut(&id)?;
    let term = replica.term;
    let entry = Arc::new(Entry { term, op });
    let sync = replica.is_sync();
    let alone = replica.config.bugs.two_leaders;
    let lag = replica.config.lag;
    replica.log.push(entry.clone());
    let index = replica.log.last();
    let lead = replica.lead_mut()?;
    let at_once = sync || lead.retiring;
    if at_once {
        lead.flushed = index;
    }
    disk::save(state, id, index, &entry);
    if at_once {
        broadcast(state, id);
    } else {
        state.after(lag, Event::App(super::super::Work::Kv(Work::Flush(id, term, index))));
    }
    if !sync || alone {
        commit_to(state, id, index);
    } else {
        advance(state, id);
    }
    Some(index)
}

/// An asynchronous leader's lag is over for the entries up to `index`.
pub(super) fn flush(state: &mut State, id: ProcessId, term: u64, index: usize) {
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    if replica.term != term {
        return;
    }
    let Some(lead) = replica.lead_mut() else { return };
    lead.flushed = lead.flushed.max(index);
    broadcast(state, id);
}

/// Sends each member what it lacks, at least a heartbeat.
pub(super) fn broadcast(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let Some(group) = state.apps.kv.groups.get(&replica.group) else { return };
    let others: Vec<(String, ProcessId)> = group
        .members
        .iter()
        .chain(&group.seats.learners)
        .filter(|(name, process)| **name != replica.pod && **process != id)
        .map(|(name, process)| (name.clone(), *process))
        .collect();
    for (name, process) in others {
        send(state, id, &name, process);
    }
}

fn send(state: &mut State, id: ProcessId, name: &str, process: ProcessId) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let Role::Leader(lead) = &mut replica.role else { return };
    let last = replica.log.last();
    let fresh = Progress { process: None, next: last + 1, matched: 0, acknowledged: None };
    let progress = lead.followers.entry(name.to_owned()).or_insert(fresh);
    match progress.process {
        Some(known) if known == process => {}
        None => progress.process = Some(process),
        // Another process, perhaps with another log; what its predecessor acknowledged still counts for the lease.
        Some(_) => {
            *progress = Progress { process: Some(process), acknowledged: progress.acknowledged, ..fresh };
        }
    }
    // To a member that does not answer only heartbeats go; the rest follows when it speaks again.
    let silent = progress.acknowledged.is_none_or(|at| now.saturating_sub(at) > replica.config.election_timeout / 4);
    let from = if silent { progress.matched } else { progress.next - 1 }.min(lead.flushed);
    let to = if silent { from } else { lead.flushed };
    progress.next = to + 1;
    let append = Append {
        term: replica.term,
        previous: from,
        previous_term: replica.log.term_at(from),
        entries: replica.log.between(from, to),
        commit: replica.commit.min(lead.flushed),
        sent: now,
    };
    post(state, id, process, Letter::Append(append));
}

/// A follower receives a leader's entries.
pub(super) fn append(state: &mut State, id: ProcessId, from: ProcessId, message: &Append) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let leads = replica.lead().is_some();
    if leads && replica.config.bugs.two_leaders {
        return;
    }
    let answer = |term, fits, index| Letter::Appended(Appended { term, fits, index, sent: message.sent });
    if message.term < replica.term {
        let term = replica.term;
        return post(state, id, from, answer(term, false, 0));
    }
    if leads || message.term > replica.term || replica.leader != Some(from) {
        step_down(state, id, message.term, Some(from));
    }
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    replica.heard = now;
    replica.known = message.commit;
    let last = replica.log.last();
    if message.previous > last {
        return post(state, id, from, answer(message.term, false, last));
    }
    if replica.log.term_at(message.previous) != message.previous_term {
        let hint = replica.log.before_term_of(message.previous);
        return post(state, id, from, answer(message.term, false, hint));
    }
    let agreed = message.previous + message.entries.len();
    for (index, entry) in (message.previous + 1..).zip(&message.entries) {
        take(state, id, index, entry);
    }
    commit_to(state, id, message.commit.min(agreed));
    if let Some(replica) = state.apps.kv.replicas.get_mut(&id)
        && replica.commit >= message.commit
    {
        replica.learner = false;
    }
    post(state, id, from, answer(message.term, true, agreed));
    refresh(state, id);
}

/// Puts one entry at its place, over whatever another leader wrote there.
fn take(state: &mut State, id: ProcessId, index: usize, entry: &Arc<Entry>) {
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    if index <= replica.log.last() {
        if replica.log.term_at(index) == entry.term {
            return;
        }
        replica.log.truncate(index - 1);
        if replica.commit >= index {
            // Only an asynchronous store has applied what is now thrown away.
            replica.commit = index - 1;
            replica.data = super::data::Data::default();
            for kept in 1..index {
                if let Some(entry) = replica.log.get(kept) {
                    replica.data.apply(&entry.op);
                }
            }
        }
        disk::truncate(state, id, index - 1);
    }
    disk::save(state, id, index, entry);
    if let Some(replica) = state.apps.kv.replicas.get_mut(&id) {
        replica.log.push(entry.clone());
    }
}

/// The leader receives a follower's answer.
pub(super) fn appended(state: &mut State, id: ProcessId, from: ProcessId, message: Appended) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    if message.term > replica.term {
        if !(replica.lead().is_some() && replica.config.bugs.two_leaders) {
            step_down(state, id, message.term, None);
        }
        return;
    }
    let Some(name) = state.apps.kv.replicas.get(&from).map(|follower| follower.pod.clone()) else { return };
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let term = replica.term;
    let Some(lead) = replica.lead_mut() else { return };
    let flushed = lead.flushed;
    let Some(progress) = lead.followers.get_mut(&name) else { return };
    if progress.process != Some(from) || message.term < term {
        return;
    }
    progress.acknowledged = progress.acknowledged.max(Some(message.sent));
    if message.fits {
        progress.matched = progress.matched.max(message.index);
        progress.next = progress.next.max(progress.matched + 1);
    } else {
        progress.next = (message.index + 1).max(progress.matched + 1);
    }
    let behind = progress.next <= flushed;
    if behind {
        send(state, id, &name, from);
    }
    advance(state, id);
    handover::hand_over(state, id);
    refresh(state, id);
}

/// Commits what a majority has, if it is of the leader's own term.
fn advance(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let (Some(lead), true) = (replica.lead(), replica.is_sync()) else { return };
    let Some(group) = state.apps.kv.groups.get(&replica.group) else { return };
    let mut has: Vec<usize> = group
        .members
        .iter()
        .map(|(name, process)| {
            if *process == id { replica.log.last() } else { lead.followers.get(name).map_or(0, |known| known.matched) }
        })
        .collect();
    has.sort_unstable_by(|a, b| b.cmp(a));
    let Some(&index) = has.get(group.majority() - 1) else { return };
    if replica.log.term_at(index) == replica.term {
        commit_to(state, id, index);
    }
}

/// Applies entries up to an index and answers the writes that waited for them.
pub(super) fn commit_to(state: &mut State, id: ProcessId, index: usize) {
    let mut settled = Vec::new();
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    while replica.commit < index.min(replica.log.last()) {
        replica.commit += 1;
        let Some(entry) = replica.log.get(replica.commit) else { break };
        let outcome = replica.data.apply(&entry.op);
        let commit = replica.commit;
        if let Some(pending) = replica.lead_mut().and_then(|lead| lead.pending.remove(&commit)) {
            settled.push((pending.origin, outcome));
        }
    }
    for (origin, outcome) in settled {
        client::acknowledge(state, id, origin, &outcome);
    }
}
