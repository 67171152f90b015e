//! Stands in for scheduler and kubelet in the tests of this room.

use std::time::Duration;

use serde_json::{Value, json};

use super::pod::key_of;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Settings, State};

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(1 << 32);

pub(super) const NS: &str = "shop";

/// A cluster with controllers and a namespace, and nothing running yet.
pub(super) fn cluster() -> State {
    let mut settings = Settings::default();
    settings.nodes.clear();
    // Pods stand on nodes without machines: nobody may notice.
    settings.timings.pod_gc_period = NEVER;
    settings.timings.node_monitor_period = NEVER;
    let mut state = State::new(settings, 7);
    state.boot();
    state
        .create(Kind::Namespace, json!({ "metadata": { "name": NS }, "spec": { "finalizers": ["kubernetes"] } }))
        .expect("a namespace");
    state
}

/// Creates an object of the test's namespace.
pub(super) fn create(state: &mut State, kind: Kind, mut value: Value) -> Key {
    value["metadata"]["namespace"] = json!(NS);
    key_of(&state.create(kind, value).expect("the object is created"))
}

/// Lets time pass.
pub(super) fn run(state: &mut State, seconds: u64) {
    state.advance(state.now + Duration::from_secs(seconds));
}

/// A template with one container and these labels.
pub(super) fn template(app: &str, image: &str) -> Value {
    json!({
        "metadata": { "labels": { "app": app } },
        "spec": { "containers": [{ "name": "main", "image": image, "ports": [{ "name": "http", "containerPort": 8080 }] }] },
    })
}

/// Names of the pods of the test's namespace.
pub(super) fn pods(state: &State) -> Vec<String> {
    state.store.in_namespace(Kind::Pod, NS).map(|(key, _)| key.name.clone()).collect()
}

/// Binds a pod and reports it as running and ready, as scheduler and kubelet would.
pub(super) fn start(state: &mut State, name: &str, node: &str) {
    let key = Key::new(NS, name);
    let now = json!(state.time());
    let ip = format!("10.0.0.{}", state.store.version() % 250 + 1);
    state
        .modify_value(Kind::Pod, &key, |pod| {
            pod["spec"]["nodeName"] = json!(node);
            pod["status"] = json!({
                "phase": "Running", "podIP": ip, "podIPs": [{ "ip": ip }],
                "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": now }],
            });
        })
        .expect("the pod exists");
}

/// Starts every pod that is not bound yet.
pub(super) fn start_all(state: &mut State, node: &str) {
    let waiting: Vec<_> = state
        .store
        .in_namespace(Kind::Pod, NS)
        .filter(|(_, pod)| pod.text("/spec/nodeName").is_empty())
        .map(|(key, _)| key.name.clone())
        .collect();
    for name in waiting {
        start(state, &name, node);
    }
}

/// Deletes a pod as a user would; a bound one stays until `gone`.
pub(super) fn delete(state: &mut State, kind: Kind, name: &str) {
    state.delete(kind, &Key::new(NS, name), &DeleteOptions::default()).expect("the object exists");
}

/// The kubelet has ended every terminating pod.
pub(super) fn end_terminating(state: &mut State) {
    let ending: Vec<_> = state
        .store
        .in_namespace(Kind::Pod, NS)
        .filter(|(_, pod)| pod.is_terminating())
        .map(|(key, _)| key.clone())
        .collect();
    for key in ending {
        let options = DeleteOptions { grace_seconds: Some(0), ..DeleteOptions::default() };
        let _ = state.delete(Kind::Pod, &key, &options);
    }
}

/// Something at a JSON pointer of an object.
pub(super) fn at(state: &State, kind: Kind, name: &str, pointer: &str) -> Value {
    let object = state.store.find(kind, NS, name);
    object.and_then(|object| object.value().pointer(pointer).cloned()).unwrap_or(Value::Null)
}
