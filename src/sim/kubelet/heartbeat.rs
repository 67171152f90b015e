//! A node's two heartbeats: its Lease, and its status with the Ready condition.
//! Never beats for a kubelet that is dead, switched off or cut off.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, NodeCondition, NodeStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use serde_json::json;

use super::Work;
use crate::{Event, Key, Kind, State};

/// kubelet `nodeStatusReportFrequency`: the status is written this often although nothing changed.
const STATUS_PERIOD: Duration = Duration::from_secs(300);
/// Namespace of the leases.
const LEASES: &str = "kube-node-lease";

/// Starts a node's timers. Nodes beat at different phases of the period, spread evenly.
pub(super) fn start(state: &mut State, node: &str, index: usize) {
    renew(state, node);
    let share = index as f64 / state.settings.nodes.len().max(1) as f64;
    let period = state.settings.timings.lease_renew_interval;
    let node = node.to_owned();
    state.after(period.mul_f64(1.0 - share), Event::Kubelet(Work::RenewLease { node: node.clone() }));
    state.after(STATUS_PERIOD.mul_f64(1.0 - share), Event::Kubelet(Work::ReportNode { node }));
}

/// The timer of the lease. It ticks on while the kubelet is away, so that the phase stays.
pub(super) fn lease_due(state: &mut State, node: &str) {
    if state.can_report(node) {
        renew(state, node);
    }
    let period = state.settings.timings.lease_renew_interval;
    state.after(period, Event::Kubelet(Work::RenewLease { node: node.to_owned() }));
}

/// The timer of the status.
pub(super) fn status_due(state: &mut State, node: &str) {
    if state.can_report(node) {
        post_status(state, node);
    }
    state.after(STATUS_PERIOD, Event::Kubelet(Work::ReportNode { node: node.to_owned() }));
}

/// Both heartbeats at once, as a kubelet that returns sends them.
pub(super) fn report(state: &mut State, node: &str) {
    if state.can_report(node) {
        renew(state, node);
        post_status(state, node);
    }
}

/// Records an Event of the node.
pub(super) fn event(state: &mut State, node: &str, reason: &str, message: &str) {
    state.event(Kind::Node, &Key::cluster(node), "Normal", reason, "kubelet", message);
}

fn renew(state: &mut State, node: &str) {
    let now = json!(MicroTime(state.timestamp()));
    let key = Key::new(LEASES, node);
    if state.modify_value(Kind::Lease, &key, |lease| lease["spec"]["renewTime"] = now.clone()).is_ok() {
        return;
    }
    let Some(owner) = state.store.get(Kind::Node, &Key::cluster(node)).map(|node| node.uid().to_owned()) else {
        return;
    };
    let seconds = state.settings.timings.lease_renew_interval.as_secs().saturating_mul(4);
    let lease = json!({
        "metadata": { "namespace": LEASES, "name": node, "ownerReferences": [
            { "apiVersion": "v1", "kind": "Node", "name": node, "uid": owner },
        ] },
        "spec": { "holderIdentity": node, "leaseDurationSeconds": seconds.max(1), "renewTime": now },
    });
    // It cannot exist: the change above did not find it.
    drop(state.create(Kind::Lease, lease));
}

fn post_status(state: &mut State, node: &str) {
    let key = Key::cluster(node);
    let Some(object) = state.store.get(Kind::Node, &key).cloned() else { return };
    let status = object.typed::<Node>().status.as_ref();
    let old = status.and_then(|status| status.conditions.clone()).unwrap_or_default();
    let was_ready = old.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let conditions = conditions(state, &old);
    let write = |node: &mut Node| node.status.get_or_insert_with(NodeStatus::default).conditions = Some(conditions);
    if state.modify::<Node>(Kind::Node, &key, write).is_ok() && !was_ready {
        event(state, node, "NodeReady", &format!("Node {node} status is now: NodeReady"));
    }
}

/// The conditions of a healthy node; a condition whose status is as before keeps its transition time, and
/// conditions of others stay.
pub(super) fn conditions(state: &State, old: &[NodeCondition]) -> Vec<NodeCondition> {
    let healthy = [
        ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ];
    let mut all: Vec<_> =
        old.iter().filter(|condition| healthy.iter().all(|(type_, ..)| *type_ != condition.type_)).cloned().collect();
    for (type_, status, reason, message) in healthy {
        let before = old.iter().find(|condition| condition.type_ == type_ && condition.status == status);
        all.push(NodeCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_heartbeat_time: Some(state.time()),
            last_transition_time: before
                .and_then(|condition| condition.last_transition_time.clone())
                .or_else(|| Some(state.time())),
        });
    }
    all
}
