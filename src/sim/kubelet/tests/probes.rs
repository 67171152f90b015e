//! Readiness, liveness and startup over time, with real applications behind the probes.

use serde_json::{Value, json};

use super::*;

/// A web pod with these probes, and annotations of its application.
fn web(state: &mut State, annotations: &Value, probes: &Value) -> String {
    let mut container =
        json!({ "name": "main", "image": "web:1", "ports": [{ "name": "http", "containerPort": 8080 }] });
    json_patch::merge(&mut container, probes);
    pod(state, "web", annotations, &json!({ "containers": [container] }))
}

fn get(path: &str, period: u32, failures: u32) -> Value {
    json!({ "httpGet": { "path": path, "port": "http" }, "periodSeconds": period, "failureThreshold": failures })
}

#[test]
fn a_pod_is_ready_only_when_its_probe_passes() {
    for (handler, annotation) in [
        (json!({ "httpGet": { "path": "/readyz", "port": "http" } }), "unready-for"),
        (json!({ "exec": { "command": ["cat", "/tmp/ready"] } }), "unready-for"),
        (json!({ "tcpSocket": { "port": 8080 } }), "app-start"),
        (json!({ "grpc": { "port": 8080 } }), "app-start"),
    ] {
        let mut state = cluster();
        let mut probe = handler.clone();
        probe["periodSeconds"] = json!(1);
        let annotations = json!({ format!("embedded.driftproof.dev/{annotation}"): "6s" });
        let uid = web(&mut state, &annotations, &json!({ "readinessProbe": probe }));
        until(&mut state, 10.0, |state| runs(state, &uid));
        let took = until(&mut state, 20.0, |state| ready(state, "web"));
        assert!((6.0..8.3).contains(&took), "{handler}: {took}");
    }
}

#[test]
fn readiness_is_lost_after_failure_threshold_times_period_though_nobody_asked_meanwhile() {
    let mut state = cluster();
    let hang = json!({ "embedded.driftproof.dev/hang-after": "300s" });
    let uid = web(&mut state, &hang, &json!({ "readinessProbe": get("/readyz", 10, 3) }));
    until(&mut state, 20.0, |state| ready(state, "web"));
    let events = state.queue.next_at();
    assert!(events.is_some());
    until(&mut state, 5.0, |state| runs(state, &uid));
    run(&mut state, 290.0);
    assert!(ready(&state, "web"));
    let took = until(&mut state, 60.0, |state| !ready(state, "web"));
    assert!((20.0..45.0).contains(&took), "{took}");
    assert!(runs(&state, &uid), "readiness ends nothing");
    assert!(reasons(&state, "web").contains(&"Unhealthy".to_owned()));
}

#[test]
fn liveness_restarts_the_container() {
    let mut state = cluster();
    let ill = json!({ "embedded.driftproof.dev/unhealthy-after": "20s" });
    web(&mut state, &ill, &json!({ "livenessProbe": get("/healthz", 5, 2) }));
    until(&mut state, 10.0, |state| ready(state, "web"));
    let took = until(&mut state, 60.0, |state| restarts(state, "web") == 1);
    assert!((24.0..33.0).contains(&took), "{took}");
    assert!(reasons(&state, "web").contains(&"Killing".to_owned()));
}

#[test]
fn liveness_waits_for_startup_and_a_startup_that_never_passes_restarts() {
    for (threshold, restarted) in [(30, false), (5, true)] {
        let mut state = cluster();
        let late = json!({ "embedded.driftproof.dev/app-start": "12s" });
        let probes = json!({
            "startupProbe": get("/healthz", 1, threshold),
            "livenessProbe": get("/healthz", 1, 1),
            "readinessProbe": get("/readyz", 10, 3),
        });
        let uid = web(&mut state, &late, &probes);
        until(&mut state, 10.0, |state| runs(state, &uid));
        run(&mut state, 11.0);
        assert_eq!(status(&state, "web", "/containerStatuses/0/started"), false);
        run(&mut state, 3.0);
        assert_eq!(restarts(&state, "web") > 0, restarted, "threshold {threshold}");
        assert_eq!(ready(&state, "web"), !restarted, "readiness is asked as soon as startup has passed");
    }
}

#[test]
fn passing_probes_cost_no_events() {
    let mut state = cluster();
    let probes = json!({ "readinessProbe": get("/readyz", 1, 3), "livenessProbe": get("/healthz", 1, 3) });
    let uid = web(&mut state, &json!({}), &probes);
    until(&mut state, 10.0, |state| ready(state, "web"));
    run(&mut state, 5.0);
    let resting = |state: &State| {
        let slots = state.kubelet.workers[&uid].slots.iter();
        slots.flat_map(|slot| &slot.probes).all(|probe| probe.next.is_none())
    };
    assert!(resting(&state));
    run(&mut state, 100.0);
    assert!(resting(&state) && ready(&state, "web"));
}
