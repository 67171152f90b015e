//! Budgets in, allowed disruptions out.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, delete, pods, run, start, template};
use crate::{Key, Kind, State};

fn web(state: &mut State, replicas: i32, ready: usize) {
    let spec = json!({
        "replicas": replicas, "selector": { "matchLabels": { "app": "web" } }, "template": template("web", "web:1"),
    });
    create(state, Kind::Deployment, json!({ "metadata": { "name": "web" }, "spec": spec }));
    run(state, 1);
    for name in pods(state).into_iter().take(ready) {
        start(state, &name, "worker-1");
    }
}

fn budget(state: &mut State, mut spec: Value) {
    spec["selector"] = json!({ "matchLabels": { "app": "web" } });
    create(state, Kind::PodDisruptionBudget, json!({ "metadata": { "name": "web" }, "spec": spec }));
    run(state, 1);
}

/// expected, desired, healthy, allowed.
fn counts(state: &State) -> [i64; 4] {
    let status = at(state, Kind::PodDisruptionBudget, "web", "/status");
    ["expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"]
        .map(|field| status[field].as_i64().unwrap_or(-1))
}

#[test]
fn arithmetic() {
    let table = [
        (json!({ "minAvailable": 2 }), 3, 3, [3, 2, 3, 1]),
        (json!({ "minAvailable": 3 }), 3, 3, [3, 3, 3, 0]),
        (json!({ "minAvailable": 2 }), 3, 1, [3, 2, 1, 0]),
        (json!({ "minAvailable": "50%" }), 5, 5, [5, 3, 5, 2]),
        (json!({ "maxUnavailable": 1 }), 3, 3, [3, 2, 3, 1]),
        (json!({ "maxUnavailable": "30%" }), 5, 5, [5, 3, 5, 2]),
        (json!({ "maxUnavailable": 0 }), 3, 3, [3, 3, 3, 0]),
        (json!({ "maxUnavailable": 5 }), 3, 3, [3, 0, 3, 3]),
        (json!({ "minAvailable": 0 }), 0, 0, [0, 0, 0, 0]),
    ];
    for (spec, replicas, ready, expected) in table {
        let mut state = cluster();
        web(&mut state, replicas, ready);
        budget(&mut state, spec.clone());
        assert_eq!(counts(&state), expected, "{spec} with {ready} of {replicas} ready");
        let condition = at(&state, Kind::PodDisruptionBudget, "web", "/status/conditions/0/reason");
        assert_eq!(condition, if expected[3] > 0 { "SufficientPods" } else { "InsufficientPods" });
    }
}

#[test]
fn a_terminating_pod_is_no_longer_healthy() {
    let mut state = cluster();
    web(&mut state, 3, 3);
    budget(&mut state, json!({ "minAvailable": 2 }));
    let victim = pods(&state).remove(0);
    delete(&mut state, Kind::Pod, &victim);
    run(&mut state, 1);
    assert_eq!(counts(&state), [4, 2, 2, 0], "the replacement is not ready yet");
    assert_eq!(at(&state, Kind::PodDisruptionBudget, "web", "/status/observedGeneration"), 1);
}

#[test]
fn a_granted_eviction_counts_until_it_is_overdue() {
    let mut state = cluster();
    web(&mut state, 3, 3);
    budget(&mut state, json!({ "minAvailable": 2 }));
    let victim = pods(&state).remove(0);
    let now = json!(state.time());
    state
        .modify_value(Kind::PodDisruptionBudget, &Key::new(NS, "web"), |budget| {
            budget["status"]["disruptedPods"] = json!({ victim: now, "gone": now });
        })
        .expect("the budget exists");
    run(&mut state, 60);
    assert_eq!(counts(&state), [3, 2, 2, 0]);
    let disrupted = at(&state, Kind::PodDisruptionBudget, "web", "/status/disruptedPods");
    assert_eq!(disrupted.as_object().map(serde_json::Map::len), Some(1), "{disrupted}");
    run(&mut state, 70);
    assert_eq!(counts(&state), [3, 2, 3, 1]);
}

#[test]
fn what_has_no_scale_fails_safe() {
    let mut state = cluster();
    let mut pod = template("web", "web:1");
    pod["metadata"]["name"] = json!("a");
    let spec = json!({ "selector": { "matchLabels": { "app": "web" } }, "template": template("web", "web:1") });
    create(&mut state, Kind::DaemonSet, json!({ "metadata": { "name": "web" }, "spec": spec }));
    let uid = at(&state, Kind::DaemonSet, "web", "/metadata/uid");
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "web", "uid": uid, "controller": true,
    }]);
    create(&mut state, Kind::Pod, pod);
    budget(&mut state, json!({ "maxUnavailable": 1 }));
    assert_eq!(counts(&state)[3], 0);
    assert_eq!(at(&state, Kind::PodDisruptionBudget, "web", "/status/conditions/0/reason"), "SyncFailed");
}

#[test]
fn budgets_that_ask_for_no_label_still_follow_their_pods() {
    for selector in [json!({}), json!({ "matchExpressions": [{ "key": "app", "operator": "Exists" }] })] {
        let mut state = cluster();
        let spec = json!({ "selector": selector, "minAvailable": 1 });
        create(&mut state, Kind::PodDisruptionBudget, json!({ "metadata": { "name": "web" }, "spec": spec }));
        web(&mut state, 2, 2);
        run(&mut state, 1);
        assert_eq!(counts(&state), [2, 1, 2, 1], "{selector}");
    }
}
