//! Deployments step by step, with ready pods reported by hand.

use serde_json::{Value, json};

use crate::controllers::testing::{NS, at, cluster, create, delete, end_terminating, pods, run, start_all, template};
use crate::{Key, Kind, State};

fn deployment(state: &mut State, replicas: i32, strategy: &Value) {
    let spec = json!({
        "replicas": replicas, "selector": { "matchLabels": { "app": "web" } }, "strategy": strategy,
        "template": template("web", "web:1"), "progressDeadlineSeconds": 600, "revisionHistoryLimit": 2,
    });
    create(state, Kind::Deployment, json!({ "metadata": { "name": "web" }, "spec": spec }));
}

fn change(state: &mut State, pointer: &str, value: Value) {
    state
        .modify_value(Kind::Deployment, &Key::new(NS, "web"), |deployment| {
            let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
            deployment.pointer_mut(parent).expect("the parent exists")[field] = value;
        })
        .expect("the deployment exists");
}

fn set_image(state: &mut State, image: &str) {
    change(state, "/spec/template/spec/containers/0/image", json!(image));
}

/// `image:spec.replicas` of each ReplicaSet in the order of revisions.
fn sizes(state: &State) -> Vec<String> {
    let mut sets: Vec<_> = state
        .store
        .in_namespace(Kind::ReplicaSet, NS)
        .map(|(_, set)| {
            let revision: i64 =
                set.annotation("deployment.kubernetes.io/revision").and_then(|text| text.parse().ok()).unwrap_or(0);
            let image = set.text("/spec/template/spec/containers/0/image");
            (revision, format!("{image}={}", set.value()["spec"]["replicas"]))
        })
        .collect();
    sets.sort();
    sets.into_iter().map(|(_, text)| text).collect()
}

fn condition(state: &State, kind: &str) -> String {
    let conditions = at(state, Kind::Deployment, "web", "/status/conditions");
    let found = conditions.as_array().into_iter().flatten().find(|condition| condition["type"] == kind);
    found.map_or_else(String::new, |condition| {
        format!("{} {}", condition["status"].as_str().unwrap_or(""), condition["reason"].as_str().unwrap_or(""))
    })
}

/// Runs until nothing changes any more, starting and ending pods; the sizes seen on the way, without repetition.
fn roll(state: &mut State) -> Vec<Vec<String>> {
    let mut seen = vec![sizes(state)];
    for _ in 0..30 {
        run(state, 1);
        let now = sizes(state);
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        start_all(state, "worker-1");
        end_terminating(state);
    }
    seen
}

#[test]
fn a_deployment_becomes_available() {
    let mut state = cluster();
    deployment(&mut state, 3, &json!({}));
    run(&mut state, 1);
    assert_eq!(pods(&state).len(), 3);
    assert_eq!(condition(&state, "Available"), "False MinimumReplicasUnavailable");
    assert_eq!(condition(&state, "Progressing"), "True ReplicaSetUpdated");
    start_all(&mut state, "worker-1");
    run(&mut state, 1);
    assert_eq!(condition(&state, "Available"), "True MinimumReplicasAvailable");
    assert_eq!(condition(&state, "Progressing"), "True NewReplicaSetAvailable");
    let status = at(&state, Kind::Deployment, "web", "/status");
    for field in ["replicas", "readyReplicas", "availableReplicas", "updatedReplicas"] {
        assert_eq!(status[field], 3, "{field}");
    }
    assert_eq!(status["observedGeneration"], at(&state, Kind::Deployment, "web", "/metadata/generation"));
    let set = state.store.in_namespace(Kind::ReplicaSet, NS).next().expect("one set").1.clone();
    let hash = set.label("pod-template-hash").expect("a hash").to_owned();
    assert_eq!(set.text("/metadata/name"), format!("web-{hash}"));
    let version = state.store.version();
    run(&mut state, 3600);
    assert_eq!(state.store.version(), version, "nothing happens to a settled Deployment");
}

#[test]
fn a_terminating_pod_is_replaced_at_once() {
    let mut state = cluster();
    deployment(&mut state, 2, &json!({}));
    run(&mut state, 1);
    start_all(&mut state, "worker-1");
    run(&mut state, 1);
    let victim = pods(&state).remove(0);
    delete(&mut state, Kind::Pod, &victim);
    run(&mut state, 1);
    assert_eq!(pods(&state).len(), 3, "the old one still ends while the new one is there");
    assert_eq!(at(&state, Kind::Deployment, "web", "/status/replicas"), 2);
}

#[test]
fn rolling_updates_stay_within_their_limits() {
    let limits = |surge: Value, unavailable: Value| json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } });
    let table = [
        ("surge of one", limits(json!(1), json!(0)), 1, 4),
        ("one unavailable", limits(json!(0), json!(1)), 0, 3),
        ("a quarter each", limits(json!("25%"), json!("25%")), 1, 3),
    ];
    for (name, strategy, surge, floor) in table {
        let mut state = cluster();
        deployment(&mut state, 4, &strategy);
        roll(&mut state);
        set_image(&mut state, "web:2");
        for _ in 0..40 {
            run(&mut state, 1);
            let active = state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| !pod.is_terminating());
            let (count, ready) = active.fold((0, 0), |(count, ready), (_, pod)| {
                (count + 1, ready + usize::from(super::super::pod::is_ready(pod)))
            });
            assert!(count <= 4 + surge, "{name}: {count} pods");
            assert!(ready >= floor, "{name}: {ready} ready");
            start_all(&mut state, "worker-1");
            end_terminating(&mut state);
        }
        assert_eq!(sizes(&state), ["web:1=0", "web:2=4"], "{name}");
        assert_eq!(condition(&state, "Progressing"), "True NewReplicaSetAvailable");
        assert_eq!(
            at(&state, Kind::Deployment, "web", "/metadata/annotations/deployment.kubernetes.io~1revision"),
            "2"
        );
    }
}

