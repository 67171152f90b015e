//! StatefulSets step by step, with ready pods reported by hand.

use serde_json::{Value, json};

use crate::controllers::testing::{
    NS, at, cluster, create, delete, end_terminating, pods, run, start, start_all, template,
};
use crate::{Key, Kind, State};

fn set(state: &mut State, replicas: i32, more: &Value) {
    let mut spec = json!({
        "replicas": replicas, "selector": { "matchLabels": { "app": "db" } }, "serviceName": "db",
        "template": template("db", "db:1"),
        "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } },
        } }],
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        spec[name] = value.clone();
    }
    create(state, Kind::StatefulSet, json!({ "metadata": { "name": "db" }, "spec": spec }));
    run(state, 1);
}

fn change(state: &mut State, pointer: &str, value: Value) {
    state
        .modify_value(Kind::StatefulSet, &Key::new(NS, "db"), |set| {
            *set.pointer_mut(pointer).expect("the field exists") = value;
        })
        .expect("the set exists");
    run(state, 1);
}

fn set_image(state: &mut State, image: &str) {
    change(state, "/spec/template/spec/containers/0/image", json!(image));
}

fn settle(state: &mut State) {
    for _ in 0..30 {
        run(state, 1);
        start_all(state, "worker-1");
        end_terminating(state);
    }
}

fn images(state: &State) -> Vec<String> {
    let pods = state.store.in_namespace(Kind::Pod, NS);
    pods.map(|(key, pod)| format!("{} {}", key.name, pod.text("/spec/containers/0/image"))).collect()
}

fn claims(state: &State) -> Vec<String> {
    state.store.in_namespace(Kind::PersistentVolumeClaim, NS).map(|(key, _)| key.name.clone()).collect()
}

#[test]
fn ordered_pods_come_one_after_the_other() {
    let mut state = cluster();
    set(&mut state, 3, &json!({}));
    run(&mut state, 60);
    assert_eq!(pods(&state), ["db-0"]);
    start(&mut state, "db-0", "worker-1");
    run(&mut state, 1);
    assert_eq!(pods(&state), ["db-0", "db-1"]);
    start(&mut state, "db-1", "worker-2");
    run(&mut state, 1);
    assert_eq!(pods(&state), ["db-0", "db-1", "db-2"]);
    assert_eq!(claims(&state), ["data-db-0", "data-db-1", "data-db-2"]);
}

#[test]
fn parallel_pods_come_at_once() {
    let mut state = cluster();
    set(&mut state, 3, &json!({ "podManagementPolicy": "Parallel" }));
    assert_eq!(pods(&state), ["db-0", "db-1", "db-2"]);
    change(&mut state, "/spec/replicas", json!(1));
    assert_eq!(pods(&state), ["db-0"]);
}

#[test]
fn a_pod_has_its_identity() {
    let mut state = cluster();
    set(&mut state, 1, &json!({}));
    let pod = state.store.find(Kind::Pod, NS, "db-0").expect("the pod").clone();
    assert_eq!(pod.label("statefulset.kubernetes.io/pod-name"), Some("db-0"));
    assert_eq!(pod.label("apps.kubernetes.io/pod-index"), Some("0"));
    assert_eq!((pod.text("/spec/hostname"), pod.text("/spec/subdomain")), ("db-0", "db"));
    assert_eq!(
        pod.value()["spec"]["volumes"][0],
        json!({ "name": "data", "persistentVolumeClaim": { "claimName": "data-db-0" } })
    );
    let revision = at(&state, Kind::StatefulSet, "db", "/status/updateRevision");
    assert_eq!(pod.label("controller-revision-hash"), revision.as_str());
}

#[test]
fn a_stuck_terminating_pod_is_never_replaced() {
    let mut state = cluster();
    set(&mut state, 2, &json!({}));
    settle(&mut state);
    let uid = at(&state, Kind::Pod, "db-1", "/metadata/uid");
    delete(&mut state, Kind::Pod, "db-1");
    run(&mut state, 36_000);
    assert_eq!(pods(&state), ["db-0", "db-1"]);
    assert_eq!(at(&state, Kind::Pod, "db-1", "/metadata/uid"), uid, "the old object is still there after ten hours");
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(pods(&state), ["db-0", "db-1"]);
    assert_ne!(at(&state, Kind::Pod, "db-1", "/metadata/uid"), uid);
    assert_eq!(claims(&state).len(), 2, "it finds its old claim again");
}

