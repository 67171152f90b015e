//! Messages between replicas: each takes `network_latency` and arrives only if its packet may pass at that moment.

use std::sync::Arc;
use std::time::Duration;

use super::client::{self, Command};
use super::log::Entry;
use super::{ProcessId, State, Work, replication};
use crate::Event;
use crate::network::CallId;

/// A message under way.
#[derive(Debug)]
pub(super) struct Mail {
    from: ProcessId,
    to: ProcessId,
    /// UID of the pod that opened the connection, and UID and port of the one that accepted it: policies look at
    /// these, also for answers.
    dialler: String,
    listener: String,
    port: u16,
    letter: Letter,
}

/// What replicas tell each other.
#[derive(Clone, Debug)]
pub(super) enum Letter {
    /// A leader's entries, or its heartbeat.
    Append(Append),
    /// A follower's answer.
    Appended(Appended),
    /// A client's request, passed on to the leader.
    Forward { call: CallId, command: Command },
    /// Its answer.
    Forwarded { call: CallId, status: u16, body: String },
}

/// Entries after `previous`.
#[derive(Clone, Debug)]
pub(super) struct Append {
    pub(super) term: u64,
    pub(super) previous: usize,
    pub(super) previous_term: u64,
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) commit: usize,
    pub(super) sent: Duration,
}

/// Whether the entries fitted, and up to which index the logs agree (or may agree, when they did not fit).
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) term: u64,
    pub(super) fits: bool,
    pub(super) index: usize,
    pub(super) sent: Duration,
}

/// Sends a message.
pub(super) fn post(state: &mut State, from: ProcessId, to: ProcessId, letter: Letter) {
    let replicas = &state.apps.kv.replicas;
    let (Some(sender), Some(receiver)) = (replicas.get(&from), replicas.get(&to)) else { return };
    let (dialler, listener) = match letter {
        Letter::Append(_) | Letter::Forward { .. } => (sender, receiver),
        Letter::Appended(_) | Letter::Forwarded { .. } => (receiver, sender),
    };
    let (dialler, listener, port) = (dialler.uid.clone(), listener.uid.clone(), listener.port);
    let kv = &mut state.apps.kv;
    kv.sequence += 1;
    let id = kv.sequence;
    kv.mail.insert(id, Mail { from, to, dialler, listener, port, letter });
    state.after(state.settings.timings.network_latency, Event::App(super::super::Work::Kv(Work::Mail(id))));
}

/// A message arrives, or is lost.
pub(super) fn deliver(state: &mut State, id: u64) {
    let Some(Mail { from, to, dialler, listener, port, letter }) = state.apps.kv.mail.remove(&id) else { return };
    if !state.apps.kv.replicas.contains_key(&to) || !state.packet_allowed(&dialler, &listener, port) {
        return;
    }
    match letter {
        Letter::Append(append) => replication::append(state, to, from, &append),
        Letter::Appended(appended) => replication::appended(state, to, from, appended),
        Letter::Forward { call, command } => client::forwarded(state, to, from, call, command),
        Letter::Forwarded { call, status, body } => client::settled(state, to, call, status, body),
    }
}
