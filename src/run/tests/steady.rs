//! The rule of the steady state as a table: what is missing, and how it is named.

use std::time::Duration;

use k8s_openapi::serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::evidence::{Change, WorkloadSeen};

use crate::scenario::{FaultKind, PodSet, Selector};

use super::super::observe::{Answers, Board, Picture};
use super::super::steady::{judge, strength};
use super::fake::scenario;

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("an object")
}

fn pod(picture: &mut Picture, name: &str, node: &str, ready: &str, deleted: bool) {
    let deletion = deleted.then_some("2026-01-01T00:00:00Z");
    let owner =
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "rs", "controller": true });
    let pod = read(json!({
        "metadata": { "name": name, "namespace": "shop", "uid": name, "ownerReferences": [owner], "deletionTimestamp": deletion },
        "spec": { "nodeName": node, "containers": [] },
        "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
    }));
    picture.pod(Change::Modified, pod);
}

fn node(picture: &mut Picture, name: &str, ready: &str) {
    let status = json!({ "conditions": [{ "type": "Ready", "status": ready, "reason": "R" }] });
    picture.node(Change::Modified, &read(json!({ "metadata": { "name": name, "uid": name }, "status": status })));
}

fn slice(picture: &mut Picture, ready: &[(&str, bool)]) {
    let endpoint = |(name, ready): &(&str, bool)| json!({ "addresses": [name], "targetRef": { "name": name }, "conditions": { "ready": ready } });
    let endpoints: Vec<Value> = ready.iter().map(endpoint).collect();
    let slice =
        read(json!({ "metadata": { "name": "web-a", "uid": "s" }, "addressType": "IPv4", "endpoints": endpoints }));
    picture.slice(Change::Modified, &("shop".to_owned(), "web".to_owned()), &slice);
}

fn workload(desired: u32, observed: i64) -> WorkloadSeen {
    WorkloadSeen { workload: "deployment/web".into(), desired, generation: 2, observed, ..WorkloadSeen::default() }
}

/// Pod `web-b`, which waits for a gate.
fn gated() -> k8s_openapi::api::core::v1::Pod {
    let owner =
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "rs", "controller": true });
    read(json!({
        "metadata": { "name": "web-b", "namespace": "shop", "uid": "web-b", "ownerReferences": [owner] },
        "spec": { "containers": [], "schedulingGates": [{ "name": "example.com/later" }] },
        "status": { "phase": "Pending" },
    }))
}

/// Pod `web-b`, whose claim has no volume.
fn unprovisioned() -> k8s_openapi::api::core::v1::Pod {
    let owner =
        json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "rs", "controller": true });
    let volume = json!({ "name": "data", "persistentVolumeClaim": { "claimName": "d" } });
    read(json!({
        "metadata": { "name": "web-b", "namespace": "shop", "uid": "web-b", "ownerReferences": [owner] },
        "spec": { "containers": [], "volumes": [volume] },
        "status": { "phase": "Pending" },
    }))
}

/// What is wrong.
type Harm = fn(&mut Picture);

/// Two pods on two nodes, all well.
fn well(picture: &mut Picture) {
    picture.replica_set("rs", "web".to_owned());
    picture.workload(workload(2, 2));
    node(picture, "worker-1", "True");
    node(picture, "worker-2", "True");
    pod(picture, "web-a", "worker-1", "True", false);
    pod(picture, "web-b", "worker-2", "True", false);
    slice(picture, &[("web-a", true), ("web-b", true)]);
    picture.probes = vec![Answers::default()];
    picture.probes[0].take(Duration::from_secs(1), None);
}

