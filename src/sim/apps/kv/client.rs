//! The store's HTTP protocol: requests read, passed on to the leader, and answered once their outcome is known.

use std::time::Duration;

use serde_json::{Value, json};

use super::data::{Op, Outcome};
use super::mail::{Letter, post};
use super::replica::{Replica, Role};
use super::{ProcessId, State, Work, election, members, replication};
use crate::Event;
use crate::network::{CallId, Request};

/// A request as the store understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Something for the log.
    Write(Op),
    /// All values of a set.
    Set(String),
    /// The value of a key.
    Key(String),
}

/// Whom to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A client of this replica.
    Client(CallId),
    /// A client of another replica, which passed its request on.
    Peer(ProcessId, CallId),
}

/// A write that waits for its commit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) origin: Origin,
    deadline: Duration,
}

/// How long a leader with the lost-writes bug keeps what it acknowledged in memory only.
const BUFFERED_FOR: Duration = Duration::from_secs(1);

/// Of a store with the duplicate-writes bug, every write of this number is applied twice.
const DUPLICATE_EVERY: u64 = 5;

enum Parsed {
    Command(Command),
    Local(String),
    Role,
    Wrong(u16, &'static str),
}

fn parse(request: &Request) -> Parsed {
    let path = request.path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let method = if request.method.is_empty() { "GET" } else { request.method.as_str() };
    match (method, parts.as_slice()) {
        ("GET", [] | ["role"]) => Parsed::Role,
        ("GET", ["local", "set", set]) => Parsed::Local((*set).to_owned()),
        ("GET", ["set", set]) => Parsed::Command(Command::Set((*set).to_owned())),
        ("GET", ["kv", key]) => Parsed::Command(Command::Key((*key).to_owned())),
        ("PUT" | "POST", ["set", set, value]) => {
            Parsed::Command(Command::Write(Op::Add { set: (*set).to_owned(), value: (*value).to_owned() }))
        }
        ("PUT", ["kv", key]) => {
            Parsed::Command(Command::Write(Op::Put { key: (*key).to_owned(), value: request.body.clone() }))
        }
        ("POST", ["cas", key]) => parse_cas(key, &request.body),
        (_, ["set", ..] | ["kv" | "cas", _] | ["local", "set", _] | ["role"]) => {
            Parsed::Wrong(405, "this path takes another method")
        }
        _ => Parsed::Wrong(404, "no such path"),
    }
}

fn parse_cas(key: &str, body: &str) -> Parsed {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    };
    let read: Result<Value, _> = serde_json::from_str(body);
    match read.ok().and_then(|body| Some((text(&body["from"]), text(&body["to"])?))) {
        Some((from, to)) => Parsed::Command(Command::Write(Op::Cas { key: key.to_owned(), from, to })),
        None => Parsed::Wrong(400, "the body must be {\"from\": …, \"to\": …}"),
    }
}

fn problem(text: &str) -> String {
    json!({ "error": text }).to_string()
}

/// Deals with a client's request.
pub(in crate::apps) fn request(state: &mut State, id: ProcessId, call: CallId, request: &Request) {
    if let Some((status, body)) = members::answer(state, id, request) {
        return state.answer(call, status, body);
    }
    let Some(replica) = state.apps.kv.replicas.get(&id) else {
        return state.answer(call, 503, problem("the store is not open"));
    };
    let leads = replica.lead().is_some();
    match parse(request) {
        Parsed::Wrong(status, why) => state.answer(call, status, problem(why)),
        Parsed::Local(set) => {
            let body = values(replica, &set);
            state.answer(call, 200, body);
        }
        Parsed::Role => {
            let leader = replica.leader.and_then(|leader| state.apps.kv.replicas.get(&leader));
            let leader = leader.map(|leader| leader.pod.as_str());
            let role = if leads { "leader" } else { "follower" };
            let body = json!({ "role": role, "term": replica.term, "leader": leader }).to_string();
            state.answer(call, 200, body);
        }
        Parsed::Command(command) => {
            let own_copy = replica.config.bugs.stale_reads && !matches!(command, Command::Write(_));
            if leads {
                serve(state, id, Origin::Client(call), command);
            } else if own_copy {
                let (status, body) = read(replica, &command);
                state.answer(call, status, body);
            } else {
                forward(state, id, call, command);
            }
        }
    }
}

fn forward(state: &mut State, id: ProcessId, call: CallId, command: Command) {
    let now = state.now;
    let leader = state.apps.kv.replicas.get(&id).and_then(|replica| replica.leader);
    let Some(leader) = leader.filter(|leader| *leader != id && state.apps.kv.replicas.contains_key(leader)) else {
        return state.answer(call, 503, problem("there is no leader"));
    };
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    replica.forwarded.insert(call, now + replica.config.request_timeout);
    post(state, id, leader, Letter::Forward { call, command });
}

/// A follower passed a request on.
pub(super) fn forwarded(state: &mut State, id: ProcessId, from: ProcessId, call: CallId, command: Command) {
    serve(state, id, Origin::Peer(from, call), command);
}

/// The leader settled a request that this replica passed on.
pub(super) fn settled(state: &mut State, id: ProcessId, call: CallId, status: u16, body: String) {
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    if replica.forwarded.remove(&call).is_some() {
        state.answer(call, status, body);
    }
}

