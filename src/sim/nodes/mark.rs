//! What the node monitor writes on a node that is silent and on the pods there.

use k8s_openapi::api::core::v1::Node;
use serde_json::{Value, json};

use super::lifecycle;
use crate::sim::{Key, Kind, State};

/// The node's conditions are Unknown.
pub(super) fn unknown(state: &mut State, node: &str, types: &[&str]) {
    let key = Key::cluster(node);
    let Some(mut changed) = state.store.get(Kind::Node, &key).map(|node| node.typed::<Node>().clone()) else { return };
    lifecycle::to_unknown(state, &mut changed, types);
    // It was there a moment ago, and nothing else runs in between.
    drop(state.modify::<Node>(Kind::Node, &key, |node| *node = changed));
}

/// The pods of a node that is not ready are not ready either, so that no endpoint leads there (`MarkPodsNotReady`).
pub(super) fn pods_not_ready(state: &mut State, node: &str) {
    let pods: Vec<_> = state.store.pods_on(node).map(|(key, _)| key.clone()).collect();
    for key in pods {
        let is_ready = state.store.get(Kind::Pod, &key).is_some_and(|pod| {
            let conditions = pod.at("/status/conditions").and_then(Value::as_array);
            conditions.into_iter().flatten().any(|each| each["type"] == "Ready" && each["status"] == "True")
        });
        if !is_ready {
            continue;
        }
        let time = state.time();
        let marked = state.modify_value(Kind::Pod, &key, |pod| {
            let conditions = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
            for condition in conditions.into_iter().flatten().filter(|each| each["type"] == "Ready") {
                condition["status"] = json!("False");
                condition["reason"] = json!("NodeNotReady");
                condition["lastTransitionTime"] = json!(time);
            }
        });
        if marked.is_ok() {
            state.event(Kind::Pod, &key, "Warning", "NodeNotReady", "node-controller", "Node is not ready");
        }
    }
}
