//! Owners deleted in each way, and what becomes of their dependents.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, cluster, create, delete, end_terminating, run, start_all, template};
use crate::{Key, Kind, State};

/// A ConfigMap that is owned by others.
fn map(state: &mut State, name: &str, owners: &[&str]) {
    let references: Vec<Value> = owners
        .iter()
        .map(|owner| {
            let uid = state.store.find(Kind::ConfigMap, NS, owner).expect("the owner exists").uid();
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid, "blockOwnerDeletion": true })
        })
        .collect();
    create(state, Kind::ConfigMap, json!({ "metadata": { "name": name, "ownerReferences": references } }));
}

fn maps(state: &State) -> Vec<String> {
    state.store.in_namespace(Kind::ConfigMap, NS).map(|(key, _)| key.name.clone()).collect()
}

fn finalizer(state: &mut State, name: &str, finalizer: &str) {
    state
        .modify_value(Kind::ConfigMap, &Key::new(NS, name), |map| map["metadata"]["finalizers"] = json!([finalizer]))
        .expect("the map exists");
}

#[test]
fn background_takes_dependents_when_the_last_owner_is_gone() {
    let mut state = cluster();
    for (name, owners) in
        [("a", &[] as &[&str]), ("b", &[]), ("of-a", &["a"]), ("of-both", &["a", "b"]), ("deep", &["of-a"])]
    {
        map(&mut state, name, owners);
    }
    delete(&mut state, Kind::ConfigMap, "a");
    run(&mut state, 1);
    assert_eq!(maps(&state), ["b", "of-both"]);
    let both = state.store.find(Kind::ConfigMap, NS, "of-both").expect("it stays").value().clone();
    assert_eq!(both["metadata"]["ownerReferences"].as_array().map(Vec::len), Some(1), "the dead owner is forgotten");
    delete(&mut state, Kind::ConfigMap, "b");
    run(&mut state, 1);
    assert_eq!(maps(&state), [] as [&str; 0]);
}

#[test]
fn foreground_waits_for_blocking_dependents() {
    let mut state = cluster();
    map(&mut state, "a", &[]);
    map(&mut state, "child", &["a"]);
    map(&mut state, "grandchild", &["child"]);
    finalizer(&mut state, "grandchild", "example.com/hold");
    finalizer(&mut state, "a", "foregroundDeletion");
    delete(&mut state, Kind::ConfigMap, "a");
    run(&mut state, 5);
    assert_eq!(maps(&state), ["a", "child", "grandchild"], "the grandchild's own finalizer holds all of them");
    state
        .modify_value(Kind::ConfigMap, &Key::new(NS, "grandchild"), |map| map["metadata"]["finalizers"] = json!([]))
        .expect("it exists");
    run(&mut state, 1);
    assert_eq!(maps(&state), [] as [&str; 0]);
}

#[test]
fn orphans_stay_without_their_owner() {
    let mut state = cluster();
    map(&mut state, "a", &[]);
    map(&mut state, "child", &["a"]);
    finalizer(&mut state, "a", "orphan");
    delete(&mut state, Kind::ConfigMap, "a");
    run(&mut state, 5);
    assert_eq!(maps(&state), ["child"]);
    let child = state.store.find(Kind::ConfigMap, NS, "child").expect("it stays").value().clone();
    assert_eq!(child["metadata"].get("ownerReferences"), None);
}

#[test]
fn an_owner_that_never_was_is_gone_too() {
    let mut state = cluster();
    let owner = json!({ "apiVersion": "v1", "kind": "ConfigMap", "name": "ghost", "uid": "no-such-uid" });
    create(&mut state, Kind::ConfigMap, json!({ "metadata": { "name": "child", "ownerReferences": [owner] } }));
    run(&mut state, 1);
    assert_eq!(maps(&state), [] as [&str; 0]);
}

#[test]
fn a_deleted_deployment_takes_its_pods_with_it() {
    let mut state = cluster();
    let spec =
        json!({ "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": template("web", "web:1") });
    create(&mut state, Kind::Deployment, json!({ "metadata": { "name": "web" }, "spec": spec }));
    run(&mut state, 1);
    start_all(&mut state, "worker-1");
    delete(&mut state, Kind::Deployment, "web");
    run(&mut state, 2);
    assert_eq!(state.store.in_namespace(Kind::ReplicaSet, NS).count(), 0);
    assert!(state.store.in_namespace(Kind::Pod, NS).all(|(_, pod)| pod.is_terminating()));
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(state.store.in_namespace(Kind::Pod, NS).count(), 0);
}