#[test]
fn what_is_missing_is_named() {
    let half = "1 of 2 pods of deployment/web in shop are ready: ";
    let not_ready_node = format!("{half}web-b is on worker-2, which is not Ready (R)");
    let cases: [(&str, Harm, &str); 14] = [
        ("all is well", |_| {}, ""),
        ("a pod is not ready", |p| pod(p, "web-b", "worker-2", "False", false), "web-b is Running, not Ready"),
        ("a terminating pod that says Ready", |p| pod(p, "web-b", "worker-2", "True", true), "1 terminating"),
        ("its node is lost", |p| node(p, "worker-2", "Unknown"), &not_ready_node),
        (
            "one more is wanted",
            |p| drop(p.workload(workload(3, 2))),
            "2 of 3 pods of deployment/web in shop are ready: 1 is not there",
        ),
        (
            "its owner may not create it",
            |p| {
                p.workload(workload(3, 2));
                p.event(&read(json!({
                    "metadata": {},
                    "involvedObject": { "kind": "ReplicaSet", "name": "web-1", "uid": "rs" },
                    "type": "Warning",
                    "reason": "FailedCreate",
                    "message": "pods \"web-\" is forbidden: no PriorityClass with name gold was found",
                })));
            },
            "2 of 3 pods of deployment/web in shop are ready: 1 pod cannot be created, ReplicaSet/web-1: pods \"web-\" is forbidden: no PriorityClass with name gold was found",
        ),
        (
            "a gate keeps it from being scheduled",
            |p| {
                p.pod(Change::Modified, gated());
            },
            "web-b is Pending: its scheduling gate example.com/later is not lifted",
        ),
        (
            "its claim's class is not there",
            |p| {
                p.pod(Change::Modified, unprovisioned());
                p.event(&read(json!({
                    "metadata": {},
                    "involvedObject": { "kind": "PersistentVolumeClaim", "name": "d", "uid": "d" },
                    "type": "Warning",
                    "reason": "ProvisioningFailed",
                    "message": "storageclass.storage.k8s.io \"gold\" not found",
                })));
            },
            "web-b is Pending: claim d has no volume (ProvisioningFailed: storageclass.storage.k8s.io \"gold\" not found)",
        ),
        (
            "a change is not taken up",
            |p| drop(p.workload(workload(2, 1))),
            "the last change of deployment/web in shop was not taken up yet",
        ),
        ("nothing is wanted", |p| drop(p.workload(workload(0, 2))), "deployment/web in shop wants no pods"),
        (
            "an endpoint is not ready",
            |p| slice(p, &[("web-a", true), ("web-b", false)]),
            "1 of 2 endpoints of service shop/web are ready",
        ),
        ("an endpoint is missing", |p| slice(p, &[("web-a", true)]), "1 of 2 endpoints of service shop/web are ready"),
        (
            "a probe fails",
            |p| assert!(p.probes[0].take(Duration::from_secs(2), Some("timeout".into()))),
            "probe reads fails: timeout",
        ),
        (
            "a watch is broken",
            |p| drop(p.blind.insert("pods in shop".into(), "away".into())),
            "pods in shop cannot be observed: away",
        ),
    ];
    for (what, change, expected) in cases {
        let board = Board::new(&scenario());
        board.change(well);
        board.change(|picture| picture.strength = Some(strength(picture)));
        board.change(change);
        let judged = board.look(|picture| judge(&scenario(), picture)).err().unwrap_or_default();
        if expected.is_empty() {
            assert_eq!(judged, "", "{what}");
        } else {
            assert!(judged.contains(expected), "{what}: {judged}");
        }
    }
}

#[test]
fn pods_that_a_fault_names_beside_the_target_are_awaited() {
    let mut named = scenario();
    let FaultKind::PodKill(kill) = &mut named.faults[0].kind else { panic!("a pod-kill") };
    kill.pods = Some(PodSet { namespace: None, workload: None, selector: Some(Selector("app=cache".to_owned())) });
    let cache = |picture: &mut Picture, name: &str, owner: &str, ready: &str| {
        let owner = json!({ "apiVersion": "apps/v1", "kind": owner, "name": "c", "uid": "c", "controller": true });
        let pod = read(json!({
            "metadata": { "name": name, "namespace": "shop", "uid": name, "labels": { "app": "cache" }, "ownerReferences": [owner] },
            "spec": { "nodeName": "worker-1", "containers": [] },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
        }));
        picture.pod(Change::Modified, pod);
    };
    let judged = |board: &Board| board.look(|picture| judge(&named, picture)).err().unwrap_or_default();
    let board = Board::new(&named);
    board.change(well);
    assert_eq!(judged(&board), "", "none is there: the plan says so, at once");
    board.change(|picture| cache(picture, "cache-1", "StatefulSet", "False"));
    let missing = "0 of 1 pods that a fault names beside the target are ready: cache-1 is Running, not Ready";
    assert!(judged(&board).starts_with(missing), "{}", judged(&board));
    board.change(|picture| cache(picture, "cache-1", "StatefulSet", "True"));
    board.change(|picture| cache(picture, "once", "Job", "True"));
    assert_eq!(judged(&board), "");
    board.change(|picture| picture.strength = Some(strength(picture)));
    board.change(|picture| drop(picture.pod_lost("once")));
    assert_eq!(judged(&board), "", "a Job's pod comes to an end");
    board.change(|picture| drop(picture.pod_lost("cache-1")));
    assert!(judged(&board).contains("0 of 1 pods that a fault names"), "{}", judged(&board));
}

#[test]
fn a_surplus_pod_makes_up_for_one_that_is_leaving() {
    let board = Board::new(&scenario());
    board.change(well);
    board.change(|picture| pod(picture, "web-b", "worker-2", "True", true));
    board.change(|picture| pod(picture, "web-c", "worker-1", "True", false));
    assert_eq!(board.look(|picture| judge(&scenario(), picture)), Ok(()));
}