fn respond(state: &mut State, id: ProcessId, origin: Origin, status: u16, body: String) {
    match origin {
        Origin::Client(call) => state.answer(call, status, body),
        Origin::Peer(process, call) => post(state, id, process, Letter::Forwarded { call, status, body }),
    }
}

/// The leader deals with a request.
fn serve(state: &mut State, id: ProcessId, origin: Origin, command: Command) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    let Some(lead) = replica.lead() else {
        return respond(state, id, origin, 503, problem("not the leader"));
    };
    let bugs = replica.config.bugs;
    let careful = replica.is_sync() && !bugs.two_leaders;
    if careful && !election::holds_lease(state, id) {
        return respond(state, id, origin, 503, problem("no majority of the replicas answers"));
    }
    match command {
        Command::Set(_) | Command::Key(_) => {
            let (status, body) = if careful && replica.commit < lead.first {
                (503, problem("the new leader has not caught up"))
            } else {
                read(replica, &command)
            };
            respond(state, id, origin, status, body);
        }
        Command::Write(op) if bugs.lost_writes && !matches!(op, Op::Cas { .. }) => buffer(state, id, origin, op),
        Command::Write(op) => write(state, id, origin, op),
    }
}

fn write(state: &mut State, id: ProcessId, origin: Origin, op: Op) {
    let deadline = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let deadline = deadline + replica.config.request_timeout;
    let duplicates = replica.config.bugs.duplicate_writes;
    // The waiting write is known before its entry, which may be committed at once.
    let index = replica.log.last() + 1;
    let Some(lead) = replica.lead_mut() else { return };
    lead.writes += 1;
    let twice = duplicates && lead.writes % DUPLICATE_EVERY == 0;
    lead.pending.insert(index, Pending { origin, deadline });
    let again = twice.then(|| op.clone());
    replication::write(state, id, op);
    if let Some(op) = again {
        replication::write(state, id, op);
    }
}

/// The lost-writes bug: acknowledged first, stored later.
fn buffer(state: &mut State, id: ProcessId, origin: Origin, op: Op) {
    let Some(lead) = state.apps.kv.replicas.get_mut(&id).and_then(Replica::lead_mut) else { return };
    lead.buffered.push(op);
    respond(state, id, origin, 200, String::new());
    state.after_once(BUFFERED_FOR, Event::App(super::super::Work::Kv(Work::Store(id))));
}

/// Stores what was acknowledged before (only with the lost-writes bug).
pub(super) fn store_buffered(state: &mut State, id: ProcessId) {
    let Some(lead) = state.apps.kv.replicas.get_mut(&id).and_then(Replica::lead_mut) else { return };
    for op in std::mem::take(&mut lead.buffered) {
        replication::write(state, id, op);
    }
}

fn values(replica: &Replica, set: &str) -> String {
    let empty = Vec::new();
    let held = replica.data.sets.get(set).unwrap_or(&empty).iter();
    let buffered = replica.lead().into_iter().flat_map(|lead| &lead.buffered).filter_map(|op| match op {
        Op::Add { set: other, value } if other == set => Some(value),
        Op::Add { .. } | Op::Noop | Op::Put { .. } | Op::Cas { .. } => None,
    });
    // Strings always serialise.
    serde_json::to_string(&held.chain(buffered).collect::<Vec<_>>()).unwrap_or_default()
}

fn read(replica: &Replica, command: &Command) -> (u16, String) {
    match command {
        Command::Set(set) => (200, values(replica, set)),
        Command::Key(key) => {
            let buffered = replica.lead().into_iter().flat_map(|lead| lead.buffered.iter().rev());
            let newest = buffered.into_iter().find_map(|op| match op {
                Op::Put { key: other, value } if other == key => Some(value),
                Op::Put { .. } | Op::Noop | Op::Add { .. } | Op::Cas { .. } => None,
            });
            match newest.or_else(|| replica.data.keys.get(key)) {
                Some(value) => (200, value.clone()),
                None => (404, String::new()),
            }
        }
        Command::Write(_) => (405, problem("not a read")),
    }
}

/// A write is committed.
pub(super) fn acknowledge(state: &mut State, id: ProcessId, origin: Origin, outcome: &Outcome) {
    let (status, body) = match outcome {
        Outcome::Done => (200, String::new()),
        Outcome::Differs(actual) => (409, json!({ "actual": actual }).to_string()),
    };
    respond(state, id, origin, status, body);
}

/// Nobody knows what becomes of a write.
pub(super) fn give_up(state: &mut State, id: ProcessId, origin: Origin) {
    respond(state, id, origin, 504, problem("the outcome is not known"));
}

/// Gives up what has waited too long.
pub(super) fn expire(state: &mut State, id: ProcessId) {
    let now = state.now;
    let Some(replica) = state.apps.kv.replicas.get_mut(&id) else { return };
    let mut late: Vec<Origin> = Vec::new();
    if let Role::Leader(lead) = &mut replica.role {
        lead.pending.retain(|_, pending| {
            let waits = pending.deadline > now;
            if !waits {
                late.push(pending.origin);
            }
            waits
        });
    }
    replica.forwarded.retain(|call, deadline| {
        let waits = *deadline > now;
        if !waits {
            late.push(Origin::Client(*call));
        }
        waits
    });
    for origin in late {
        give_up(state, id, origin);
    }
}
