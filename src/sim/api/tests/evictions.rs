//! Evictions under budgets, as a table, and bindings.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{EvictParams, PostParams};
use serde_json::{Value, json};

use super::{cluster, create, pod, refusal};
use crate::{Cluster, Key, Kind};

/// A bound pod in this phase, and budgets with these statuses.
async fn setting(phase: &str, ready: &str, budgets: &[Value]) -> (Cluster, Api<Pod>) {
    let cluster = cluster();
    let client = cluster.client();
    let mut web = pod("web", json!({ "app": "web" }));
    web["spec"]["nodeName"] = json!("n1");
    create(&client, Kind::Pod, web).await.expect("create");
    cluster.with(|state| {
        let status = json!({ "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] });
        state.modify_value(Kind::Pod, &Key::new("default", "web"), |pod| pod["status"] = status).expect("the pod");
        for (index, status) in budgets.iter().enumerate() {
            let budget = json!({
                "metadata": { "namespace": "default", "name": format!("budget-{index}") },
                "spec": {
                    "minAvailable": 1, "selector": { "matchLabels": { "app": "web" } },
                    "unhealthyPodEvictionPolicy": status["policy"],
                },
                "status": {
                    "observedGeneration": status["observed"].as_i64().unwrap_or(1),
                    "disruptionsAllowed": status["allowed"], "currentHealthy": status["healthy"].as_i64().unwrap_or(1),
                    "desiredHealthy": 1, "expectedPods": 1,
                },
            });
            state.create(Kind::PodDisruptionBudget, budget).expect("the budget");
        }
    });
    let pods = Api::default_namespaced(client);
    (cluster, pods)
}

#[tokio::test(start_paused = true)]
async fn budgets_decide_over_evictions() {
    let none = json!({ "allowed": 0 });
    let one = json!({ "allowed": 1 });
    let table: &[(&str, &str, &[Value], u16)] = &[
        ("Running", "True", &[], 201),
        ("Running", "True", std::slice::from_ref(&one), 201),
        ("Running", "True", std::slice::from_ref(&none), 429),
        ("Running", "True", &[json!({ "allowed": 1, "observed": 0 })], 429),
        ("Running", "True", &[one.clone(), one.clone()], 500),
        ("Pending", "False", std::slice::from_ref(&none), 201),
        ("Succeeded", "False", std::slice::from_ref(&none), 201),
        ("Running", "False", std::slice::from_ref(&none), 201),
        ("Running", "False", &[json!({ "allowed": 0, "healthy": 0 })], 429),
        ("Running", "False", &[json!({ "allowed": 0, "healthy": 0, "policy": "AlwaysAllow" })], 201),
    ];
    for (index, (phase, ready, budgets, wanted)) in table.iter().enumerate() {
        let (_, pods) = setting(phase, ready, budgets).await;
        let code = match pods.evict("web", &EvictParams::default()).await {
            Ok(_) => 201,
            Err(kube::Error::Api(status)) => status.code,
            Err(error) => panic!("row {index}: {error}"),
        };
        assert_eq!(code, *wanted, "row {index}: {phase} {ready} {budgets:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_eviction_names_its_budget() {
    let (_, pods) = setting("Running", "True", &[json!({ "allowed": 0 })]).await;
    let Err(kube::Error::Api(status)) = pods.evict("web", &EvictParams::default()).await else {
        panic!("the budget allows nothing")
    };
    assert_eq!(status.message, "Cannot evict pod as it would violate the pod's disruption budget.");
    let details = status.details.expect("details");
    assert_eq!(details.causes[0].reason, "DisruptionBudget");
    assert_eq!(details.causes[0].message, "The disruption budget budget-0 needs 1 healthy pods and has 1 currently");
}

#[tokio::test(start_paused = true)]
async fn an_eviction_spends_the_budget_and_marks_the_pod() {
    let (cluster, pods) = setting("Running", "True", &[json!({ "allowed": 1 })]).await;
    pods.evict("web", &EvictParams::default()).await.expect("evict");
    let budget = cluster.with(|state| {
        state.store.find(Kind::PodDisruptionBudget, "default", "budget-0").map(|budget| budget.value().clone())
    });
    let status = &budget.expect("the budget")["status"];
    assert_eq!(status["disruptionsAllowed"], 0);
    assert!(status["disruptedPods"]["web"].is_string(), "{status}");
    let web = pods.get("web").await.expect("the pod ends");
    assert_eq!(web.metadata.deletion_grace_period_seconds, Some(30));
    let conditions = web.status.and_then(|status| status.conditions).unwrap_or_default();
    let target = conditions.iter().find(|condition| condition.type_ == "DisruptionTarget").expect("a condition");
    assert_eq!(target.reason.as_deref(), Some("EvictionByEvictionAPI"));
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_bound_once() {
    let client = cluster().client();
    create(&client, Kind::Pod, pod("web", json!({}))).await.expect("create");
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let binding = json!({ "metadata": { "name": "web" }, "target": { "kind": "Node", "name": "n1" } });
    let first = pods.create_subresource::<Value, Value>("binding", "web", &PostParams::default(), &binding).await;
    assert_eq!(first.expect("bind")["status"], "Success");
    assert_eq!(pods.get("web").await.expect("get").spec.and_then(|spec| spec.node_name).as_deref(), Some("n1"));
    let second = pods.create_subresource::<Value, Value>("binding", "web", &PostParams::default(), &binding).await;
    assert_eq!(refusal(second).0, 409);
}
