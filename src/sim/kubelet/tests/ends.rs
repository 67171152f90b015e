//! Graceful ends, SIGKILL at the end of the grace, force deletion.

use serde_json::json;

use super::*;

/// A pod that takes this long from SIGTERM to its end.
fn slow(state: &mut State, stop: &str, spec: &serde_json::Value) -> String {
    let uid = pod(state, "web", &json!({ "embedded.driftproof.dev/app-stop": stop }), spec);
    until(state, 10.0, |state| ready(state, "web"));
    uid
}

#[test]
fn a_pod_is_gone_soon_after_its_process_or_at_the_end_of_its_grace() {
    let hook = |handler| main(&json!({ "lifecycle": { "preStop": handler } }));
    let sleep = hook(json!({ "sleep": { "seconds": 4 } }));
    let long_sleep = hook(json!({ "sleep": { "seconds": 30 } }));
    for (stop, spec, grace, wanted) in [
        ("1s", json!({}), None, 1.0),
        ("60s", json!({}), None, 30.0),
        ("60s", json!({ "terminationGracePeriodSeconds": 5 }), None, 5.0),
        ("60s", json!({}), Some(3), 3.0),
        ("1s", sleep, None, 5.0),
        // A hook that uses up the grace leaves two seconds for SIGTERM.
        ("60s", long_sleep, None, 32.0),
    ] {
        let mut state = cluster();
        slow(&mut state, stop, &spec);
        delete(&mut state, "web", grace);
        let took = until(&mut state, 100.0, |state| !exists(state, "web"));
        assert!((wanted + 0.4..wanted + 0.8).contains(&took), "{stop} {spec} {grace:?}: {took}");
    }
}

#[test]
fn a_terminating_pod_stays_ready_until_its_container_ends() {
    let mut state = cluster();
    let uid = slow(&mut state, "60s", &json!({}));
    delete(&mut state, "web", None);
    run(&mut state, 29.0);
    assert!(ready(&state, "web") && runs(&state, &uid));
    until(&mut state, 2.0, |state| !ready(state, "web"));
    assert_eq!(status(&state, "web", "/containerStatuses/0/state/terminated/exitCode"), 137);
    until(&mut state, 1.0, |state| !exists(state, "web"));
}

#[test]
fn a_second_deletion_shortens_the_grace() {
    let mut state = cluster();
    slow(&mut state, "60s", &json!({}));
    delete(&mut state, "web", None);
    run(&mut state, 5.0);
    delete(&mut state, "web", Some(2));
    let took = until(&mut state, 10.0, |state| !exists(state, "web"));
    assert!((2.4..2.8).contains(&took), "{took}");
}

#[test]
fn after_a_force_deletion_the_process_has_two_seconds() {
    let mut state = cluster();
    let uid = slow(&mut state, "60s", &json!({}));
    delete(&mut state, "web", Some(0));
    assert!(!exists(&state, "web") && runs(&state, &uid));
    let took = until(&mut state, 5.0, |state| !runs(state, &uid));
    assert!((2.0..2.2).contains(&took), "{took}");
    run(&mut state, 1.0);
    assert!(state.kubelet.sandboxes.is_empty() && state.kubelet.workers.is_empty());
}

#[test]
fn a_pod_deleted_before_its_start_is_confirmed_at_once() {
    let mut state = cluster();
    pod(&mut state, "web", &json!({ "embedded.driftproof.dev/image-size": "9Gi" }), &json!({}));
    run(&mut state, 2.0);
    delete(&mut state, "web", None);
    until(&mut state, 1.0, |state| !exists(state, "web"));
    assert_eq!(reasons(&state, "web"), ["Pulling"]);
}

#[test]
fn sidecars_end_after_the_others() {
    let mut state = cluster();
    let proxy = json!({ "initContainers": [{ "name": "proxy", "image": "web:1", "restartPolicy": "Always" }] });
    let uid = slow(&mut state, "3s", &proxy);
    delete(&mut state, "web", None);
    run(&mut state, 3.5);
    assert_eq!(super::super::container::running(&state, &uid), ["proxy"]);
    until(&mut state, 4.0, |state| !exists(state, "web"));
}
