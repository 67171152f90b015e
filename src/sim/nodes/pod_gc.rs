//! The pod garbage collector: pods of nodes that are gone, pods that terminate on an out-of-service node, and
//! pods that terminate without ever having had a node (`gc_controller.go`).

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::PodCondition;
use serde_json::json;

use super::{Work, lifecycle};
use crate::sim::registry::DeleteOptions;
use crate::sim::scheduler::set_condition;
use crate::sim::{Event, Key, Kind, State};

const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Collects, and again after the collector's period.
pub(super) fn collect(state: &mut State) {
    out_of_service(state);
    orphaned(state);
    unscheduled(state);
    state.after(state.settings.timings.pod_gc_period, Event::Nodes(Work::CollectPods));
}

/// Pods that terminate on a node that somebody declared to be out of service and that is not ready.
fn out_of_service(state: &mut State) {
    let doomed = state.nodes.terminating.iter().filter(|key| {
        let node = state.store.get(Kind::Pod, key).map(|pod| pod.text("/spec/nodeName"));
        let node = node.and_then(|name| state.store.get(Kind::Node, &Key::cluster(name)));
        node.is_some_and(|node| {
            let taints = node.at("/spec/taints").and_then(|taints| taints.as_array());
            let declared = taints.into_iter().flatten().any(|taint| taint["key"] == OUT_OF_SERVICE);
            declared && lifecycle::ready(node) != "True"
        })
    });
    let doomed: Vec<_> = doomed.cloned().collect();
    for key in doomed {
        fail_and_delete(state, &key, None);
    }
}

/// Pods of a node that has been missing for the whole quarantine.
fn orphaned(state: &mut State) {
    let now = state.now;
    let exists = |name: &str| state.store.get(Kind::Node, &Key::cluster(name)).is_some();
    let pods = state.store.all(Kind::Pod).map(|(key, pod)| (key, pod.text("/spec/nodeName")));
    let orphans: Vec<_> = pods
        .filter(|(_, node)| !node.is_empty() && !exists(node))
        .map(|(key, node)| (key.clone(), node.to_owned()))
        .collect();
    let nodes: BTreeSet<_> = orphans.iter().map(|(_, node)| node.clone()).collect();
    state.nodes.missing.retain(|node, _| nodes.contains(node));
    for node in nodes {
        state.nodes.missing.entry(node).or_insert(now);
    }
    let quarantine = state.settings.timings.pod_gc_node_quarantine;
    for (key, node) in orphans {
        if state.nodes.missing.get(&node).is_some_and(|since| now >= *since + quarantine) {
            let condition = PodCondition {
                type_: "DisruptionTarget".to_owned(),
                status: "True".to_owned(),
                reason: Some("DeletionByPodGC".to_owned()),
                message: Some("PodGC: node no longer exists".to_owned()),
                last_transition_time: Some(state.time()),
                ..PodCondition::default()
            };
            fail_and_delete(state, &key, Some(&condition));
        }
    }
}

/// Pods that were deleted before they had a node and are still there.
fn unscheduled(state: &mut State) {
    let waiting = state
        .nodes
        .terminating
        .iter()
        .filter(|key| state.store.get(Kind::Pod, key).is_some_and(|pod| pod.text("/spec/nodeName").is_empty()));
    let waiting: Vec<_> = waiting.cloned().collect();
    for key in waiting {
        fail_and_delete(state, &key, None);
    }
}

/// A pod that has not ended has failed; then its object goes whatever its grace is.
fn fail_and_delete(state: &mut State, key: &Key, condition: Option<&PodCondition>) {
    // A pod that is gone meanwhile is what is wanted.
    drop(state.modify_value(Kind::Pod, key, |pod| {
        if let Some(condition) = condition {
            set_condition(pod, condition);
        }
        if pod["status"]["phase"] != "Succeeded" {
            pod["status"]["phase"] = json!("Failed");
        }
    }));
    let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::default() };
    drop(state.delete(Kind::Pod, key, &options));
}
