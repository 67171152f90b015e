//! The members' API of a store with `members: explicit`, in the words of etcd's JSON gateway: list, add a learner,
//! promote, remove, status, hand the leadership over. Changes go through a leader that has its majority, and take
//! effect at one instant.

use serde_json::{Value, json};

use super::election::{self, Manners};
use super::group::GroupKey;
use super::replica::{self, Replica};
use super::{ProcessId, State, seats};
use crate::network::Request;

/// A status and a body.
type Answer = (u16, Value);

fn refused(status: u16, message: &str) -> Answer {
    (status, json!({ "code": 9, "error": message, "message": message }))
}

/// Answers a request about members; `None` when it is about something else, or members are not explicit.
pub(super) fn answer(state: &mut State, id: ProcessId, request: &Request) -> Option<(u16, String)> {
    let replica = state.apps.kv.replicas.get(&id)?;
    if !replica.config.explicit || request.method != "POST" || !request.path.starts_with("/v3/") {
        return None;
    }
    let key = replica.group.clone();
    let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let (status, body) = match request.path.as_str() {
        "/v3/cluster/member/list" => list(state, id, &key, &body),
        "/v3/maintenance/status" => status(state, id, &key),
        "/v3/cluster/member/add" => change(state, id, |state, leader| add(state, leader, &key, &body)),
        "/v3/cluster/member/promote" => change(state, id, |state, leader| promote(state, leader, &key, &body)),
        "/v3/cluster/member/remove" => change(state, id, |state, leader| remove(state, leader, &key, &body)),
        "/v3/maintenance/transfer-leadership" => hand_over(state, id, &key, &body),
        _ => refused(404, "no such call"),
    };
    Some((status, body.to_string()))
}

