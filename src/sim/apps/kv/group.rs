//! Which pods belong to one store: those of one controller in one namespace. A pod joins when its process first
//! serves; it leaves when its object is gone and nobody will come back under its name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{ProcessId, State};
use crate::{Change, ChangeType, Kind, Object};

/// Namespace, kind and name of the controller (of the pod itself when it has none).
pub(super) type GroupKey = (String, String, String);

/// One store.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The newest process of each member, by pod name; it may be dead.
    pub(super) members: BTreeMap<String, ProcessId>,
    /// There has been a leader: who comes without data from now on must catch up first.
    pub(super) started: bool,
    /// The highest term of any leader, as an operator's lock would know it.
    pub(super) term: u64,
    /// The leader that the operator of an asynchronous store sees.
    pub(super) leader: Option<ProcessId>,
    /// When the operator last saw it.
    pub(super) leader_seen: Duration,
    /// Term of the leader that last labelled the pods.
    pub(super) labelled: u64,
    /// Who is a member where that is not told by the pods.
    pub(super) seats: super::seats::Seats,
    /// Planted bug: members that are added are forgotten.
    pub(super) swallows: bool,
}

impl Group {
    /// How many have a vote.
    pub(super) fn voters(&self) -> usize {
        if self.seats.all.is_empty() { self.members.len() } else { self.seats.voters() }
    }

    /// How many members are more than half.
    pub(super) fn majority(&self) -> usize {
        self.voters() / 2 + 1
    }
}

/// The store that a pod belongs to.
pub(super) fn key(pod: &Object) -> GroupKey {
    let namespace = pod.text("/metadata/namespace").to_owned();
    let owners = pod.value().pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let controller =
        owners.into_iter().flatten().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
    let text = |owner: &Value, field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    match controller {
        Some(owner) => (namespace, text(owner, "kind"), text(owner, "name")),
        None => (namespace, "Pod".to_owned(), pod.text("/metadata/name").to_owned()),
    }
}

/// The number at the end of a pod's name: a StatefulSet's ordinal.
pub(super) fn ordinal(pod: &str) -> u64 {
    pod.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(u64::MAX)
}

/// Takes a member out when its pod is gone for good.
pub(in crate::apps) fn on_change(state: &mut State, change: &Change) {
    if change.kind != Kind::Pod || change.change != ChangeType::Deleted || state.apps.kv.groups.is_empty() {
        return;
    }
    let key = key(&change.new);
    if !state.apps.kv.groups.contains_key(&key) || returns(state, &key, &change.key.name) {
        return;
    }
    if let Some(group) = state.apps.kv.groups.get_mut(&key) {
        group.members.remove(&change.key.name);
        group.seats.learners.remove(&change.key.name);
        if group.members.is_empty() {
            state.apps.kv.groups.remove(&key);
        }
    }
}

/// Whether a StatefulSet will make a pod of this name again.
fn returns(state: &State, key: &GroupKey, pod: &str) -> bool {
    let (namespace, kind, owner) = key;
    if kind != "StatefulSet" {
        return false;
    }
    let Some(set) = state.store.find(Kind::StatefulSet, namespace, owner) else { return false };
    let number = |pointer: &str| set.value().pointer(pointer).and_then(Value::as_u64);
    let first = number("/spec/ordinals/start").unwrap_or(0);
    // A member with a seat keeps it, whatever becomes of its pod.
    let seated = state.apps.kv.groups.get(key).is_some_and(|group| group.seats.of(pod).is_some());
    seated || (first..first + number("/spec/replicas").unwrap_or(1)).contains(&ordinal(pod))
}