#[test]
fn the_steps_of_one_surge_and_none_unavailable() {
    let mut state = cluster();
    deployment(&mut state, 2, &json!({ "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } }));
    roll(&mut state);
    set_image(&mut state, "web:2");
    let steps = roll(&mut state);
    let last = steps.last().expect("a step");
    assert_eq!(last, &["web:1=0", "web:2=2"]);
    assert_eq!(steps[1], ["web:1=2", "web:2=1"]);
}

#[test]
fn recreate_waits_for_the_last_old_pod() {
    let mut state = cluster();
    deployment(&mut state, 2, &json!({ "type": "Recreate" }));
    roll(&mut state);
    set_image(&mut state, "web:2");
    run(&mut state, 20);
    assert_eq!(sizes(&state), ["web:1=0"]);
    assert_eq!(pods(&state).len(), 2, "both are terminating");
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(sizes(&state), ["web:1=0", "web:2=2"]);
}

#[test]
fn a_rollback_reuses_its_replica_set() {
    let mut state = cluster();
    deployment(&mut state, 1, &json!({}));
    roll(&mut state);
    set_image(&mut state, "web:2");
    roll(&mut state);
    set_image(&mut state, "web:1");
    roll(&mut state);
    assert_eq!(sizes(&state), ["web:2=0", "web:1=1"]);
    let history: Vec<_> = state
        .store
        .in_namespace(Kind::ReplicaSet, NS)
        .filter_map(|(_, set)| set.annotation("deployment.kubernetes.io/revision-history").map(ToOwned::to_owned))
        .collect();
    assert_eq!(history, ["1"]);
}

#[test]
fn history_is_limited() {
    let mut state = cluster();
    deployment(&mut state, 1, &json!({}));
    for image in ["web:1", "web:2", "web:3", "web:4", "web:5"] {
        set_image(&mut state, image);
        roll(&mut state);
    }
    assert_eq!(sizes(&state), ["web:3=0", "web:4=0", "web:5=1"]);
}

#[test]
fn a_stuck_rollout_misses_its_deadline() {
    let mut state = cluster();
    deployment(&mut state, 1, &json!({}));
    run(&mut state, 590);
    assert_eq!(condition(&state, "Progressing"), "True ReplicaSetUpdated");
    run(&mut state, 20);
    assert_eq!(condition(&state, "Progressing"), "False ProgressDeadlineExceeded");
    start_all(&mut state, "worker-1");
    run(&mut state, 1);
    assert_eq!(condition(&state, "Progressing"), "True NewReplicaSetAvailable");
}

#[test]
fn a_paused_deployment_scales_but_does_not_roll() {
    let mut state = cluster();
    deployment(&mut state, 2, &json!({}));
    roll(&mut state);
    change(&mut state, "/spec/paused", json!(true));
    set_image(&mut state, "web:2");
    change(&mut state, "/spec/replicas", json!(4));
    roll(&mut state);
    assert_eq!(sizes(&state), ["web:1=4"]);
    assert_eq!(condition(&state, "Progressing"), "Unknown DeploymentPaused");
    change(&mut state, "/spec/paused", json!(false));
    roll(&mut state);
    assert_eq!(sizes(&state), ["web:1=0", "web:2=4"]);
}

#[test]
fn scaling_in_the_middle_keeps_the_mixture() {
    let mut state = cluster();
    deployment(&mut state, 10, &json!({ "rollingUpdate": { "maxSurge": 3, "maxUnavailable": 2 } }));
    roll(&mut state);
    set_image(&mut state, "web:2");
    run(&mut state, 1);
    assert_eq!(sizes(&state), ["web:1=8", "web:2=5"]);
    change(&mut state, "/spec/replicas", json!(15));
    run(&mut state, 1);
    assert_eq!(sizes(&state), ["web:1=11", "web:2=7"], "as in the Kubernetes documentation");
}

#[test]
fn min_ready_seconds_delay_availability() {
    let mut state = cluster();
    deployment(&mut state, 1, &json!({}));
    change(&mut state, "/spec/minReadySeconds", json!(30));
    run(&mut state, 1);
    start_all(&mut state, "worker-1");
    run(&mut state, 20);
    assert_eq!(at(&state, Kind::Deployment, "web", "/status/readyReplicas"), 1);
    assert_eq!(at(&state, Kind::Deployment, "web", "/status/availableReplicas"), Value::Null);
    run(&mut state, 20);
    assert_eq!(at(&state, Kind::Deployment, "web", "/status/availableReplicas"), 1);
}
