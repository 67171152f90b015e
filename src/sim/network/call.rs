//! Requests under way: sent, arrived, answered, handed back. Each leg takes `network_latency`, and both are looked
//! at when they end: what was cut meanwhile is lost.

use tokio::sync::oneshot;

use super::connection::Connection;
use super::listen;
use super::packet::{policies_allow, policies_allow_leaving, wires};
use super::resolve::{self, Origin, Resolved};
use super::{Answer, CallId, ConnectionId, Destination, Request, State, Vantage, Work};
use crate::Event;
use crate::apps::ProcessId;

/// One request under way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) origin: Option<Origin>,
    pub(super) ip: String,
    pub(super) port: u16,
    pub(super) request: Request,
    /// The connection it travels on, when that was open before.
    pub(super) connection: Option<ConnectionId>,
    pub(super) reply: Reply,
    /// The process that received it.
    pub(super) reached: Option<Reached>,
    pub(super) answer: Answer,
}

/// Who waits for the answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// A request's sender.
    Request(oneshot::Sender<Answer>),
    /// Whoever opens a connection.
    Connect(oneshot::Sender<Result<ConnectionId, Answer>>),
}

/// The process at the receiving end.
#[derive(Clone, Debug)]
pub(super) struct Reached {
    pub(super) uid: String,
    pub(super) node: String,
    pub(super) port: u16,
    pub(super) process: ProcessId,
}

impl State {
    /// Sends one request on a new connection; the answer comes through `reply` after the network's and the
    /// application's time.
    pub fn send(&mut self, from: &Vantage, to: &Destination, request: Request, reply: oneshot::Sender<Answer>) {
        start(self, from, to, request, Reply::Request(reply));
    }

    /// Opens a connection; `Err` carries `Refused`, `Reset` or `Silent`.
    pub fn connect(&mut self, from: &Vantage, to: &Destination, reply: oneshot::Sender<Result<ConnectionId, Answer>>) {
        start(self, from, to, Request::default(), Reply::Connect(reply));
    }

    /// The application's answer to a call that it received (called by `apps`).
    pub fn answer(&mut self, call: CallId, status: u16, body: String) {
        let Some(entry) = self.network.calls.get(&call) else { return };
        let Some(reached) = &entry.reached else { return };
        let uid = &reached.uid;
        let pod = self.kubelet.sandboxes.get(uid).map(|sandbox| sandbox.name.clone()).unwrap_or_default();
        finish(self, call, Answer::Response { status, body, pod });
    }

    /// The application will never answer this call (called by `apps`).
    pub fn leave_unanswered(&mut self, call: CallId) {
        finish(self, call, Answer::Silent);
    }

    /// A process ended: what it had not answered is reset, and its connections break (called by `apps`).
    pub fn process_gone(&mut self, process: ProcessId) {
        for call in self.network.in_flight.remove(&process).unwrap_or_default() {
            finish(self, call, Answer::Reset);
        }
        let latency = self.settings.timings.network_latency;
        for connection in self.network.connections_of.remove(&process).unwrap_or_default() {
            self.after(latency, Event::Network(Work::Hangup(connection)));
        }
    }
}

fn start(state: &mut State, from: &Vantage, to: &Destination, request: Request, reply: Reply) {
    let origin = resolve::origin(state, from);
    let resolved = match &origin {
        Some(origin) => resolve::destination(state, origin, to),
        None => Resolved::Silent,
    };
    let mut call = Call {
        origin,
        ip: String::new(),
        port: 0,
        request,
        connection: None,
        reply,
        reached: None,
        answer: Answer::Silent,
    };
    match resolved {
        Resolved::To { ip, port } => {
            (call.ip, call.port) = (ip, port);
            launch(state, call);
        }
        Resolved::Refused => {
            let id = register(state, call);
            finish(state, id, Answer::Refused);
        }
        Resolved::Silent => {
            let id = register(state, call);
            finish(state, id, Answer::Silent);
        }
    }
}

fn register(state: &mut State, call: Call) -> CallId {
    state.network.sequence += 1;
    state.network.calls.insert(state.network.sequence, call);
    state.network.sequence
}

