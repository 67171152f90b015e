//! Heartbeats: a node whose lease and status are not renewed within the grace period becomes Unknown.
//! Source: `pkg/controller/nodelifecycle/node_lifecycle_controller.go` (`monitorNodeHealth`).

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, NodeCondition, Pod};
use serde_json::Value;

use super::{Work, taints, zones};
use crate::{Change, ChangeType, Event, Key, Kind, Object, State};

/// What is remembered of a node's heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Health {
    /// When the last heartbeat was seen.
    pub(super) probed: Duration,
    /// Ready condition as last seen: `True`, `False`, `Unknown`, or empty.
    pub(super) ready: String,
    /// `lastHeartbeatTime` of the Ready condition as last seen.
    heartbeat: String,
    /// Region and zone, for pacing.
    pub(super) zone: String,
}

/// Conditions that become Unknown when the kubelet is silent.
const WATCHED: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

fn ready_condition(node: &Object) -> Option<&Value> {
    node.value().pointer("/status/conditions")?.as_array()?.iter().find(|condition| condition["type"] == "Ready")
}

pub(super) fn lease_changed(state: &mut State, change: &Change) {
    let now = state.now;
    if let Some(health) = state.nodes.health.get_mut(&change.key.name) {
        health.probed = now;
    }
}

/// Keeps `Health` in line with the Node object; a newer `lastHeartbeatTime` is a heartbeat too.
pub(super) fn node_changed(state: &mut State, change: &Change) {
    let name = &change.key.name;
    if change.change == ChangeType::Deleted {
        if let Some(health) = state.nodes.health.remove(name) {
            zones::forget(state, &health.zone, name);
        }
        return;
    }
    let condition = ready_condition(&change.new);
    let text = |field: &str| condition.and_then(|condition| condition[field].as_str()).unwrap_or_default().to_owned();
    let (ready, heartbeat) = (text("status"), text("lastHeartbeatTime"));
    let label = |label: &str| change.new.label(label).unwrap_or_default().to_owned();
    let zone = format!("{}:{}", label("topology.kubernetes.io/region"), label("topology.kubernetes.io/zone"));
    let now = state.now;
    let health = state.nodes.health.entry(name.clone()).or_insert_with(|| Health { probed: now, ..Health::default() });
    if health.heartbeat != heartbeat {
        health.probed = now;
        health.heartbeat = heartbeat;
    }
    health.zone = zone;
    let before = std::mem::replace(&mut health.ready, ready.clone());
    if before != ready && !before.is_empty() {
        // The controller sees its own and the kubelet's changes at its next look; a node that is back is looked at soon.
        state.after_once(super::LATENCY, Event::Nodes(Work::NoSchedule(name.clone())));
    }
}

/// Looks at all nodes, then lets the pace of evictions follow the state of the zones.
pub(super) fn monitor(state: &mut State) {
    let grace = state.settings.timings.node_monitor_grace_period;
    let names: Vec<String> = state.nodes.health.keys().cloned().collect();
    for name in &names {
        let Some(health) = state.nodes.health.get(name).cloned() else { continue };
        if health.ready != "Unknown" && state.now > health.probed + grace {
            silence(state, name);
        }
        let ready = state.nodes.health.get(name).map(|health| health.ready.clone()).unwrap_or_default();
        if health.ready == "True" && ready != "True" {
            not_ready(state, name);
        } else if ready == "False" {
            mark_pods(state, name);
        }
        taints::want_no_execute(state, name, &ready);
    }
    zones::assess(state);
    let period = state.settings.timings.node_monitor_period;
    state.after(period, Event::Nodes(Work::Monitor));
}

/// The kubelet stopped posting: every watched condition becomes Unknown.
fn silence(state: &mut State, name: &str) {
    let now = state.time();
    let result = state.modify::<Node>(Kind::Node, &Key::cluster(name), |node| {
        let conditions = node.status.get_or_insert_default().conditions.get_or_insert_default();
        for kind in WATCHED {
            let position = conditions.iter().position(|condition| condition.type_ == kind);
            let (reason, message) = match position {
                Some(_) => ("NodeStatusUnknown", "Kubelet stopped posting node status."),
                None => ("NodeStatusNeverUpdated", "Kubelet never posted node status."),
            };
            let index = position.unwrap_or_else(|| {
                conditions.push(NodeCondition { type_: kind.to_owned(), ..NodeCondition::default() });
                conditions.len() - 1
            });
            let condition = &mut conditions[index];
            if condition.status != "Unknown" {
                "Unknown".clone_into(&mut condition.status);
                condition.reason = Some(reason.to_owned());
                condition.message = Some(message.to_owned());
                condition.last_transition_time = Some(now.clone());
            }
        }
    });
    if result.is_err() {
        state.nodes.health.remove(name);
    }
}

fn not_ready(state: &mut State, name: &str) {
    let message = format!("Node {name} status is now: NodeNotReady");
    state.event(Kind::Node, &Key::cluster(name), "Normal", "NodeNotReady", "node-controller", &message);
    mark_pods(state, name);
}

/// Every pod of a node that is not ready is not Ready (`MarkPodsNotReady`), so that endpoints leave.
fn mark_pods(state: &mut State, name: &str) {
    let now = state.time();
    let pods: Vec<Key> = state.store.pods_on(name).map(|(key, _)| key.clone()).collect();
    for key in pods {
        let is_ready = |pod: &Object| {
            let conditions = pod.typed::<Pod>().status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions
                .is_some_and(|all| all.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True"))
        };
        if !state.store.get(Kind::Pod, &key).is_some_and(|pod| is_ready(pod)) {
            continue;
        }
        let marked = state.modify::<Pod>(Kind::Pod, &key, |pod| {
            let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
            for condition in conditions.iter_mut().filter(|condition| condition.type_ == "Ready") {
                "False".clone_into(&mut condition.status);
                condition.last_transition_time = Some(now.clone());
            }
        });
        if marked.is_ok() {
            state.event(Kind::Pod, &key, "Warning", "NodeNotReady", "node-controller", "Node is not ready");
        }
    }
}
