//! What a node takes and what its kubelet refuses.

use serde_json::json;

use super::*;

#[test]
fn a_pod_that_was_put_on_a_full_node_is_refused_and_made_again() {
    let mut state = cluster();
    let mut spec = main(&json!({ "resources": { "requests": { "cpu": "3" } } }));
    spec["nodeName"] = json!("worker-1");
    apply(&mut state, Kind::Deployment, deployment(2, &spec));
    run(&mut state, 20);
    assert_eq!(ready(&state), 1);
    let refused = || state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| pod.text("/status/phase") == "Failed");
    assert!(refused().count() > 1, "each one is followed by another");
    let message = "Node didn't have enough resource: cpu, requested: 3000, used: 3000, capacity: 4000";
    for (_, pod) in refused() {
        assert_eq!(pod.text("/status/reason"), "OutOfcpu");
        assert_eq!(pod.text("/status/message"), format!("Pod was rejected: {message}"));
    }
    assert!(told(&state, "Pod", &format!("OutOfcpu: {message}")));
}

#[test]
fn a_kubelet_refuses_what_the_scheduler_would_never_have_sent() {
    for (spec, reason) in [
        (json!({ "nodeSelector": { "disk": "ssd" } }), "NodeAffinity"),
        (json!({ "os": { "name": "windows" } }), "PodOSNotSupported"),
        (main(&json!({ "resources": { "requests": { "memory": "17Gi" } } })), "OutOfmemory"),
        (main(&json!({ "resources": { "limits": { "nvidia.com/gpu": "1" } } })), ""),
        (json!({ "nodeSelector": { "beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64" } }), ""),
    ] {
        let mut state = cluster();
        let mut pod = main(&json!({}));
        json_patch::merge(&mut pod, &spec);
        pod["nodeName"] = json!("worker-2");
        apply(&mut state, Kind::Pod, json!({ "metadata": { "name": "one" }, "spec": pod }));
        run(&mut state, 10);
        let pod = state.store.find(Kind::Pod, NS, "one").expect("it stays");
        assert_eq!((pod.text("/status/reason"), pod.is_ready()), (reason, reason.is_empty()), "{spec}");
    }
}

#[test]
fn an_important_pod_from_a_dead_node_takes_the_place_of_a_batch_pod() {
    let mut settings = Settings::default();
    settings.nodes.truncate(2);
    let mut state = with(settings);
    state.create(Kind::PriorityClass, json!({ "metadata": { "name": "high" }, "value": 1000 })).expect("a class");
    let mut spec = main(&json!({ "resources": { "requests": { "cpu": "1500m" } } }));
    spec["priorityClassName"] = json!("high");
    apply(&mut state, Kind::Deployment, deployment(1, &spec));
    let mut batch = deployment(3, &main(&json!({ "resources": { "requests": { "cpu": "1500m" } } })));
    batch["metadata"]["name"] = json!("batch");
    batch["spec"]["selector"]["matchLabels"]["app"] = json!("batch");
    batch["spec"]["template"]["metadata"]["labels"]["app"] = json!("batch");
    apply(&mut state, Kind::Deployment, batch);
    run(&mut state, 30);
    let of = |state: &State, app: &str| {
        let pods = state.store.in_namespace(Kind::Pod, NS).filter(|(_, pod)| pod.label("app") == Some(app));
        let ready = pods.filter(|(_, pod)| pod.is_ready() && !pod.is_terminating());
        ready.map(|(_, pod)| pod.text("/spec/nodeName").to_owned()).collect::<Vec<_>>()
    };
    let first = of(&state, "web").remove(0);
    state.power_off(&first);
    run(&mut state, 420);
    let web = of(&state, "web");
    assert!(web.len() == 1 && web[0] != first, "{web:?}");
    assert!(told(&state, "Pod", "Preempted: Preempted by pod"));
    assert_eq!(of(&state, "batch").len(), 1);
}
