//! Pods that do not start, are not ready or do not go: each says why by a condition, an event or its own object.

use serde_json::json;

use super::*;
use crate::registry::DeleteOptions;

/// The only pod of the Deployment `web`.
fn only(state: &State) -> (Key, Value) {
    let mut pods = state.store.in_namespace(Kind::Pod, NS);
    let (key, pod) = pods.next().expect("a pod");
    (key.clone(), pod.value().clone())
}

/// A condition of a pod: status, reason and message.
fn condition(pod: &Value, type_: &str) -> Option<[String; 3]> {
    let found = pod["status"]["conditions"].as_array()?.iter().find(|known| known["type"] == type_)?;
    Some(["status", "reason", "message"].map(|field| found[field].as_str().unwrap_or_default().to_owned()))
}

#[test]
fn gates_hold_a_pod_until_they_are_lifted() {
    let mut state = cluster();
    let gates = json!({ "schedulingGates": [{ "name": "example.com/wait" }] });
    apply(&mut state, Kind::Deployment, deployment(1, &gates));
    run(&mut state, 20);
    let (key, pod) = only(&state);
    let message = "Scheduling is blocked due to non-empty scheduling gates";
    let expected = ["False", "SchedulingGated", message].map(str::to_owned);
    assert_eq!((condition(&pod, "PodScheduled"), ready(&state)), (Some(expected), 0));
    state.modify_value(Kind::Pod, &key, |pod| pod["spec"]["schedulingGates"] = json!([])).expect("it is there");
    run(&mut state, 20);
    assert_eq!(ready(&state), 1);
}

#[test]
fn a_scheduler_that_is_not_there_does_nothing() {
    let mut state = cluster();
    apply(&mut state, Kind::Deployment, deployment(1, &json!({ "schedulerName": "volcano" })));
    run(&mut state, 60);
    let (_, pod) = only(&state);
    assert_eq!((condition(&pod, "PodScheduled"), &pod["status"]["phase"]), (None, &json!("Pending")));
    assert_eq!(events(&state, "Pod"), [] as [&str; 0]);
}

#[test]
fn a_closed_readiness_gate_is_the_reason_of_the_condition() {
    let mut state = cluster();
    apply(&mut state, Kind::Deployment, deployment(1, &json!({ "readinessGates": [{ "conditionType": "lb" }] })));
    run(&mut state, 20);
    let (key, pod) = only(&state);
    let message = "corresponding condition of pod readiness gate \"lb\" does not exist.";
    let expected = ["False", "ReadinessGatesNotReady", message].map(str::to_owned);
    assert_eq!(condition(&pod, "Ready"), Some(expected));
    assert_eq!(condition(&pod, "ContainersReady").map(|[status, ..]| status), Some("True".to_owned()));
    let open = json!({ "type": "lb", "status": "True" });
    let add = |pod: &mut Value| pod["status"]["conditions"].as_array_mut().expect("conditions").push(open);
    state.modify_value(Kind::Pod, &key, add).expect("it is there");
    run(&mut state, 5);
    assert_eq!(ready(&state), 1);
}

#[test]
fn a_finalizer_keeps_a_pod_whose_end_its_kubelet_has_confirmed() {
    let mut state = cluster();
    let mut web = deployment(1, &json!({}));
    web["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/hold"]);
    apply(&mut state, Kind::Deployment, web);
    run(&mut state, 20);
    let (key, _) = only(&state);
    state.delete(Kind::Pod, &key, &DeleteOptions::default()).expect("it is there");
    run(&mut state, 20);
    let pod = state.store.get(Kind::Pod, &key).expect("the finalizer keeps it").value();
    assert_eq!(pod["metadata"]["deletionGracePeriodSeconds"], json!(0));
    assert_eq!(pod["metadata"]["finalizers"], json!(["example.com/hold"]));
}

#[test]
fn a_volume_of_one_node_says_who_uses_it() {
    let mut state = cluster();
    let claim = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    apply(&mut state, Kind::PersistentVolumeClaim, json!({ "metadata": { "name": "d" }, "spec": claim }));
    let labels = json!({ "matchLabels": { "app": "web" } });
    let apart = json!([{ "topologyKey": "kubernetes.io/hostname", "labelSelector": labels }]);
    let spec = json!({
        "volumes": [{ "name": "d", "persistentVolumeClaim": { "claimName": "d" } }],
        "affinity": { "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": apart } },
    });
    apply(&mut state, Kind::Deployment, deployment(2, &spec));
    run(&mut state, 60);
    assert_eq!(ready(&state), 1);
    let multi = events(&state, "Pod").into_iter().find(|event| event.starts_with("FailedAttachVolume: Multi-Attach"));
    assert!(multi.is_some_and(|event| event.contains("Volume is already used by pod(s) web-")));
}

#[test]
fn an_ignored_disruption_lets_a_job_go_on() {
    let mut state = cluster();
    let template = json!({
        "metadata": { "labels": { "app": "work" }, "annotations": { "embedded.driftproof.dev/run-for": "10m" } },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "c", "image": "work:1" }] },
    });
    let rule = json!({ "action": "Ignore", "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] });
    let spec = json!({
        "completions": 2, "parallelism": 2, "backoffLimit": 0, "podReplacementPolicy": "Failed",
        "podFailurePolicy": { "rules": [rule] }, "template": template,
    });
    apply(&mut state, Kind::Job, json!({ "metadata": { "name": "work" }, "spec": spec }));
    run(&mut state, 30);
    let key = only(&state).0;
    let disrupted = json!({ "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI" });
    let mark = |pod: &mut Value| pod["status"]["conditions"].as_array_mut().expect("conditions").push(disrupted);
    state.modify_value(Kind::Pod, &key, mark).expect("it is there");
    state.delete(Kind::Pod, &key, &DeleteOptions::default()).expect("it is there");
    run(&mut state, 40);
    let running = state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| pod.is_ready() && !pod.is_terminating());
    assert_eq!(running.count(), 2, "the disrupted pod is replaced");
    run(&mut state, 700);
    let job = state.store.find(Kind::Job, NS, "work").expect("it is there");
    assert_eq!(job.condition("Complete").expect("it has ended")["status"], "True");
    assert!(job.at("/status/failed").is_none());
}
