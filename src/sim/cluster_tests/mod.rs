//! Whole clusters with all their rooms, by the objects that a person would apply: what becomes of them.

mod nodes;
mod reach;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Key, Kind, Settings, State};

const NS: &str = "shop";

/// A cluster of three machines with a namespace.
fn cluster() -> State {
    with(Settings::default())
}

fn with(settings: Settings) -> State {
    let mut state = State::new(settings, 7);
    state.boot();
    let namespace = json!({ "metadata": { "name": NS }, "spec": { "finalizers": ["kubernetes"] } });
    state.create(Kind::Namespace, namespace).expect("a namespace");
    run(&mut state, 1);
    state
}

/// Creates an object of the test's namespace.
fn apply(state: &mut State, kind: Kind, mut value: Value) -> Key {
    value["metadata"]["namespace"] = json!(NS);
    let made = state.create(kind, value).expect("the object is created");
    Key::new(made.text("/metadata/namespace"), made.text("/metadata/name"))
}

/// A Deployment `web` of pods `app: web`; `spec` is laid over its pod template's.
fn deployment(replicas: u32, spec: &Value) -> Value {
    let mut template = json!({ "containers": [{ "name": "main", "image": "web:1" }] });
    json_patch::merge(&mut template, spec);
    json!({ "metadata": { "name": "web" }, "spec": {
        "replicas": replicas, "selector": { "matchLabels": { "app": "web" } },
        "template": { "metadata": { "labels": { "app": "web" } }, "spec": template },
    } })
}

/// One container `main` with these fields.
fn main(fields: &Value) -> Value {
    let mut container = json!({ "name": "main", "image": "web:1" });
    json_patch::merge(&mut container, fields);
    json!({ "containers": [container] })
}

/// Lets time pass.
fn run(state: &mut State, seconds: u64) {
    state.advance(state.now + Duration::from_secs(seconds));
}

/// How many pods `app: web` are Ready.
fn ready(state: &State) -> usize {
    state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| pod.is_ready()).count()
}

/// `Reason: message` of the Events about objects of a kind, sorted.
fn events(state: &State, kind: &str) -> Vec<String> {
    let events = state.store.in_namespace(Kind::Event, NS).map(|(_, event)| event);
    let about = events.filter(|event| event.text("/involvedObject/kind") == kind);
    let mut texts: Vec<_> =
        about.map(|event| format!("{}: {}", event.text("/reason"), event.text("/message"))).collect();
    texts.sort();
    texts
}

/// Whether an Event about objects of a kind begins like this.
fn told(state: &State, kind: &str, start: &str) -> bool {
    events(state, kind).iter().any(|event| event.starts_with(start))
}