fn number(body: &Value, name: &str) -> u64 {
    body[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// The leader that a replica follows and reaches, and which has its majority.
fn leader(state: &State, id: ProcessId) -> Option<ProcessId> {
    let replica = state.apps.kv.replicas.get(&id)?;
    let leader = replica.leader?;
    let other = state.apps.kv.replicas.get(&leader)?;
    let reaches = leader == id || state.packet_allowed(&replica.uid, &other.uid, other.port);
    (reaches && other.lead().is_some() && election::holds_lease(state, leader)).then_some(leader)
}

fn change(state: &mut State, id: ProcessId, deed: impl FnOnce(&mut State, ProcessId) -> Answer) -> Answer {
    match leader(state, id) {
        Some(leader) => deed(state, leader),
        None => refused(503, "etcdserver: no leader"),
    }
}

fn list(state: &State, id: ProcessId, key: &GroupKey, body: &Value) -> Answer {
    if body["linearizable"] == true && leader(state, id).is_none() {
        return refused(503, "etcdserver: no leader");
    }
    let Some(group) = state.apps.kv.groups.get(key) else { return refused(503, "etcdserver: server stopped") };
    let (namespace, _, owner) = key;
    let url = |pod: &str, port: u16| json!([format!("http://{pod}.{owner}-members.{namespace}.svc:{port}")]);
    let member = |(seat, of): (&u64, &seats::Seat)| {
        let mut member = json!({ "ID": seat.to_string(), "peerURLs": url(&of.pod, 2380) });
        if of.taken {
            member["name"] = json!(of.pod);
            member["clientURLs"] = url(&of.pod, 2379);
        }
        if !of.votes {
            member["isLearner"] = json!(true);
        }
        member
    };
    let members: Vec<Value> = group.seats.all.iter().map(member).collect();
    (200, json!({ "header": header(state, id, key), "members": members }))
}

fn header(state: &State, id: ProcessId, key: &GroupKey) -> Value {
    let seat = |pod: &str| state.apps.kv.groups.get(key).and_then(|group| group.seats.of(pod)).map(|(seat, _)| seat);
    let own = state.apps.kv.replicas.get(&id).and_then(|replica| seat(&replica.pod));
    json!({ "cluster_id": "1", "member_id": own.unwrap_or_default().to_string() })
}

fn status(state: &State, id: ProcessId, key: &GroupKey) -> Answer {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return refused(503, "etcdserver: server stopped") };
    let heard = state.now.saturating_sub(replica.heard) < replica.config.election_timeout;
    let leads = replica.lead().is_some() && election::holds_lease(state, id);
    let leader = replica.leader.filter(|_| leads || (replica.lead().is_none() && heard));
    let pod = leader.and_then(|leader| state.apps.kv.replicas.get(&leader)).map(|leader| leader.pod.as_str());
    let seat = pod.and_then(|pod| state.apps.kv.groups.get(key)?.seats.of(pod)).map(|(seat, _)| seat);
    let applied = replica.commit.to_string();
    let leader = seat.unwrap_or_default().to_string();
    (200, json!({ "header": header(state, id, key), "leader": leader, "raftAppliedIndex": applied }))
}

fn add(state: &mut State, _: ProcessId, key: &GroupKey, body: &Value) -> Answer {
    let pod = body["peerURLs"][0].as_str().and_then(|url| url.split_once("://"));
    let pod = pod.and_then(|(_, address)| address.split(['.', ':']).next()).unwrap_or_default().to_owned();
    let Some(group) = state.apps.kv.groups.get_mut(key) else { return refused(503, "etcdserver: server stopped") };
    if group.seats.of(&pod).is_some() {
        return refused(400, "etcdserver: Peer URLs already exists");
    }
    if group.seats.all.values().any(|seat| !seat.votes) {
        return refused(400, "etcdserver: too many learner members in cluster");
    }
    if group.swallows {
        return (200, json!({}));
    }
    group.seats.give(&pod, body["isLearner"] != true);
    seats::call(state, key, &pod);
    (200, json!({}))
}

fn promote(state: &mut State, leader: ProcessId, key: &GroupKey, body: &Value) -> Answer {
    let seat = number(body, "ID");
    let found = state.apps.kv.groups.get(key).and_then(|group| group.seats.all.get(&seat)).cloned();
    let Some(found) = found else { return refused(404, "etcdserver: member not found") };
    let known = state.apps.kv.replicas.get(&leader).and_then(Replica::lead);
    let matched = known.and_then(|lead| lead.followers.get(&found.pod)).map_or(0, |progress| progress.matched);
    let last = state.apps.kv.replicas.get(&leader).map_or(0, |replica| replica.log.last());
    // etcd's measure of readiness.
    if matched * 10 < last * 9 {
        return refused(400, "etcdserver: can only promote a learner member which is in sync with leader");
    }
    let Some(group) = state.apps.kv.groups.get_mut(key) else { return refused(503, "etcdserver: server stopped") };
    if let Some(process) = group.seats.learners.remove(&found.pod) {
        group.members.insert(found.pod.clone(), process);
        if let Some(seat) = group.seats.all.get_mut(&seat) {
            seat.votes = true;
        }
        replica::refresh(state, process);
    }
    (200, json!({}))
}

/// Takes a seat away. etcd refuses it when those that are left and answer would be no majority.
fn remove(state: &mut State, leader: ProcessId, key: &GroupKey, body: &Value) -> Answer {
    let seat = number(body, "ID");
    let Some(group) = state.apps.kv.groups.get(key) else { return refused(503, "etcdserver: server stopped") };
    let Some(found) = group.seats.all.get(&seat).cloned() else { return refused(404, "etcdserver: member not found") };
    let rest: Vec<(&String, &ProcessId)> = group.members.iter().filter(|(pod, _)| **pod != found.pod).collect();
    let answers = rest.iter().filter(|(pod, process)| **process == leader || answers(state, leader, pod)).count();
    if found.votes && answers < (group.voters() - 1) / 2 + 1 {
        return refused(400, "etcdserver: re-configuration failed due to not enough started members");
    }
    let Some(group) = state.apps.kv.groups.get_mut(key) else { return refused(503, "etcdserver: server stopped") };
    group.seats.all.remove(&seat);
    let process = group.members.remove(&found.pod).or_else(|| group.seats.learners.remove(&found.pod));
    if let Some(lead) = state.apps.kv.replicas.get_mut(&leader).and_then(Replica::lead_mut) {
        lead.followers.remove(&found.pod);
    }
    if let Some(process) = process {
        replica::expel(state, process);
    }
    (200, json!({}))
}

/// Whether a member has answered the leader within the election timeout.
fn answers(state: &State, leader: ProcessId, pod: &str) -> bool {
    let Some(replica) = state.apps.kv.replicas.get(&leader) else { return false };
    let heard = replica.lead().and_then(|lead| lead.followers.get(pod)?.acknowledged);
    heard.is_some_and(|at| state.now.saturating_sub(at) < replica.config.election_timeout)
}

fn hand_over(state: &mut State, id: ProcessId, key: &GroupKey, body: &Value) -> Answer {
    if leader(state, id) != Some(id) {
        return refused(400, "etcdserver: not leader");
    }
    let group = state.apps.kv.groups.get(key);
    let pod = group.and_then(|group| group.seats.all.get(&number(body, "targetID"))).map(|seat| seat.pod.clone());
    let target = pod.and_then(|pod| state.apps.kv.groups.get(key)?.members.get(&pod).copied());
    match target {
        Some(target) if election::stand(state, target, Manners::Invited) => (200, json!({})),
        Some(_) => refused(503, "etcdserver: request timed out, leader transfer took too long"),
        None => refused(400, "etcdserver: bad leader transferee"),
    }
}
