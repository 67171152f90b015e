//! Topology spread.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{cluster, node, node_of, outcome, pod, run};
use crate::{Kind, State};

const ZONE: &str = "topology.kubernetes.io/zone";

fn zones() -> State {
    let mut state = cluster();
    for (name, zone) in [("n1", "a"), ("n2", "b"), ("n3", "c")] {
        node(&mut state, name, zone, json!({}));
    }
    state
}

fn constraint(extra: Value) -> Value {
    let mut constraint = json!({
        "maxSkew": 1, "topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": { "matchLabels": { "app": "web" } },
    });
    super::lay_over(&mut constraint, extra);
    json!({ "spec": { "topologySpreadConstraints": [constraint] } })
}

fn place(state: &mut State, name: &str, node: &str) {
    pod(state, name, json!({ "app": "web" }), json!({ "spec": { "nodeName": node } }));
}

#[test]
fn hard_constraints_bound_the_skew() {
    let mut state = zones();
    place(&mut state, "w1", "n1");
    place(&mut state, "w2", "n2");
    let web = json!({ "app": "web" });
    assert_eq!(outcome(&mut state, web.clone(), constraint(json!({}))), "n3");
    state
        .modify_value(Kind::Node, &crate::Key::cluster("n3"), |node| node["spec"]["unschedulable"] = json!(true))
        .expect("there");
    run(&mut state, 1);
    // The cordoned node's empty zone still counts, unless taints are honoured.
    let stuck = outcome(&mut state, web.clone(), constraint(json!({})));
    assert_eq!(
        stuck,
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints."
    );
    let honoured = outcome(&mut state, web.clone(), constraint(json!({ "nodeTaintsPolicy": "Honor" })));
    assert!(["n1", "n2"].contains(&honoured.as_str()), "{honoured}");
    let wide = outcome(&mut state, web.clone(), constraint(json!({ "maxSkew": 2 })));
    assert!(["n1", "n2"].contains(&wide.as_str()), "{wide}");
    let unlabelled = outcome(&mut state, web, constraint(json!({ "topologyKey": "rack" })));
    assert!(unlabelled.contains("(missing required label)"), "{unlabelled}");
}

#[test]
fn too_few_domains_count_as_an_empty_one() {
    let mut state = zones();
    for (index, node) in ["n1", "n2", "n3"].into_iter().enumerate() {
        place(&mut state, &format!("w{index}"), node);
    }
    let web = json!({ "app": "web" });
    assert!(outcome(&mut state, web.clone(), constraint(json!({ "minDomains": 3 }))).starts_with('n'));
    assert!(outcome(&mut state, web, constraint(json!({ "minDomains": 4 }))).starts_with("0/3"));
}

#[test]
fn soft_constraints_only_prefer() {
    let mut state = zones();
    place(&mut state, "w1", "n1");
    place(&mut state, "w2", "n3");
    let soft = constraint(json!({ "whenUnsatisfiable": "ScheduleAnyway" }));
    assert_eq!(outcome(&mut state, json!({ "app": "web" }), soft), "n2");
}

#[test]
fn pods_of_one_owner_are_spread_without_being_asked() {
    let mut state = zones();
    let labels = json!({ "app": "web" });
    let template =
        json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "c", "image": "web:1" }] } });
    let set = json!({
        "metadata": { "name": "web", "namespace": "shop" },
        "spec": { "replicas": 6, "selector": { "matchLabels": labels }, "template": template },
    });
    state.create(Kind::ReplicaSet, set).expect("a set");
    run(&mut state, 5);
    let mut by_node: BTreeMap<String, usize> = BTreeMap::new();
    let names: Vec<_> = state.store.in_namespace(Kind::Pod, "shop").map(|(key, _)| key.name.clone()).collect();
    for name in names {
        *by_node.entry(node_of(&state, &name)).or_default() += 1;
    }
    assert_eq!(by_node.into_values().collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn an_empty_selector_counts_nobody() {
    let mut state = cluster();
    for name in ["n1", "n2"] {
        node(&mut state, name, "a", json!({}));
    }
    let spread = json!({ "spec": { "topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {},
    }] } });
    for index in 0..5 {
        pod(&mut state, &format!("p{index}"), json!({}), spread.clone());
        run(&mut state, 1);
        assert!(!super::node_of(&state, &format!("p{index}")).is_empty(), "{index}");
    }
}
