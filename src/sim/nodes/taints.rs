//! Taints that follow a node's conditions: `NoSchedule` at once, `NoExecute` when the pace allows it.

use k8s_openapi::api::core::v1::{Node, Taint};

use super::lifecycle;
use crate::sim::{Key, Kind, State};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Condition, status and the key of the `NoSchedule` taint (`nodeConditionToTaintKeyStatusMap`).
const BY_CONDITION: [(&str, &str, &str); 6] = [
    ("Ready", "False", NOT_READY),
    ("Ready", "Unknown", UNREACHABLE),
    ("MemoryPressure", "True", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "True", "node.kubernetes.io/disk-pressure"),
    ("NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"),
    ("PIDPressure", "True", "node.kubernetes.io/pid-pressure"),
];

/// Makes a node's `NoSchedule` taints what its conditions and its cordon say; other keys are left alone.
pub(super) fn follow_conditions(state: &mut State, name: &str) {
    let Some(object) = state.store.get(Kind::Node, &Key::cluster(name)) else { return };
    let node = object.typed::<Node>();
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let holds = |type_: &str, status: &str| conditions.iter().any(|each| each.type_ == type_ && each.status == status);
    let mut wanted: Vec<&str> = Vec::new();
    wanted.extend(BY_CONDITION.iter().filter(|(type_, status, _)| holds(type_, status)).map(|(_, _, key)| *key));
    if node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true) {
        wanted.push(UNSCHEDULABLE);
    }
    let ours = |taint: &Taint| {
        taint.effect == "NoSchedule"
            && (taint.key == UNSCHEDULABLE || BY_CONDITION.iter().any(|(_, _, key)| *key == taint.key))
    };
    change(state, name, |taints, time| {
        taints.retain(|taint| !ours(taint) || wanted.contains(&taint.key.as_str()));
        for key in &wanted {
            if !taints.iter().any(|taint| taint.key == *key && taint.effect == "NoSchedule") {
                taints.push(taint(key, "NoSchedule", time));
            }
        }
    });
}

/// The key for this status of the Ready condition, and the one that it excludes.
pub(super) fn no_execute_keys(ready: &str) -> (&'static str, &'static str) {
    if ready == "False" { (NOT_READY, UNREACHABLE) } else { (UNREACHABLE, NOT_READY) }
}

/// Whether a node has a `NoExecute` taint with this key.
pub(super) fn has_no_execute(state: &State, name: &str, key: &str) -> bool {
    let node = state.store.get(Kind::Node, &Key::cluster(name));
    let taints = node.and_then(|node| node.at("/spec/taints")?.as_array());
    taints.into_iter().flatten().any(|taint| taint["key"] == key && taint["effect"] == "NoExecute")
}

/// Gives a node the `NoExecute` taint for the status of its Ready condition, in place of the other one.
pub(super) fn add_no_execute(state: &mut State, name: &str, ready: &str) {
    let (key, other) = no_execute_keys(ready);
    change(state, name, |taints, time| {
        taints.retain(|taint| !(taint.key == other && taint.effect == "NoExecute"));
        if !taints.iter().any(|taint| taint.key == key && taint.effect == "NoExecute") {
            taints.push(taint(key, "NoExecute", time));
        }
    });
}

/// Takes both `NoExecute` taints away.
pub(super) fn remove_no_execute(state: &mut State, name: &str) {
    if !has_no_execute(state, name, NOT_READY) && !has_no_execute(state, name, UNREACHABLE) {
        return;
    }
    change(state, name, |taints, _| {
        taints.retain(|taint| taint.effect != "NoExecute" || (taint.key != NOT_READY && taint.key != UNREACHABLE));
    });
}

/// Taints a waiting node as its Ready condition asks for now; one that is ready again needs none.
pub(super) fn execute(state: &mut State, name: &str) {
    let Some(node) = state.store.get(Kind::Node, &Key::cluster(name)) else { return };
    let ready = lifecycle::ready(node).to_owned();
    if ready != "True" {
        add_no_execute(state, name, &ready);
    }
}

type TimeAdded = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

fn taint(key: &str, effect: &str, time: &TimeAdded) -> Taint {
    Taint { key: key.to_owned(), effect: effect.to_owned(), time_added: Some(time.clone()), value: None }
}

/// Changes a node's taints, and writes the node only when they differ then.
fn change(state: &mut State, name: &str, act: impl FnOnce(&mut Vec<Taint>, &TimeAdded)) {
    let key = Key::cluster(name);
    let Some(node) = state.store.get(Kind::Node, &key) else { return };
    let known = node.typed::<Node>().spec.as_ref().and_then(|spec| spec.taints.clone()).unwrap_or_default();
    let mut taints = known.clone();
    act(&mut taints, &state.time());
    if taints != known {
        let taints = (!taints.is_empty()).then_some(taints);
        // It was there a moment ago, and nothing else runs in between.
        drop(state.modify::<Node>(Kind::Node, &key, |node| node.spec.get_or_insert_default().taints = taints));
    }
}
