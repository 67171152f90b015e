//! The node monitor: a node whose Lease is not renewed becomes Unknown, its pods not ready, and it is queued for its
//! `NoExecute` taint; a node that is back loses it (`node_lifecycle_controller.go`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, NodeCondition, NodeStatus};

use super::zone::{self, Turn, Zone, ZoneState};
use super::{Work, eviction_queue, mark, taints};
use crate::sim::{Event, Key, Kind, Object, State};

/// Namespace of the nodes' Leases.
const LEASES: &str = "kube-node-lease";
/// Conditions that nobody vouches for when the kubelet is silent.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// What was last seen of a node.
#[derive(Clone, Debug, Default)]
pub(super) struct Health {
    /// When a sign of life was last seen, by the controller's own clock.
    probe: Duration,
    /// `spec.renewTime` of its Lease then.
    renewed: String,
    /// Status of the Ready condition when it was last looked at.
    ready: String,
    /// Its zone then.
    zone: String,
}

/// The status of a node's Ready condition: `True`, `False` or `Unknown`.
pub(super) fn ready(node: &Object) -> &str {
    let conditions = node.at("/status/conditions").and_then(|all| all.as_array());
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    ready.and_then(|condition| condition["status"].as_str()).unwrap_or("Unknown")
}

/// Looks at all nodes, and again after `--node-monitor-period`.
pub(super) fn monitor(state: &mut State) {
    let nodes: Vec<_> = state.store.all(Kind::Node).map(|(key, node)| (key.name.clone(), node.clone())).collect();
    forget_deleted(state, &nodes);
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (name, node) in nodes {
        let zone = zone::zone_of(&node);
        let rate = zone::rate(state, ZoneState::Normal, 1);
        state.nodes.zones.entry(zone.clone()).or_insert_with(|| Zone::new(rate));
        let ready = look_at(state, &name, &node, &zone);
        let (up, down) = counts.entry(zone).or_default();
        *(if ready { up } else { down }) += 1;
    }
    match zone::handle_disruption(state, &counts) {
        Some(Turn::AllLost) => spare_all(state),
        Some(Turn::SomeBack) => give_all_time(state),
        None => {}
    }
    eviction_queue::pace_all(state);
    state.after(state.settings.timings.node_monitor_period, Event::Nodes(Work::Monitor));
}

fn forget_deleted(state: &mut State, nodes: &[(String, Arc<Object>)]) {
    let is_gone = |name: &&String| nodes.binary_search_by(|(known, _)| known.as_str().cmp(name.as_str())).is_err();
    let gone: Vec<_> = state.nodes.health.keys().filter(is_gone).cloned().collect();
    for name in gone {
        if let Some(health) = state.nodes.health.remove(&name)
            && let Some(zone) = state.nodes.zones.get_mut(&health.zone)
        {
            zone.remove(&name);
        }
        let message = format!("Node {name} event: Removing Node {name} from Controller");
        state.event(Kind::Node, &Key::cluster(&name), "Normal", "RemovingNode", "node-controller", &message);
    }
}

/// Looks at one node; whether it is ready.
fn look_at(state: &mut State, name: &str, node: &Arc<Object>, zone: &str) -> bool {
    let before = state.nodes.health.get(name).map(|health| health.ready.clone());
    let observed = ready(node).to_owned();
    let now_ready = match silent_since(state, name, node, zone) {
        Some(_) if observed != "Unknown" => {
            mark::unknown(state, name, &CONDITIONS);
            "Unknown".to_owned()
        }
        Some(_) | None => observed,
    };
    taint(state, name, zone, &now_ready);
    let was_ready = before.as_deref().is_none_or(|before| before == "True");
    if was_ready && now_ready != "True" {
        let message = format!("Node {name} status is now: NodeNotReady");
        state.event(Kind::Node, &Key::cluster(name), "Normal", "NodeNotReady", "node-controller", &message);
        mark::pods_not_ready(state, name);
    }
    let is_ready = now_ready == "True";
    if let Some(health) = state.nodes.health.get_mut(name) {
        health.ready = now_ready;
    }
    is_ready
}

/// Takes note of a sign of life. Since when there is none, when that is longer than the grace period.
fn silent_since(state: &mut State, name: &str, node: &Object, zone: &str) -> Option<Duration> {
    let now = state.now;
    let grace = state.settings.timings.node_monitor_grace_period;
    let lease = state.store.find(Kind::Lease, LEASES, name);
    let renewed = lease.map(|lease| lease.text("/spec/renewTime")).unwrap_or_default();
    let changed = state.nodes.health.get(name).map(|health| health.ready != ready(node) || health.renewed != renewed);
    if changed != Some(false) {
        let known = state.nodes.health.entry(name.to_owned()).or_default();
        known.probe = now;
        renewed.clone_into(&mut known.renewed);
    }
    let health = state.nodes.health.get_mut(name)?;
    zone.clone_into(&mut health.zone);
    // The real monitor's ticks come a little late each, so that the tick which ends the grace period finds it over.
    (now >= health.probe + grace).then_some(health.probe)
}

/// Queues a node for its `NoExecute` taint, swaps the taint of a tainted one, or takes it away.
fn taint(state: &mut State, name: &str, zone: &str, ready: &str) {
    if ready == "True" {
        if let Some(zone) = state.nodes.zones.get_mut(zone) {
            zone.remove(name);
        }
        taints::remove_no_execute(state, name);
        return;
    }
    let (_, other) = taints::no_execute_keys(ready);
    if taints::has_no_execute(state, name, other) {
        taints::add_no_execute(state, name, ready);
    } else if let Some(zone) = state.nodes.zones.get_mut(zone) {
        zone.add(name);
    }
}

/// The fault is rather with the control plane than with every node: nothing is evicted.
fn spare_all(state: &mut State) {
    let names: Vec<_> = state.store.all(Kind::Node).map(|(key, _)| key.name.clone()).collect();
    for name in names {
        for zone in state.nodes.zones.values_mut() {
            zone.remove(&name);
        }
        taints::remove_no_execute(state, &name);
    }
}

/// After such a time each node gets the whole grace period to show a sign of life.
fn give_all_time(state: &mut State) {
    let now = state.now;
    for health in state.nodes.health.values_mut() {
        health.probe = now;
    }
}

/// Sets conditions to Unknown as of a kubelet that is silent.
pub(super) fn to_unknown(state: &State, node: &mut Node, types: &[&str]) {
    let time = state.time();
    let conditions = node.status.get_or_insert_with(NodeStatus::default).conditions.get_or_insert_default();
    for wanted in types {
        let Some(known) = conditions.iter_mut().find(|condition| condition.type_ == *wanted) else {
            conditions.push(NodeCondition {
                type_: (*wanted).to_owned(),
                status: "Unknown".to_owned(),
                reason: Some("NodeStatusNeverUpdated".to_owned()),
                message: Some("Kubelet never posted node status.".to_owned()),
                last_heartbeat_time: node.metadata.creation_timestamp.clone(),
                last_transition_time: Some(time.clone()),
            });
            continue;
        };
        if known.status != "Unknown" {
            "Unknown".clone_into(&mut known.status);
            known.reason = Some("NodeStatusUnknown".to_owned());
            known.message = Some("Kubelet stopped posting node status.".to_owned());
            known.last_transition_time = Some(time.clone());
        }
    }
}
