//! Pods that nobody else will remove: bound to a node that is gone, never bound and already deleted, or terminating on
//! a node that was declared out of service. Source: `pkg/controller/podgc/gc_controller.go`.

use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use super::{Work, taint_eviction};
use crate::registry::DeleteOptions;
use crate::{Event, Key, Kind, Object, State};

const OUT_OF_SERVICE: &str = "node.kubernetes.io/out-of-service";

/// Why a pod is collected.
enum Why {
    Orphaned,
    OutOfService,
    NeverBound,
}

/// One round; the next follows after `timings.pod_gc_period`.
pub(super) fn collect(state: &mut State) {
    let doomed: Vec<(Key, String, Why)> = find(state);
    for (key, uid, why) in doomed {
        remove(state, &key, &uid, &why);
    }
    let period = state.settings.timings.pod_gc_period;
    state.after(period, Event::Nodes(Work::CollectPods));
}

fn find(state: &mut State) -> Vec<(Key, String, Why)> {
    let mut doomed = Vec::new();
    let mut missing = std::collections::BTreeMap::new();
    for (key, pod) in state.store.all(Kind::Pod) {
        let node_name = pod.text("/spec/nodeName");
        if node_name.is_empty() {
            if pod.is_terminating() {
                doomed.push((key.clone(), pod.uid().to_owned(), Why::NeverBound));
            }
            continue;
        }
        match state.store.find(Kind::Node, "", node_name) {
            None => {
                let since = state.nodes.missing_nodes.get(node_name).copied().unwrap_or(state.now);
                missing.insert(node_name.to_owned(), since);
                if state.now >= since + state.settings.timings.pod_gc_node_quarantine {
                    doomed.push((key.clone(), pod.uid().to_owned(), Why::Orphaned));
                }
            }
            Some(node) if pod.is_terminating() && out_of_service(node) => {
                doomed.push((key.clone(), pod.uid().to_owned(), Why::OutOfService));
            }
            Some(_) => {}
        }
    }
    state.nodes.missing_nodes = missing;
    doomed
}

fn out_of_service(node: &Object) -> bool {
    let list = |pointer: &str| node.value().pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let tainted = list("/spec/taints").iter().any(|taint| taint["key"] == OUT_OF_SERVICE);
    tainted
        && !list("/status/conditions")
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Marks the pod as failed, then removes it without grace: its kubelet will not answer.
fn remove(state: &mut State, key: &Key, uid: &str, why: &Why) {
    match why {
        Why::Orphaned => {
            taint_eviction::disrupt(state, key, "DeletionByPodGC", "PodGC: node no longer exists");
            fail(state, key);
        }
        Why::OutOfService => fail(state, key),
        Why::NeverBound => {}
    }
    let options = DeleteOptions { grace_seconds: Some(0), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
    let _gone_meanwhile = state.delete(Kind::Pod, key, &options);
}

fn fail(state: &mut State, key: &Key) {
    let _gone_meanwhile = state.modify::<Pod>(Kind::Pod, key, |pod| {
        let status = pod.status.get_or_insert_default();
        if !matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")) {
            status.phase = Some("Failed".to_owned());
        }
    });
}