/// Puts a call on the wire.
pub(super) fn launch(state: &mut State, call: Call) {
    let id = register(state, call);
    state.after(state.settings.timings.network_latency, Event::Network(Work::Arrive(id)));
}

/// Lets a call end with this answer after the way back.
fn finish(state: &mut State, id: CallId, answer: Answer) {
    let Some(call) = state.network.calls.get_mut(&id) else { return };
    call.answer = answer;
    if let Some(reached) = &call.reached
        && let Some(calls) = state.network.in_flight.get_mut(&reached.process)
    {
        calls.remove(&id);
        if calls.is_empty() {
            state.network.in_flight.remove(&reached.process);
        }
    }
    state.after(state.settings.timings.network_latency, Event::Network(Work::Return(id)));
}

/// What a call meets at its destination.
enum Met {
    Process(Reached),
    Answer(Answer),
}

/// A call reaches its destination, or does not.
pub(super) fn arrive(state: &mut State, id: CallId) {
    let Some(call) = state.network.calls.get(&id) else { return };
    let met = match call.connection {
        None => meet(state, call),
        Some(connection) => super::connection::meet(state, connection).map_or_else(Met::Answer, Met::Process),
    };
    let reached = match met {
        Met::Process(reached) => reached,
        Met::Answer(answer) => return finish(state, id, answer),
    };
    let process = reached.process;
    let Some(call) = state.network.calls.get_mut(&id) else { return };
    call.reached = Some(reached);
    if matches!(call.reply, Reply::Connect(_)) {
        return state.after(state.settings.timings.network_latency, Event::Network(Work::Return(id)));
    }
    let request = std::mem::take(&mut call.request);
    state.network.in_flight.entry(process).or_default().insert(id);
    state.app_request(process, id, request);
}

fn meet(state: &State, call: &Call) -> Met {
    let silent = Met::Answer(Answer::Silent);
    let Some(origin) = &call.origin else { return silent };
    let Some(end) = listen::at(state, &call.ip, call.port) else { return silent };
    let arrives = wires(state, origin, &end.node)
        && match &end.pod {
            Some((uid, port)) => policies_allow(state, origin, uid, *port),
            None => policies_allow_leaving(state, origin, &call.ip, call.port),
        };
    match (arrives, end.pod, end.process) {
        (false, _, _) => silent,
        (true, Some((uid, port)), Some(process)) => Met::Process(Reached { uid, node: end.node, port, process }),
        (true, _, _) => Met::Answer(Answer::Refused),
    }
}

/// An answer reaches the caller, unless the way back is cut.
pub(super) fn hand_back(state: &mut State, id: CallId) {
    let Some(call) = state.network.calls.remove(&id) else { return };
    let lost = match (&call.origin, &call.reached) {
        (Some(origin), Some(reached)) => !passes(state, origin, reached),
        _ => false,
    };
    match call.reply {
        Reply::Request(reply) => {
            // A sender that no longer waits has given up by its own timeout.
            let _ = reply.send(if lost { Answer::Silent } else { call.answer });
        }
        Reply::Connect(reply) => {
            let opened = match (lost, call.origin, call.reached) {
                (true, _, _) => Err(Answer::Silent),
                (false, Some(origin), Some(reached)) => Ok(open(state, origin, reached)),
                (false, _, _) => Err(call.answer),
            };
            let _ = reply.send(opened);
        }
    }
}

/// Whether an established exchange still gets through: wires always count, policies when they cut established ones.
pub(super) fn passes(state: &State, origin: &Origin, reached: &Reached) -> bool {
    let policies = !state.settings.policies_cut_established
        || !state.kubelet.sandboxes.contains_key(&reached.uid)
        || policies_allow(state, origin, &reached.uid, reached.port);
    wires(state, origin, &reached.node) && policies
}

fn open(state: &mut State, origin: Origin, reached: Reached) -> ConnectionId {
    state.network.sequence += 1;
    let id = state.network.sequence;
    if state.app_listener(&reached.uid, reached.port) == Some(reached.process) {
        state.network.connections_of.entry(reached.process).or_default().insert(id);
    }
    state.network.connections.insert(id, Connection { origin, reached, reset: false });
    id
}
