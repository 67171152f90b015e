//! Taints that follow a node's conditions. `NoSchedule` ones at once, `NoExecute` ones by the pace of the node's zone.
//! Source: `node_lifecycle_controller.go` (`doNoScheduleTaintingPass`, `processTaintBaseEviction`).

use k8s_openapi::api::core::v1::{Node, Taint};

use super::{Work, zones};
use crate::{Change, ChangeType, Event, Key, Kind, State};

/// The Ready condition is False.
pub(super) const NOT_READY: &str = "node.kubernetes.io/not-ready";
/// The Ready condition is Unknown.
pub(super) const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";
/// Pressure conditions with their taints.
const PRESSURES: [(&str, &str); 3] = [
    ("MemoryPressure", "node.kubernetes.io/memory-pressure"),
    ("DiskPressure", "node.kubernetes.io/disk-pressure"),
    ("PIDPressure", "node.kubernetes.io/pid-pressure"),
];

pub(super) fn node_changed(state: &mut State, change: &Change) {
    if change.change == ChangeType::Deleted {
        return;
    }
    let part = |pointer: &str| {
        let before = change.old.as_ref().and_then(|old| old.value().pointer(pointer));
        before != change.new.value().pointer(pointer)
    };
    if part("/spec") || part("/status/conditions") {
        state.after_once(super::LATENCY, Event::Nodes(Work::NoSchedule(change.key.name.clone())));
    }
}

fn taint(key: &str, effect: &str) -> Taint {
    Taint { key: key.to_owned(), effect: effect.to_owned(), ..Taint::default() }
}

/// The `NoSchedule` taints that this controller owns and that the node should have now.
fn wanted(node: &Node) -> Vec<Taint> {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let status = |kind: &str| {
        conditions.iter().find(|condition| condition.type_ == kind).map(|condition| condition.status.as_str())
    };
    let mut keys = Vec::new();
    match status("Ready") {
        Some("False") => keys.push(NOT_READY),
        Some("Unknown") => keys.push(UNREACHABLE),
        Some(_) | None => {}
    }
    keys.extend(PRESSURES.iter().filter(|(kind, _)| status(kind) == Some("True")).map(|(_, key)| *key));
    if node.spec.as_ref().is_some_and(|spec| spec.unschedulable == Some(true)) {
        keys.push(UNSCHEDULABLE);
    }
    keys.into_iter().map(|key| taint(key, "NoSchedule")).collect()
}

fn owned(taint: &Taint) -> bool {
    let pressure = PRESSURES.iter().any(|(_, key)| *key == taint.key);
    taint.effect == "NoSchedule" && (pressure || [NOT_READY, UNREACHABLE, UNSCHEDULABLE].contains(&taint.key.as_str()))
}

/// Brings the `NoSchedule` taints in line, and lets a node that is Ready again go free of `NoExecute` ones.
pub(super) fn sync_no_schedule(state: &mut State, name: &str) {
    let key = Key::cluster(name);
    let Some(node) = state.store.get(Kind::Node, &key) else { return };
    let wanted = wanted(node.typed::<Node>());
    let now = state.time();
    let changed = state.modify::<Node>(Kind::Node, &key, |node| {
        let spec = node.spec.get_or_insert_default();
        let mut taints = spec.taints.take().unwrap_or_default();
        taints.retain(|taint| !owned(taint) || wanted.iter().any(|wanted| wanted.key == taint.key));
        for mut wanted in wanted {
            if !taints.iter().any(|taint| owned(taint) && taint.key == wanted.key) {
                wanted.time_added = Some(now.clone());
                taints.push(wanted);
            }
        }
        spec.taints = (!taints.is_empty()).then_some(taints);
    });
    if changed.is_ok() {
        let ready = state.nodes.health.get(name).map(|health| health.ready.clone()).unwrap_or_default();
        if ready == "True" {
            want_no_execute(state, name, &ready);
        }
    }
}

/// The `NoExecute` taint that a node carries now, of the two that this controller owns.
fn carried(node: &Node) -> Option<&'static str> {
    let taints = node.spec.as_ref()?.taints.as_ref()?;
    [NOT_READY, UNREACHABLE]
        .into_iter()
        .find(|key| taints.iter().any(|taint| taint.key == *key && taint.effect == "NoExecute"))
}

/// Queues, swaps or removes the `NoExecute` taint by the Ready condition.
pub(super) fn want_no_execute(state: &mut State, name: &str, ready: &str) {
    let wanted = match ready {
        "False" => Some(NOT_READY),
        "Unknown" => Some(UNREACHABLE),
        _ => None,
    };
    let Some(node) = state.store.find(Kind::Node, "", name) else { return };
    let carried = carried(node.typed::<Node>());
    match (wanted, carried) {
        (Some(wanted), Some(carried)) if wanted != carried => set_no_execute(state, name, Some(wanted)),
        (Some(_), Some(_)) | (None, None) => zones::forget_node(state, name, wanted.is_none()),
        (Some(_), None) => zones::enqueue(state, name),
        (None, Some(_)) => {
            zones::forget_node(state, name, true);
            set_no_execute(state, name, None);
        }
    }
}

/// Replaces the `NoExecute` taint that this controller owns.
pub(super) fn set_no_execute(state: &mut State, name: &str, key: Option<&str>) {
    let now = state.time();
    let _gone_meanwhile = state.modify::<Node>(Kind::Node, &Key::cluster(name), |node| {
        let spec = node.spec.get_or_insert_default();
        let mut taints = spec.taints.take().unwrap_or_default();
        taints.retain(|taint| taint.effect != "NoExecute" || (taint.key != NOT_READY && taint.key != UNREACHABLE));
        if let Some(key) = key {
            taints.push(Taint { time_added: Some(now), ..taint(key, "NoExecute") });
        }
        spec.taints = (!taints.is_empty()).then_some(taints);
    });
}
