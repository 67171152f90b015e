//! The scheduler's rules as small tables: nodes and placed pods, a newcomer, and where it goes or why nowhere.

mod affinity;
mod preemption;
mod queue;
mod resources;
mod spread;
mod volumes;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Key, Kind, Settings, State};

/// A control plane without kubelets.
fn cluster() -> State {
    let mut settings = Settings::default();
    settings.nodes.clear();
    // Nobody renews Leases here.
    settings.timings.node_monitor_grace_period = Duration::from_secs(1 << 30);
    let mut state = State::new(settings, 3);
    state.boot();
    state
}

/// A node in a zone, with 4 CPUs, 8 GiB and 10 pods; `extra` is laid over it.
fn node(state: &mut State, name: &str, zone: &str, extra: Value) {
    let amounts = json!({ "cpu": "4", "memory": "8Gi", "pods": "10" });
    let mut node = json!({
        "metadata": { "name": name, "labels": {
            "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone, "kubernetes.io/os": "linux",
        } },
        "spec": { "providerID": format!("embedded://{name}") },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }], "allocatable": amounts, "capacity": amounts,
        },
    });
    lay_over(&mut node, extra);
    state.create(Kind::Node, node).expect("a node");
}

/// A pod without a node unless `extra` names one.
#[expect(clippy::needless_pass_by_value, reason = "tables read better with the values in place")]
fn pod(state: &mut State, name: &str, labels: Value, extra: Value) {
    let mut pod = json!({
        "metadata": { "name": name, "namespace": "shop", "labels": labels },
        "spec": { "containers": [{ "name": "main", "image": "web:1" }] },
    });
    lay_over(&mut pod, extra);
    state.create(Kind::Pod, pod).expect("a pod");
}

fn lay_over(value: &mut Value, extra: Value) {
    match (value, extra) {
        (Value::Object(fields), Value::Object(extra)) => {
            for (name, field) in extra {
                lay_over(fields.entry(name).or_insert(Value::Null), field);
            }
        }
        (value, extra) => *value = extra,
    }
}

fn cpu(amount: &str) -> Value {
    json!({ "spec": { "containers": [{ "name": "main", "image": "web:1", "resources": { "requests": { "cpu": amount } } }] } })
}

fn run(state: &mut State, seconds: u64) {
    state.advance(state.now + Duration::from_secs(seconds));
}

/// The pod's node, empty when it has none.
fn node_of(state: &State, name: &str) -> String {
    state.store.find(Kind::Pod, "shop", name).expect("the pod is there").text("/spec/nodeName").to_owned()
}

/// The message of its `PodScheduled` condition, up to what is said of preemption.
fn why(state: &State, name: &str) -> String {
    let pod = state.store.find(Kind::Pod, "shop", name).expect("the pod is there");
    let conditions = pod.at("/status/conditions").and_then(Value::as_array);
    let scheduled = conditions.into_iter().flatten().find(|each| each["type"] == "PodScheduled");
    let message = scheduled.and_then(|each| each["message"].as_str()).unwrap_or_default();
    message.split(" preemption: ").next().unwrap_or_default().to_owned()
}

/// Schedules one newcomer and says where it went, else why not.
fn outcome(state: &mut State, labels: Value, extra: Value) -> String {
    pod(state, "newcomer", labels, extra);
    run(state, 1);
    let node = node_of(state, "newcomer");
    let outcome = if node.is_empty() { why(state, "newcomer") } else { node };
    state.remove(Kind::Pod, &Key::new("shop", "newcomer"));
    outcome
}
