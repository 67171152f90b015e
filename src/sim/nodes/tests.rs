//! The times that were measured on a real cluster, held on the simulated one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{Key, Kind, NodeSpec, Settings, State};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A cluster whose nodes all stand in one zone without a name, as on a bare testbed.
fn cluster(nodes: usize) -> State {
    let nodes = (1..=nodes).map(|index| NodeSpec::new(format!("n{index}"), "z")).collect();
    let mut state = State::new(Settings { nodes, ..Settings::default() }, 7);
    state.boot();
    state.advance(seconds(30));
    state
}

fn pod(state: &mut State, name: &str, node: &str, tolerations: &Value) {
    let spec = json!({ "nodeName": node, "containers": [{ "name": "c", "image": "i" }], "tolerations": tolerations });
    state
        .create(Kind::Pod, json!({ "metadata": { "name": name, "namespace": "default" }, "spec": spec }))
        .expect("created");
}

fn ready(state: &State, node: &str) -> String {
    let node = state.store.find(Kind::Node, "", node).expect("exists");
    let conditions = node.value()["status"]["conditions"].as_array().expect("has conditions").clone();
    conditions.iter().find(|one| one["type"] == "Ready").expect("has Ready")["status"]
        .as_str()
        .expect("text")
        .to_owned()
}

fn taints(state: &State, node: &str) -> Vec<String> {
    let node = state.store.find(Kind::Node, "", node).expect("exists");
    let taints = node.value().pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default();
    let short = |taint: &Value| {
        format!("{}:{}", taint["key"].as_str().unwrap_or_default(), taint["effect"].as_str().unwrap_or_default())
    };
    taints.iter().map(|taint| short(taint).replace("node.kubernetes.io/", "")).collect()
}

/// Advances in steps of 100 ms until something holds; the time that it took.
fn until(state: &mut State, limit: u64, holds: impl Fn(&State) -> bool) -> Duration {
    let start = state.now;
    while !holds(state) {
        assert!(state.now.checked_sub(start).unwrap() < seconds(limit), "it did not happen within {limit} s");
        let next = state.now + Duration::from_millis(100);
        state.advance(next);
    }
    state.now.checked_sub(start).unwrap()
}

#[test]
fn a_silent_node_is_unknown_after_its_grace_and_its_pods_go_after_their_toleration() {
    let mut state = cluster(3);
    pod(&mut state, "web", "n1", &json!([]));
    state.advance(seconds(60));
    state.power_off("n1");
    let unknown = until(&mut state, 70, |state| ready(state, "n1") == "Unknown");
    assert!((40..=60).contains(&unknown.as_secs()), "{unknown:?}");
    let tainted = until(&mut state, 2, |state| taints(state, "n1").len() == 2);
    assert!(tainted <= Duration::from_millis(300), "{tainted:?}");
    let evicted = until(&mut state, 310, |state| {
        state.store.find(Kind::Pod, "default", "web").is_none_or(|pod| pod.is_terminating())
    });
    assert!((299..=301).contains(&evicted.as_secs()), "{evicted:?}");
}

#[test]
fn the_second_of_two_lost_nodes_waits_ten_seconds_for_its_taint() {
    let mut state = cluster(5);
    state.power_off("n1");
    state.power_off("n2");
    let no_execute = |state: &State, node: &str| taints(state, node).contains(&"unreachable:NoExecute".to_owned());
    until(&mut state, 70, |state| no_execute(state, "n1") || no_execute(state, "n2"));
    let second = until(&mut state, 30, |state| no_execute(state, "n1") && no_execute(state, "n2"));
    assert!((9..=11).contains(&second.as_secs()), "{second:?}");
}

#[test]
fn nothing_is_evicted_when_most_of_a_small_zone_is_lost() {
    let mut state = cluster(5);
    for node in ["n1", "n2", "n3"] {
        state.power_off(node);
    }
    until(&mut state, 70, |state| ["n1", "n2", "n3"].iter().all(|node| ready(state, node) == "Unknown"));
    let before = ["n1", "n2", "n3"].iter().filter(|node| taints(&state, node).len() > 1).count();
    let later = state.now + seconds(120);
    state.advance(later);
    let after = ["n1", "n2", "n3"].iter().filter(|node| taints(&state, node).len() > 1).count();
    assert!(before <= 1 && after == before, "{before} then {after}");
}

#[test]
fn a_node_that_returns_loses_its_taints_and_its_pods_stay() {
    let mut state = cluster(3);
    pod(&mut state, "web", "n1", &json!([]));
    state.advance(seconds(60));
    state.kill_kubelet("n1");
    until(&mut state, 80, |state| taints(state, "n1").len() == 2);
    state.start_kubelet("n1");
    until(&mut state, 20, |state| ready(state, "n1") == "True" && taints(state, "n1").is_empty());
    let later = state.now + seconds(400);
    state.advance(later);
    assert!(!state.store.find(Kind::Pod, "default", "web").expect("still there").is_terminating());
}

#[test]
fn a_cordon_is_a_taint() {
    let mut state = cluster(1);
    state
        .modify_value(Kind::Node, &Key::cluster("n1"), |node| node["spec"]["unschedulable"] = json!(true))
        .expect("exists");
    until(&mut state, 2, |state| taints(state, "n1") == ["unschedulable:NoSchedule"]);
    state
        .modify_value(Kind::Node, &Key::cluster("n1"), |node| node["spec"]["unschedulable"] = Value::Null)
        .expect("exists");
    until(&mut state, 2, |state| taints(state, "n1").is_empty());
}

#[test]
fn out_of_service_removes_the_pods_of_a_lost_node_by_force() {
    let mut state = cluster(3);
    pod(&mut state, "db", "n1", &json!([]));
    state.advance(seconds(60));
    state.power_off("n1");
    until(&mut state, 70, |state| taints(state, "n1").len() == 2);
    let taint = json!({ "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute" });
    state
        .modify_value(Kind::Node, &Key::cluster("n1"), |node| {
            if let Some(taints) = node["spec"]["taints"].as_array_mut() {
                taints.push(taint);
            }
        })
        .expect("exists");
    let gone = until(&mut state, 30, |state| state.store.find(Kind::Pod, "default", "db").is_none());
    assert!(gone <= seconds(21), "one round of pod garbage collection at most, not {gone:?}");
}

#[test]
fn pods_of_a_deleted_node_are_collected_after_quarantine() {
    let mut state = cluster(2);
    pod(&mut state, "web", "n1", &json!([]));
    state.advance(seconds(60));
    state.power_off("n1");
    state.delete(Kind::Node, &Key::cluster("n1"), &crate::registry::DeleteOptions::default()).expect("exists");
    let gone = until(&mut state, 90, |state| state.store.find(Kind::Pod, "default", "web").is_none());
    assert!((40..=61).contains(&gone.as_secs()), "{gone:?}");
}
