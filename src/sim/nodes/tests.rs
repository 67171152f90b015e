//! Losing and regaining nodes, as tables of what happens when. Kubelets are stood in for by renewing Leases by hand.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sim::registry::DeleteOptions;
use crate::sim::{Key, Kind, Settings, State};

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";

/// A control plane with nodes of these names and zones, whose kubelets are played by [`run`].
fn cluster(nodes: &[(&str, &str)]) -> State {
    let mut settings = Settings::default();
    settings.nodes.clear();
    let mut state = State::new(settings, 1);
    state.boot();
    for (name, zone) in nodes {
        node(&mut state, name, zone);
    }
    state
}

fn node(state: &mut State, name: &str, zone: &str) {
    let labels = json!({ "topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name });
    let ready = json!([{ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "" }]);
    let amounts = json!({ "cpu": "4", "memory": "16Gi", "pods": "110" });
    let node = json!({
        "metadata": { "name": name, "labels": labels },
        "status": { "conditions": ready, "allocatable": amounts, "capacity": amounts },
    });
    state.create(Kind::Node, node).expect("a node");
    let lease = json!({ "metadata": { "name": name, "namespace": "kube-node-lease" } });
    state.create(Kind::Lease, lease).expect("a lease");
}

/// Lets time pass while these nodes renew their Leases every 10 s.
fn run(state: &mut State, seconds: u64, alive: &[&str]) {
    let end = state.now + Duration::from_secs(seconds);
    while state.now < end {
        if state.now.as_secs().is_multiple_of(10) {
            let now = json!(k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime(state.timestamp()));
            for name in alive {
                let key = Key::new("kube-node-lease", *name);
                state.modify_value(Kind::Lease, &key, |lease| lease["spec"]["renewTime"] = now.clone()).expect("there");
            }
        }
        state.advance(state.now + Duration::from_secs(1));
    }
}

/// The first second from now on at which something holds.
fn when(state: &mut State, limit: u64, alive: &[&str], holds: impl Fn(&State) -> bool) -> Option<u64> {
    for second in 0..=limit {
        if holds(state) {
            return Some(second);
        }
        run(state, 1, alive);
    }
    None
}

fn pod(state: &mut State, name: &str, node: &str, extra: Value) {
    let mut pod = json!({
        "metadata": { "name": name, "namespace": "shop" },
        "spec": { "nodeName": node, "containers": [{ "name": "main", "image": "web:1" }] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
    });
    if let (Some(spec), Value::Object(extra)) = (pod["spec"].as_object_mut(), extra) {
        spec.extend(extra);
    }
    state.create(Kind::Pod, pod).expect("a pod");
}

fn tainted(state: &State, node: &str, key: &str, effect: &str) -> bool {
    let node = state.store.get(Kind::Node, &Key::cluster(node)).expect("the node is there");
    let taints = node.at("/spec/taints").and_then(Value::as_array);
    taints.into_iter().flatten().any(|taint| taint["key"] == key && taint["effect"] == effect)
}

fn condition(state: &State, kind: Kind, key: &Key, type_: &str) -> Value {
    let object = state.store.get(kind, key).expect("it is there");
    let all = object.at("/status/conditions").and_then(Value::as_array);
    all.into_iter().flatten().find(|each| each["type"] == type_).cloned().unwrap_or(Value::Null)
}

fn reasons(state: &State, namespace: &str) -> Vec<String> {
    state.store.in_namespace(Kind::Event, namespace).map(|(_, event)| event.text("/reason").to_owned()).collect()
}

#[test]
fn a_lost_node_is_unknown_tainted_and_evicted_in_time() {
    let mut state = cluster(&[("n1", "a"), ("n2", "a"), ("n3", "a")]);
    pod(&mut state, "web", "n1", json!({}));
    pod(&mut state, "agent", "n1", json!({ "tolerations": [{ "operator": "Exists" }] }));
    run(&mut state, 61, &["n1", "n2", "n3"]);
    let alive = ["n2", "n3"];
    let node = Key::cluster("n1");
    let web = Key::new("shop", "web");
    // The last renewal was a second ago, and it was seen within the monitor's period of 5 s.
    let lost =
        when(&mut state, 70, &alive, |state| condition(state, Kind::Node, &node, "Ready")["status"] == "Unknown")
            .expect("lost");
    assert!((48..=55).contains(&lost), "{lost}");
    let ready = condition(&state, Kind::Node, &node, "Ready");
    assert_eq!(ready["reason"], "NodeStatusUnknown");
    assert_eq!(ready["message"], "Kubelet stopped posting node status.");
    assert_eq!(condition(&state, Kind::Pod, &web, "Ready")["status"], "False");
    let tainted_after = when(&mut state, 5, &alive, |state| {
        tainted(state, "n1", UNREACHABLE, "NoSchedule") && tainted(state, "n1", UNREACHABLE, "NoExecute")
    });
    assert!(tainted_after.expect("tainted") <= 1);
    let evicted = when(&mut state, 400, &alive, |state| state.store.get(Kind::Pod, &web).unwrap().is_terminating());
    assert!((299..=301).contains(&evicted.expect("evicted")), "{evicted:?}");
    let target = condition(&state, Kind::Pod, &web, "DisruptionTarget");
    assert_eq!(target["reason"], "DeletionByTaintManager");
    assert!(!state.store.find(Kind::Pod, "shop", "agent").unwrap().is_terminating());
    let told = reasons(&state, "shop");
    assert!(told.contains(&"NodeNotReady".to_owned()) && told.contains(&"TaintManagerEviction".to_owned()), "{told:?}");
}

#[test]
fn a_node_that_returns_loses_its_taints_and_keeps_its_pods() {
    let mut state = cluster(&[("n1", "a"), ("n2", "a")]);
    pod(&mut state, "web", "n1", json!({}));
    run(&mut state, 20, &["n1", "n2"]);
    run(&mut state, 100, &["n2"]);
    assert!(tainted(&state, "n1", UNREACHABLE, "NoExecute"));
    state
        .modify_value(Kind::Node, &Key::cluster("n1"), |node| node["status"]["conditions"][0]["status"] = json!("True"))
        .expect("there");
    let gone = when(&mut state, 20, &["n1", "n2"], |state| {
        !tainted(state, "n1", UNREACHABLE, "NoExecute") && !tainted(state, "n1", UNREACHABLE, "NoSchedule")
    });
    assert!(gone.expect("gone") <= 6);
    run(&mut state, 400, &["n1", "n2"]);
    assert!(!state.store.find(Kind::Pod, "shop", "web").unwrap().is_terminating());
    assert!(reasons(&state, "shop").contains(&"TaintManagerEviction".to_owned()), "a cancellation is told");
}

/// When each node gets its `NoExecute` taint, in seconds after the first one; `None` when it does not.
fn taint_times(nodes: &[(&str, &str)], lost: &[&str]) -> Vec<Option<u64>> {
    let mut state = cluster(nodes);
    let all: Vec<_> = nodes.iter().map(|(name, _)| *name).collect();
    let alive: Vec<_> = all.iter().copied().filter(|name| !lost.contains(name)).collect();
    run(&mut state, 30, &all);
    let mut times = vec![None; lost.len()];
    for second in 0..200 {
        run(&mut state, 1, &alive);
        for (time, name) in times.iter_mut().zip(lost) {
            if time.is_none() && tainted(&state, name, UNREACHABLE, "NoExecute") {
                *time = Some(second);
            }
        }
    }
    let first = times.iter().flatten().min().copied().unwrap_or_default();
    times.into_iter().map(|time| time.map(|time| time - first)).collect()
}

#[test]
fn taints_are_paced_by_zone() {
    let one_zone = [("n1", "a"), ("n2", "a"), ("n3", "a")];
    assert_eq!(taint_times(&one_zone, &["n1"]), [Some(0)]);
    assert_eq!(taint_times(&one_zone, &["n1", "n2"]), [Some(0), Some(10)]);
    // No node of the cluster is ready: the control plane rather blames itself.
    assert_eq!(taint_times(&one_zone, &["n1", "n2", "n3"]), [None, None, None]);
    let apart = [("n1", "a"), ("n2", "b"), ("n3", "c")];
    assert_eq!(taint_times(&apart, &["n1", "n2"]), [Some(0), Some(0)]);
    let zones = [("n1", "a"), ("n2", "a"), ("n3", "a"), ("n4", "b")];
    assert_eq!(taint_times(&zones, &["n1", "n2", "n3"]), [Some(0), Some(10), Some(20)], "a whole zone");
    let partly = [("n1", "a"), ("n2", "a"), ("n3", "a"), ("n4", "a"), ("n5", "a")];
    assert_eq!(taint_times(&partly, &["n1", "n2", "n3"]), [None, None, None], "60 % of a small zone");
}

#[test]
fn cordons_become_taints() {
    let mut state = cluster(&[("n1", "a")]);
    let key = Key::cluster("n1");
    for cordoned in [true, false] {
        state.modify_value(Kind::Node, &key, |node| node["spec"]["unschedulable"] = json!(cordoned)).expect("there");
        run(&mut state, 1, &["n1"]);
        assert_eq!(tainted(&state, "n1", "node.kubernetes.io/unschedulable", "NoSchedule"), cordoned);
    }
}

#[test]
fn out_of_service_frees_what_terminates_on_a_lost_node() {
    let mut state = cluster(&[("n1", "a"), ("n2", "a")]);
    pod(&mut state, "db", "n1", json!({}));
    run(&mut state, 20, &["n1", "n2"]);
    run(&mut state, 70, &["n2"]);
    state.delete(Kind::Pod, &Key::new("shop", "db"), &DeleteOptions::default()).expect("there");
    run(&mut state, 60, &["n2"]);
    assert!(state.store.find(Kind::Pod, "shop", "db").is_some(), "nobody confirms the end");
    let taint = json!({ "key": "node.kubernetes.io/out-of-service", "value": "nodeshutdown", "effect": "NoExecute" });
    state
        .modify_value(Kind::Node, &Key::cluster("n1"), |node| {
            node["spec"]["taints"].as_array_mut().unwrap().push(taint)
        })
        .expect("there");
    let freed = when(&mut state, 30, &["n2"], |state| state.store.find(Kind::Pod, "shop", "db").is_none());
    assert!(freed.expect("freed") <= 20);
}

#[test]
fn pods_of_a_deleted_node_are_collected_after_the_quarantine() {
    let mut state = cluster(&[("n1", "a"), ("n2", "a")]);
    pod(&mut state, "web", "n1", json!({}));
    run(&mut state, 30, &["n1", "n2"]);
    state.delete(Kind::Node, &Key::cluster("n1"), &DeleteOptions::default()).expect("there");
    let gone = when(&mut state, 100, &["n2"], |state| state.store.find(Kind::Pod, "shop", "web").is_none());
    assert!((40..=61).contains(&gone.expect("gone")), "{gone:?}");
    assert!(reasons(&state, "default").contains(&"RemovingNode".to_owned()));
}
