//! Subresources and what an update may change: status, scale, generations, immutable fields, dry runs.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PropagationPolicy};
use serde_json::json;

use super::{api, cluster, config, create, pod, refusal};
use crate::Kind;

fn deployment() -> serde_json::Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": { "containers": [{ "name": "app", "image": "nginx:1" }] },
            },
        },
    })
}

#[tokio::test(start_paused = true)]
async fn status_and_spec_are_written_apart_and_only_spec_counts_generations() {
    let client = cluster().client();
    create(&client, Kind::Deployment, deployment()).await.expect("create");
    let deployments: Api<Deployment> = Api::default_namespaced(client);
    let both = Patch::Merge(json!({ "spec": { "replicas": 5 }, "status": { "replicas": 7 } }));
    let params = PatchParams::default();
    let status = deployments.patch_status("web", &params, &both).await.expect("status");
    assert_eq!(status.spec.as_ref().and_then(|spec| spec.replicas), Some(2));
    assert_eq!(status.status.as_ref().and_then(|status| status.replicas), Some(7));
    assert_eq!(status.metadata.generation, Some(1));
    let nothing = Patch::Merge(json!({ "spec": { "replicas": 5 }, "status": { "replicas": 9 } }));
    let main = deployments.patch("web", &params, &nothing).await.expect("main");
    assert_eq!(main.status.and_then(|status| status.replicas), Some(7));
    assert_eq!(main.metadata.generation, Some(2));
}

#[tokio::test(start_paused = true)]
async fn scale_reads_and_writes_replicas() {
    let client = cluster().client();
    create(&client, Kind::Deployment, deployment()).await.expect("create");
    let deployments: Api<Deployment> = Api::default_namespaced(client);
    let scale = deployments.get_scale("web").await.expect("scale");
    assert_eq!(scale.status.and_then(|status| status.selector).as_deref(), Some("app=web"));
    let five = Patch::Merge(json!({ "spec": { "replicas": 5 } }));
    let scaled = deployments.patch_scale("web", &PatchParams::default(), &five).await.expect("scale");
    assert_eq!(scaled.spec.and_then(|spec| spec.replicas), Some(5));
    assert_eq!(deployments.get("web").await.expect("get").spec.and_then(|spec| spec.replicas), Some(5));
}

#[tokio::test(start_paused = true)]
async fn immutable_fields_stay() {
    let client = cluster().client();
    create(&client, Kind::Deployment, deployment()).await.expect("create");
    create(&client, Kind::Pod, pod("web", json!({}))).await.expect("create");
    let selector = json!({ "spec": {
        "selector": { "matchLabels": { "x": "1" } }, "template": { "metadata": { "labels": { "x": "1" } } },
    } });
    let table = [
        (Kind::Deployment, selector, "spec.selector: Invalid value"),
        (
            Kind::Pod,
            json!({ "spec": { "restartPolicy": "Never" } }),
            "spec: Forbidden: pod updates may not change fields",
        ),
        (Kind::Pod, json!({ "spec": { "tolerations": [] } }), "spec.tolerations: Forbidden"),
    ];
    for (kind, patch, message) in table {
        let refused = api(&client, kind).patch("web", &PatchParams::default(), &Patch::Merge(patch)).await;
        let refused = refusal(refused.map(|_| json!(null)));
        assert_eq!(refused.0, 422);
        assert!(refused.2.contains(message), "{} instead of {message}", refused.2);
    }
    let image = Patch::Strategic(json!({ "spec": { "containers": [{ "name": "app", "image": "nginx:2" }] } }));
    api(&client, Kind::Pod).patch("web", &PatchParams::default(), &image).await.expect("an image may change");
}

#[tokio::test(start_paused = true)]
async fn dry_runs_store_nothing() {
    let client = cluster().client();
    let configs = api(&client, Kind::ConfigMap);
    let object = serde_json::from_value(config("a", json!({}))).expect("an object");
    let dry = kube::api::PostParams { dry_run: true, ..Default::default() };
    configs.create(&dry, &object).await.expect("dry create");
    assert!(configs.get_opt("a").await.expect("get").is_none());
    create(&client, Kind::ConfigMap, config("a", json!({}))).await.expect("create");
    configs.delete("a", &DeleteParams::default().dry_run()).await.expect("dry delete");
    let patch = Patch::Merge(json!({ "data": { "k": "v" } }));
    configs.patch("a", &PatchParams { dry_run: true, ..PatchParams::default() }, &patch).await.expect("dry patch");
    assert_eq!(configs.get("a").await.expect("still there").data.get("data"), None);
}

#[tokio::test(start_paused = true)]
async fn finalizers_and_propagation_hold_an_object() {
    let cluster = cluster();
    let client = cluster.client();
    create(&client, Kind::Pod, pod("held", json!({}))).await.expect("create");
    let pods: Api<Pod> = Api::default_namespaced(client);
    let params = DeleteParams { propagation_policy: Some(PropagationPolicy::Foreground), ..DeleteParams::default() };
    pods.delete("held", &params).await.expect("delete");
    let held = pods.get("held").await.expect("it waits");
    assert_eq!(held.metadata.finalizers.as_deref(), Some(["foregroundDeletion".to_owned()].as_slice()));
    assert!(held.metadata.deletion_timestamp.is_some());
    let release = Patch::Json::<()>(
        serde_json::from_value(json!([{ "op": "remove", "path": "/metadata/finalizers" }])).expect("a patch"),
    );
    pods.patch("held", &PatchParams::default(), &release).await.expect("release");
    assert!(pods.get_opt("held").await.expect("get").is_none());
}

#[tokio::test(start_paused = true)]
async fn preconditions_are_kept() {
    let client = cluster().client();
    create(&client, Kind::ConfigMap, config("a", json!({}))).await.expect("create");
    let preconditions = kube::api::Preconditions { uid: Some("other".to_owned()), ..Default::default() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let refused = api(&client, Kind::ConfigMap).delete("a", &params).await;
    assert_eq!(refusal(refused.map(|_| json!(null))).0, 409);
}
