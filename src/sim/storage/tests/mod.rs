//! Claims and volumes over time, with the kubelets' machines; pods are placed by hand where the place matters.

mod attaching;
mod binding;
mod mounting;

use std::time::Duration;

use serde_json::{Value, json};

use super::VolumeId;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, NodeSpec, Settings, State};

const NS: &str = "shop";

/// Three machines in two zones, and a namespace.
fn cluster() -> State {
    let nodes = [("worker-1", "zone-1"), ("worker-2", "zone-2"), ("worker-3", "zone-2")];
    let nodes = nodes.map(|(name, zone)| NodeSpec::new(name, zone)).into();
    let mut state = State::new(Settings { nodes, ..Settings::default() }, 7);
    state.boot();
    create(
        &mut state,
        Kind::Namespace,
        json!({ "metadata": { "name": NS }, "spec": { "finalizers": ["kubernetes"] } }),
    );
    run(&mut state, 1.0);
    state
}

fn create(state: &mut State, kind: Kind, value: Value) {
    state.create(kind, value).expect("it can be created");
}

/// Lets time pass.
fn run(state: &mut State, seconds: f64) {
    state.advance(state.now + Duration::from_secs_f64(seconds));
}

/// Seconds from now until something holds, looked for every 10 ms, at most this long.
fn until(state: &mut State, limit: f64, holds: impl Fn(&State) -> bool) -> f64 {
    let start = state.now;
    let end = start + Duration::from_secs_f64(limit);
    while !holds(state) && state.now < end {
        run(state, 0.01);
    }
    assert!(holds(state), "not within {limit} s");
    state.now.saturating_sub(start).as_secs_f64()
}

fn class(state: &mut State, name: &str, mode: &str, parameters: &Value) {
    let class = json!({
        "metadata": { "name": name }, "provisioner": "ebs.example.com", "volumeBindingMode": mode,
        "parameters": parameters,
    });
    create(state, Kind::StorageClass, class);
}

/// A claim `data` of a class and access mode.
fn claim(state: &mut State, class: &str, mode: &str) {
    let claim = json!({
        "metadata": { "namespace": NS, "name": "data" },
        "spec": {
            "storageClassName": class, "accessModes": [mode], "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    create(state, Kind::PersistentVolumeClaim, claim);
}

/// A pod with one volume, mounted at `/data`. No node: the scheduler looks for one.
fn pod(state: &mut State, name: &str, node: &str, volume: &Value) -> String {
    let mut source = json!({ "name": "vol" });
    json_patch::merge(&mut source, volume);
    let mut value = json!({
        "metadata": { "namespace": NS, "name": name },
        "spec": {
            "terminationGracePeriodSeconds": 1, "volumes": [source],
            "containers": [{
                "name": "main", "image": "web:1", "volumeMounts": [{ "name": "vol", "mountPath": "/data" }],
            }],
        },
    });
    if !node.is_empty() {
        value["spec"]["nodeName"] = json!(node);
    }
    state.create(Kind::Pod, value).expect("a pod").uid().to_owned()
}

/// A pod that uses the claim `data`. A claim that waits for its first consumer has been told its node before, as the
/// scheduler does.
fn user(state: &mut State, name: &str, node: &str) -> String {
    let key = Key::new(NS, "data");
    let claim = state.store.get(Kind::PersistentVolumeClaim, &key);
    if !node.is_empty() && claim.is_some_and(|claim| crate::storage::binding::waits_for_consumer(&state.store, claim)) {
        crate::storage::binding::select_node(state, &key, node);
    }
    pod(state, name, node, &json!({ "persistentVolumeClaim": { "claimName": "data" } }))
}

fn delete(state: &mut State, kind: Kind, name: &str, grace: Option<u64>) {
    let namespace = if kind.facts().namespaced { NS } else { "" };
    let options = DeleteOptions { grace_seconds: grace, ..DeleteOptions::default() };
    state.delete(kind, &Key::new(namespace, name), &options).expect("it is there");
}

/// A field of an object, empty when it is not there.
fn text(state: &State, kind: Kind, name: &str, pointer: &str) -> String {
    let namespace = if kind.facts().namespaced { NS } else { "" };
    state.store.find(kind, namespace, name).map(|object| object.text(pointer).to_owned()).unwrap_or_default()
}

fn phase(state: &State) -> String {
    text(state, Kind::PersistentVolumeClaim, "data", "/status/phase")
}

/// The volume of the claim `data`.
fn volume(state: &State) -> String {
    text(state, Kind::PersistentVolumeClaim, "data", "/spec/volumeName")
}

fn runs(state: &State, uid: &str) -> bool {
    state.kubelet.sandboxes.get(uid).is_some_and(|sandbox| sandbox.containers.values().any(|each| each.running))
}

/// What a running pod has at `/data`.
fn mounted(state: &State, uid: &str) -> Option<VolumeId> {
    state.kubelet.sandboxes.get(uid)?.mounts.get("/data").cloned()
}

/// Nodes and `attached` of all attachments.
fn attachments(state: &State) -> Vec<(String, bool)> {
    let all = state.store.all(Kind::VolumeAttachment).map(|(_, object)| {
        let attached = object.at("/status/attached").and_then(Value::as_bool).unwrap_or_default();
        (object.text("/spec/nodeName").to_owned(), attached)
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

/// Messages of the Events with a reason.
fn messages(state: &State, reason: &str) -> Vec<String> {
    let events = state.store.in_namespace(Kind::Event, NS).filter(|(_, event)| event.text("/reason") == reason);
    events.map(|(_, event)| event.text("/message").to_owned()).collect()
}

fn write(state: &mut State, volume: VolumeId) {
    state.storage.contents.entry(volume).or_default().insert("file".to_owned(), "content".to_owned());
}

/// Writes a node's Ready condition, as the node lifecycle controller does when a kubelet is silent.
fn set_ready(state: &mut State, node: &str, status: &str) {
    let changed = state.modify_value(Kind::Node, &Key::cluster(node), |node| {
        for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" {
                condition["status"] = json!(status);
            }
        }
    });
    changed.expect("the node is there");
}
