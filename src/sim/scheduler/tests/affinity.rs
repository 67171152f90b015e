//! Affinity and anti-affinity between pods.

use serde_json::{Value, json};

use super::{cluster, node, outcome, pod};
use crate::{Kind, State};

const HOST: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

fn term(app: &str, topology: &str) -> Value {
    json!({ "topologyKey": topology, "labelSelector": { "matchLabels": { "app": app } } })
}

fn required(direction: &str, term: &Value) -> Value {
    json!({ "spec": { "affinity": { direction: { "requiredDuringSchedulingIgnoredDuringExecution": [term] } } } })
}

fn preferred(direction: &str, term: &Value) -> Value {
    let weighted = json!({ "weight": 100, "podAffinityTerm": term });
    json!({ "spec": { "affinity": { direction: { "preferredDuringSchedulingIgnoredDuringExecution": [weighted] } } } })
}

/// Two nodes in zone `a`, one in `b`; a pod `app: web` on `n1`.
fn with_web(extra: &Value) -> State {
    let mut state = cluster();
    for (name, zone) in [("n1", "a"), ("n2", "a"), ("n3", "b")] {
        node(&mut state, name, zone, json!({}));
    }
    let mut placed = extra.clone();
    placed["spec"]["nodeName"] = json!("n1");
    pod(&mut state, "web", json!({ "app": "web" }), placed);
    state
}

#[test]
fn required_terms_hold() {
    let mut state = with_web(&json!({}));
    let none = |reason: &str| format!("0/3 nodes are available: {reason}.");
    for (labels, extra, expected) in [
        ("x", required("podAffinity", &term("web", HOST)), "n1".to_owned()),
        ("x", required("podAntiAffinity", &term("web", ZONE)), "n3".to_owned()),
        ("x", required("podAffinity", &term("none", HOST)), none("3 node(s) didn't match pod affinity rules")),
        ("x", required("podAffinity", &term("web", "rack")), none("3 node(s) didn't match pod affinity rules")),
    ] {
        assert_eq!(outcome(&mut state, json!({ "app": labels }), extra.clone()), expected, "{extra}");
    }
    let first = outcome(&mut state, json!({ "app": "group" }), required("podAffinity", &term("group", HOST)));
    assert!(first.starts_with('n'), "the first of a group goes anywhere: {first}");
}

#[test]
fn placed_pods_keep_others_away() {
    let mut state = with_web(&required("podAntiAffinity", &term("noisy", ZONE)));
    assert_eq!(outcome(&mut state, json!({ "app": "noisy" }), json!({})), "n3");
    node_gone(&mut state, "n3");
    let expected = "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.";
    assert_eq!(outcome(&mut state, json!({ "app": "noisy" }), json!({})), expected);
}

fn node_gone(state: &mut State, name: &str) {
    state.remove(Kind::Node, &crate::Key::cluster(name));
}

#[test]
fn preferred_terms_draw_and_repel() {
    let mut state = with_web(&json!({}));
    assert_eq!(outcome(&mut state, json!({}), preferred("podAffinity", &term("web", HOST))), "n1");
    assert_eq!(outcome(&mut state, json!({}), preferred("podAntiAffinity", &term("web", ZONE))), "n3");
}

#[test]
fn namespaces_are_named_or_selected() {
    let mut state = with_web(&json!({}));
    let labels = json!({ "metadata": { "name": "other", "labels": { "team": "b" } } });
    state.create(Kind::Namespace, labels).expect("a namespace");
    let placed = json!({ "metadata": { "namespace": "other" }, "spec": { "nodeName": "n2" } });
    pod(&mut state, "db", json!({ "app": "db" }), placed);
    let mut near = term("db", HOST);
    for (namespaces, selector, expected) in [
        (json!(["other"]), Value::Null, "n2"),
        (Value::Null, json!({ "matchLabels": { "team": "b" } }), "n2"),
        (Value::Null, json!({}), "n1"),
        (Value::Null, Value::Null, "0/3 nodes are available: 3 node(s) didn't match pod affinity rules."),
    ] {
        near["namespaces"] = namespaces;
        near["namespaceSelector"] = selector.clone();
        if selector == json!({}) {
            // An empty selector means every namespace that exists: `shop` has no object here.
            near["labelSelector"]["matchLabels"]["app"] = json!("web");
            state.create(Kind::Namespace, json!({ "metadata": { "name": "shop" } })).expect("a namespace");
        }
        assert_eq!(outcome(&mut state, json!({}), required("podAffinity", &near)), expected, "{near}");
        near["labelSelector"]["matchLabels"]["app"] = json!("db");
    }
}