#[test]
fn a_failed_pod_is_remade() {
    let mut state = cluster();
    set(&mut state, 1, &json!({}));
    start(&mut state, "db-0", "worker-1");
    run(&mut state, 1);
    let uid = at(&state, Kind::Pod, "db-0", "/metadata/uid");
    state
        .modify_value(Kind::Pod, &Key::new(NS, "db-0"), |pod| pod["status"]["phase"] = json!("Failed"))
        .expect("the pod exists");
    settle(&mut state);
    assert_ne!(at(&state, Kind::Pod, "db-0", "/metadata/uid"), uid);
    assert_eq!(at(&state, Kind::StatefulSet, "db", "/status/readyReplicas"), 1);
}

#[test]
fn scaling_down_goes_from_the_highest_one_by_one() {
    let mut state = cluster();
    set(&mut state, 3, &json!({}));
    settle(&mut state);
    change(&mut state, "/spec/replicas", json!(1));
    run(&mut state, 60);
    let terminating = |state: &State| -> Vec<String> {
        let pods = state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| pod.is_terminating());
        pods.map(|(key, _)| key.name.clone()).collect()
    };
    assert_eq!(terminating(&state), ["db-2"]);
    end_terminating(&mut state);
    run(&mut state, 1);
    assert_eq!(terminating(&state), ["db-1"]);
    assert_eq!(claims(&state).len(), 3, "claims are retained");
}

#[test]
fn the_retention_policy_takes_claims_along() {
    let mut state = cluster();
    let policy = json!({ "whenScaled": "Delete", "whenDeleted": "Delete" });
    set(&mut state, 2, &json!({ "persistentVolumeClaimRetentionPolicy": policy }));
    settle(&mut state);
    change(&mut state, "/spec/replicas", json!(1));
    settle(&mut state);
    assert_eq!(claims(&state), ["data-db-0"]);
    delete(&mut state, Kind::StatefulSet, "db");
    settle(&mut state);
    assert_eq!(claims(&state), [] as [&str; 0]);
}

#[test]
fn a_rolling_update_goes_down_to_the_partition() {
    let mut state = cluster();
    set(&mut state, 3, &json!({ "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } } }));
    settle(&mut state);
    set_image(&mut state, "db:2");
    assert!(state.store.find(Kind::Pod, NS, "db-2").expect("it ends").is_terminating(), "the highest goes first");
    settle(&mut state);
    assert_eq!(images(&state), ["db-0 db:1", "db-1 db:2", "db-2 db:2"]);
    let status = at(&state, Kind::StatefulSet, "db", "/status");
    assert_ne!(status["currentRevision"], status["updateRevision"]);
    assert_eq!([&status["currentReplicas"], &status["updatedReplicas"]], [&json!(1), &json!(2)]);
    delete(&mut state, Kind::Pod, "db-0");
    settle(&mut state);
    assert_eq!(images(&state)[0], "db-0 db:1", "below the partition the current revision comes back");
    change(&mut state, "/spec/updateStrategy/rollingUpdate/partition", json!(0));
    settle(&mut state);
    let status = at(&state, Kind::StatefulSet, "db", "/status");
    assert_eq!(status["currentRevision"], status["updateRevision"]);
    assert_eq!(status["availableReplicas"], 3);
}

#[test]
fn on_delete_waits_for_the_user() {
    let mut state = cluster();
    set(&mut state, 1, &json!({ "updateStrategy": { "type": "OnDelete" } }));
    settle(&mut state);
    set_image(&mut state, "db:2");
    settle(&mut state);
    assert_eq!(images(&state), ["db-0 db:1"]);
    delete(&mut state, Kind::Pod, "db-0");
    settle(&mut state);
    assert_eq!(images(&state), ["db-0 db:2"]);
}

#[test]
fn the_next_pod_waits_for_min_ready_seconds() {
    let mut state = cluster();
    set(&mut state, 2, &json!({ "minReadySeconds": 30 }));
    start(&mut state, "db-0", "worker-1");
    run(&mut state, 20);
    assert_eq!(pods(&state), ["db-0"]);
    assert_eq!(at(&state, Kind::StatefulSet, "db", "/status/readyReplicas"), 1);
    assert_eq!(at(&state, Kind::StatefulSet, "db", "/status/availableReplicas"), Value::Null);
    run(&mut state, 20);
    assert_eq!(pods(&state), ["db-0", "db-1"]);
}

#[test]
fn ordinals_may_start_elsewhere() {
    let mut state = cluster();
    set(&mut state, 2, &json!({ "ordinals": { "start": 5 }, "podManagementPolicy": "Parallel" }));
    assert_eq!(pods(&state), ["db-5", "db-6"]);
}
