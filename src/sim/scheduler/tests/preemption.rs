//! Room that is made for important pods: whose pods go, who waits for what, and what is told.

use serde_json::{Value, json};

use super::{cluster, cpu, lay_over, node, node_of, pod, run};
use crate::{Key, Kind, State};

/// A pod with a priority and CPUs, on a node unless that is empty. A negative priority is one that preempts nobody.
fn ranked(state: &mut State, name: &str, priority: i32, amount: &str, on: &str, extra: Value) {
    let class = format!("class{priority}").replace('-', "-never-");
    let policy = if priority < 0 { "Never" } else { "PreemptLowerPriority" };
    let object = json!({ "metadata": { "name": class }, "value": priority.abs(), "preemptionPolicy": policy });
    // It is there when another pod has it.
    drop(state.create(Kind::PriorityClass, object));
    let mut value = cpu(amount);
    value["spec"]["priorityClassName"] = json!(class);
    if !on.is_empty() {
        value["spec"]["nodeName"] = json!(on);
    }
    lay_over(&mut value, extra);
    pod(state, name, json!({ "app": name }), value);
}

fn ending(state: &State) -> Vec<String> {
    let pods = state.store.in_namespace(Kind::Pod, "shop").filter(|(_, pod)| pod.is_terminating());
    pods.map(|(key, _)| key.name.clone()).collect()
}

fn text(state: &State, name: &str, pointer: &str) -> String {
    state.store.find(Kind::Pod, "shop", name).expect("the pod is there").text(pointer).to_owned()
}

fn said(state: &State, name: &str) -> String {
    let pod = state.store.find(Kind::Pod, "shop", name).expect("the pod is there");
    pod.condition("PodScheduled").and_then(|known| known["message"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn a_lower_pod_goes_and_its_place_is_kept_for_who_waits() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    ranked(&mut state, "batch", 0, "3", "n1", json!({}));
    run(&mut state, 1);
    ranked(&mut state, "web", 1000, "3", "", json!({}));
    run(&mut state, 1);
    assert_eq!(ending(&state), ["batch"]);
    assert_eq!(text(&state, "web", "/status/nominatedNodeName"), "n1");
    assert_eq!(said(&state, "web"), "0/1 nodes are available: 1 Insufficient cpu.");
    let batch = state.store.find(Kind::Pod, "shop", "batch").expect("it ends with its grace");
    assert_eq!(batch.condition("DisruptionTarget").expect("why it ends")["reason"], "PreemptionByScheduler");
    let told = state.store.in_namespace(Kind::Event, "shop").filter(|(_, event)| event.text("/reason") == "Preempted");
    let uid = state.store.find(Kind::Pod, "shop", "web").expect("it waits").uid();
    let messages: Vec<_> = told.map(|(_, event)| event.text("/message").to_owned()).collect();
    assert_eq!(messages, [format!("Preempted by pod {uid} on node n1")]);
    // Its own successor, or anybody else of no more than its rank, gets nothing meanwhile.
    ranked(&mut state, "small", 0, "2", "", json!({}));
    run(&mut state, 1);
    state.remove(Kind::Pod, &Key::new("shop", "batch"));
    run(&mut state, 5);
    assert_eq!((node_of(&state, "web").as_str(), node_of(&state, "small").as_str()), ("n1", ""));
}

#[test]
fn who_may_not_preempt_or_finds_nobody_lower_says_so() {
    let none = "0/1 nodes are available: 1 Insufficient cpu. preemption: ";
    for (priority, victim, amount, expected) in [
        (-10, 5, "3", "not eligible due to preemptionPolicy=Never."),
        (5, 5, "3", "0/1 nodes are available: 1 No preemption victims found for incoming pod."),
        (10, 5, "9", "0/1 nodes are available: 1 Preemption is not helpful for scheduling."),
    ] {
        let mut state = cluster();
        node(&mut state, "n1", "a", json!({}));
        ranked(&mut state, "batch", victim, "3", "n1", json!({}));
        run(&mut state, 1);
        ranked(&mut state, "web", priority, amount, "", json!({}));
        run(&mut state, 1);
        assert_eq!((said(&state, "web"), ending(&state)), (format!("{none}{expected}"), vec![]));
    }
}

#[test]
fn pods_that_would_not_make_enough_room_are_spared() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    ranked(&mut state, "low", 0, "1", "n1", json!({}));
    ranked(&mut state, "high", 50, "3", "n1", json!({}));
    run(&mut state, 1);
    ranked(&mut state, "web", 10, "2", "", json!({}));
    run(&mut state, 1);
    let expected =
        "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Insufficient cpu.";
    assert_eq!((said(&state, "web"), ending(&state)), (expected.to_owned(), vec![]));
}

#[test]
fn the_node_that_costs_least_is_chosen() {
    let budget = |allowed: i32| {
        json!({
            "metadata": { "namespace": "shop", "name": "keep" },
            "spec": { "selector": { "matchLabels": { "app": "a" } }, "minAvailable": 1 },
            "status": { "disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1 },
        })
    };
    // Pods of n1 and n2, by name, priority and CPUs; whether a budget keeps `a`; who goes.
    let table: [(&[(&str, i32, &str)], &[(&str, i32, &str)], bool, &[&str]); 5] = [
        (&[("a", 2, "4")], &[("b", 1, "4")], false, &["b"]),
        (&[("a", 1, "2"), ("c", 1, "2")], &[("b", 1, "4")], false, &["b"]),
        (&[("a", 1, "4")], &[("b", 2, "4")], true, &["b"]),
        (&[("a", 1, "4")], &[("b", 100, "4")], true, &["a"]),
        (&[("a", 1, "2"), ("c", 2, "2")], &[("b", 100, "4")], false, &["a"]),
    ];
    for (first, second, kept, expected) in table {
        let mut state = cluster();
        for (name, pods) in [("n1", first), ("n2", second)] {
            node(&mut state, name, "a", json!({}));
            for (pod, priority, amount) in pods {
                ranked(&mut state, pod, *priority, amount, name, json!({}));
            }
        }
        run(&mut state, 1);
        if kept {
            state.create(Kind::PodDisruptionBudget, budget(0)).expect("a budget");
        }
        let priority = if expected == ["a"] && kept { 50 } else { 10 };
        let wanted = if first.len() == 2 && second[0].1 == 100 { "2" } else { "4" };
        ranked(&mut state, "web", priority, wanted, "", json!({}));
        run(&mut state, 1);
        assert_eq!(ending(&state), expected, "{first:?} {second:?}");
    }
}

#[test]
fn anti_affinity_of_a_lower_pod_is_a_reason_to_end_it() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    let away = json!({ "spec": { "affinity": { "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            { "topologyKey": "kubernetes.io/hostname", "labelSelector": { "matchLabels": { "app": "web" } } },
        ],
    } } } });
    ranked(&mut state, "shy", 0, "1", "n1", away);
    ranked(&mut state, "other", 0, "1", "n1", json!({}));
    run(&mut state, 1);
    ranked(&mut state, "web", 10, "1", "", json!({}));
    run(&mut state, 1);
    assert_eq!(ending(&state), ["shy"]);
}
