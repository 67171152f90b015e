//! DaemonSets over nodes that come, are tainted and go.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, delete, end_terminating, run, template};
use crate::{Key, Kind, State};

fn node(state: &mut State, name: &str, taints: &Value) {
    let node = json!({ "metadata": { "name": name }, "spec": { "taints": taints } });
    state.create(Kind::Node, node).expect("a node");
}

fn set(state: &mut State, strategy: &Value) {
    let spec = json!({
        "selector": { "matchLabels": { "app": "agent" } }, "template": template("agent", "agent:1"),
        "updateStrategy": strategy,
    });
    create(state, Kind::DaemonSet, json!({ "metadata": { "name": "agent" }, "spec": spec }));
    run(state, 1);
}

/// Binds each waiting pod to the node that its affinity names, and ends those that terminate.
fn settle(state: &mut State) {
    for _ in 0..10 {
        let waiting: Vec<_> = state
            .store
            .in_namespace(Kind::Pod, NS)
            .filter(|(_, pod)| pod.text("/spec/nodeName").is_empty())
            .map(|(key, pod)| (key.name.clone(), pinned(pod.value())))
            .collect();
        for (name, node) in waiting {
            crate::controllers::testing::start(state, &name, &node);
        }
        end_terminating(state);
        run(state, 2);
    }
}

fn pinned(pod: &Value) -> String {
    let terms = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = &terms["nodeSelectorTerms"][0]["matchFields"][0];
    assert_eq!([&field["key"], &field["operator"]], [&json!("metadata.name"), &json!("In")]);
    field["values"][0].as_str().expect("a node").to_owned()
}

/// Nodes of the pods that are to stay, with their images.
fn placed(state: &State) -> Vec<String> {
    let pods = state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| !pod.is_terminating());
    let mut nodes: Vec<_> =
        pods.map(|(_, pod)| format!("{} {}", pinned(pod.value()), pod.text("/spec/containers/0/image"))).collect();
    nodes.sort();
    nodes
}

#[test]
fn one_pod_for_each_eligible_node() {
    let mut state = cluster();
    node(&mut state, "n1", &json!([]));
    node(&mut state, "n2", &json!([{ "key": "dedicated", "value": "gpu", "effect": "NoSchedule" }]));
    node(&mut state, "n3", &json!([{ "key": "node.kubernetes.io/unreachable", "effect": "NoExecute" }]));
    set(&mut state, &json!({}));
    assert_eq!(placed(&state), ["n1 agent:1", "n3 agent:1"]);
    node(&mut state, "n4", &json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]));
    settle(&mut state);
    assert_eq!(placed(&state), ["n1 agent:1", "n3 agent:1", "n4 agent:1"]);
    let status = at(&state, Kind::DaemonSet, "agent", "/status");
    for field in ["desiredNumberScheduled", "currentNumberScheduled", "numberReady", "numberAvailable"] {
        assert_eq!(status[field], 3, "{field}");
    }
}

#[test]
fn daemons_tolerate_for_ever() {
    let mut state = cluster();
    node(&mut state, "n1", &json!([]));
    set(&mut state, &json!({}));
    let pod = state.store.in_namespace(Kind::Pod, NS).next().expect("a pod").1.clone();
    let tolerations = pod.value()["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    let lines: Vec<_> = tolerations
        .iter()
        .filter(|one| one.get("tolerationSeconds").is_none())
        .map(|one| format!("{} {}", one["key"].as_str().unwrap_or(""), one["effect"].as_str().unwrap_or("")))
        .collect();
    for wanted in [
        "node.kubernetes.io/not-ready NoExecute",
        "node.kubernetes.io/unreachable NoExecute",
        "node.kubernetes.io/disk-pressure NoSchedule",
        "node.kubernetes.io/memory-pressure NoSchedule",
        "node.kubernetes.io/pid-pressure NoSchedule",
        "node.kubernetes.io/unschedulable NoSchedule",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted} in {lines:?}");
    }
}

#[test]
fn taints_that_come_later() {
    let mut state = cluster();
    for name in ["n1", "n2"] {
        node(&mut state, name, &json!([]));
    }
    set(&mut state, &json!({}));
    settle(&mut state);
    for (name, effect) in [("n1", "NoSchedule"), ("n2", "NoExecute")] {
        state
            .modify_value(Kind::Node, &Key::cluster(name), |node| {
                node["spec"]["taints"] = json!([{ "key": "a", "effect": effect }]);
            })
            .expect("the node exists");
    }
    settle(&mut state);
    assert_eq!(placed(&state), ["n1 agent:1"]);
    assert_eq!(at(&state, Kind::DaemonSet, "agent", "/status/numberMisscheduled"), 1);
}

#[test]
fn a_terminating_daemon_holds_its_place() {
    let mut state = cluster();
    node(&mut state, "n1", &json!([]));
    set(&mut state, &json!({}));
    settle(&mut state);
    let name = state.store.in_namespace(Kind::Pod, NS).next().expect("a pod").0.name.clone();
    delete(&mut state, Kind::Pod, &name);
    run(&mut state, 60);
    assert_eq!(state.store.in_namespace(Kind::Pod, NS).count(), 1);
    settle(&mut state);
    assert_eq!(placed(&state), ["n1 agent:1"]);
}

#[test]
fn rolling_updates() {
    for (strategy, most, fewest) in [
        (json!({ "rollingUpdate": { "maxUnavailable": 1 } }), 3, 2),
        (json!({ "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } }), 4, 3),
    ] {
        let mut state = cluster();
        for name in ["n1", "n2", "n3"] {
            node(&mut state, name, &json!([]));
        }
        set(&mut state, &strategy);
        settle(&mut state);
        state
            .modify_value(Kind::DaemonSet, &Key::new(NS, "agent"), |set| {
                set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("agent:2");
            })
            .expect("the set exists");
        for _ in 0..20 {
            run(&mut state, 1);
            let staying = placed(&state).len();
            assert!(staying <= most, "{strategy}: {staying} pods");
            let ready = state
                .store
                .in_namespace(Kind::Pod, NS)
                .filter(|(_, pod)| !pod.is_terminating() && crate::controllers::pod::is_ready(pod));
            let ready = ready.count();
            assert!(ready >= fewest, "{strategy}: {ready} ready");
            settle(&mut state);
        }
        assert_eq!(placed(&state), ["n1 agent:2", "n2 agent:2", "n3 agent:2"], "{strategy}");
        assert_eq!(at(&state, Kind::DaemonSet, "agent", "/status/updatedNumberScheduled"), 3);
    }
}
