//! Timelines of pods and machines, with scheduler and node lifecycle stood in for by hand.

mod ends;
mod hooks;
mod images;
mod life;
mod machines;
mod probes;

use std::time::Duration;

use serde_json::{Value, json};

use crate::registry::DeleteOptions;
use crate::{Key, Kind, NodeSpec, Settings, State};

const NS: &str = "shop";
const NODE: &str = "worker-1";

/// A cluster of two machines with a namespace.
fn cluster() -> State {
    let nodes = (1..=2).map(|index| NodeSpec::new(format!("worker-{index}"), "zone-1")).collect();
    let mut settings = Settings { nodes, ..Settings::default() };
    // What the control plane does about a silent machine is tested in `nodes`.
    settings.timings.node_monitor_period = Duration::from_secs(1 << 32);
    settings.timings.pod_gc_period = Duration::from_secs(1 << 32);
    let mut state = State::new(settings, 7);
    state.boot();
    let namespace = json!({ "metadata": { "name": NS }, "spec": { "finalizers": ["kubernetes"] } });
    state.create(Kind::Namespace, namespace).expect("a namespace");
    run(&mut state, 1.0);
    state
}

/// Creates a pod that is already bound to the first machine. `spec` is merged over one container without probes.
fn pod(state: &mut State, name: &str, annotations: &Value, spec: &Value) -> String {
    let mut value = json!({
        "metadata": { "namespace": NS, "name": name, "annotations": annotations },
        "spec": { "nodeName": NODE, "containers": [{ "name": "main", "image": "web:1" }] },
    });
    json_patch::merge(&mut value["spec"], spec);
    state.create(Kind::Pod, value).expect("a pod").uid().to_owned()
}

/// One container `main` with these fields.
fn main(fields: &Value) -> Value {
    let mut container = json!({ "name": "main", "image": "web:1" });
    json_patch::merge(&mut container, fields);
    json!({ "containers": [container] })
}

fn key(name: &str) -> Key {
    Key::new(NS, name)
}

/// Lets time pass.
fn run(state: &mut State, seconds: f64) {
    state.advance(state.now + Duration::from_secs_f64(seconds));
}

fn delete(state: &mut State, name: &str, grace: Option<u64>) {
    let options = DeleteOptions { grace_seconds: grace, ..DeleteOptions::default() };
    state.delete(Kind::Pod, &key(name), &options).expect("the pod is there");
}

fn exists(state: &State, name: &str) -> bool {
    state.store.get(Kind::Pod, &key(name)).is_some()
}

/// A pod's status at a JSON pointer.
fn status(state: &State, name: &str, pointer: &str) -> Value {
    let pod = state.store.get(Kind::Pod, &key(name)).expect("the pod is there");
    pod.value().pointer(&format!("/status{pointer}")).cloned().unwrap_or_default()
}

fn condition(state: &State, name: &str, type_: &str) -> bool {
    let conditions = status(state, name, "/conditions");
    let mut all = conditions.as_array().into_iter().flatten();
    all.any(|condition| condition["type"] == type_ && condition["status"] == "True")
}

fn ready(state: &State, name: &str) -> bool {
    exists(state, name) && condition(state, name, "Ready")
}

fn restarts(state: &State, name: &str) -> u64 {
    status(state, name, "/containerStatuses/0/restartCount").as_u64().unwrap_or_default()
}

fn waiting(state: &State, name: &str) -> String {
    status(state, name, "/containerStatuses/0/state/waiting/reason").as_str().unwrap_or_default().to_owned()
}

/// Whether the container `main` really runs.
fn runs(state: &State, uid: &str) -> bool {
    super::container::running(state, uid).contains(&"main".to_owned())
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

/// Reasons of the Events about a pod, in the order in which they were first recorded.
fn reasons(state: &State, name: &str) -> Vec<String> {
    let events = state.store.in_namespace(Kind::Event, NS);
    let mut about: Vec<_> = events
        .filter(|(_, event)| event.text("/involvedObject/name") == name)
        .map(|(_, event)| (creation_order(event.uid()), event.text("/reason").to_owned()))
        .collect();
    about.sort();
    about.into_iter().map(|(_, reason)| reason).collect()
}

fn creation_order(uid: &str) -> String {
    uid.split('-').next().unwrap_or_default().to_owned()
}
