//! create, get, list, patch, delete.

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::Api;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::json;

use super::{api, cluster, config, create, pod, refusal};
use crate::Kind;

#[tokio::test(start_paused = true)]
async fn an_object_lives_from_create_to_delete() {
    let client = cluster().client();
    let configs: Api<ConfigMap> = Api::default_namespaced(client.clone());
    create(&client, Kind::ConfigMap, config("a", json!({ "app": "web" }))).await.expect("create");
    let taken = create(&client, Kind::ConfigMap, config("a", json!({}))).await;
    assert_eq!(refusal(taken), (409, "AlreadyExists".into(), "configmaps \"a\" already exists".into()));
    let merge = Patch::Merge(json!({ "data": { "k": "v" } }));
    let patched = configs.patch("a", &PatchParams::default(), &merge).await.expect("patch");
    assert_eq!(patched.data.expect("data")["k"], "v");
    let listed = configs.list(&ListParams::default().labels("app=web")).await.expect("list");
    assert_eq!(listed.items.len(), 1);
    configs.delete("a", &DeleteParams::default()).await.expect("delete");
    assert!(configs.get_opt("a").await.expect("get").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_write_keeps_the_version_and_a_stale_one_conflicts() {
    let client = cluster().client();
    let stored = create(&client, Kind::ConfigMap, config("a", json!({}))).await.expect("create");
    let configs: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let same = configs.patch("a", &PatchParams::default(), &Patch::Merge(json!({}))).await.expect("patch");
    assert_eq!(same.metadata.resource_version.as_deref(), stored["metadata"]["resourceVersion"].as_str());
    let stale = json!({ "metadata": { "resourceVersion": "0999" }, "data": { "k": "v" } });
    let conflict = api(&client, Kind::ConfigMap).patch("a", &PatchParams::default(), &Patch::Merge(stale)).await;
    let (code, reason, message) = refusal(conflict.map(|_| json!(null)));
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert_eq!(
        message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes \
         to the latest version and try again"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_show_the_version_of_the_first() {
    let client = cluster().client();
    for name in ["a", "b", "c"] {
        create(&client, Kind::ConfigMap, config(name, json!({}))).await.expect("create");
    }
    let configs: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let first = configs.list(&ListParams::default().limit(1)).await.expect("first page");
    assert_eq!(first.metadata.remaining_item_count, Some(2));
    configs.delete("b", &DeleteParams::default()).await.expect("delete");
    let token = first.metadata.continue_.expect("a continue token");
    let rest = configs.list(&ListParams::default().limit(9).continue_token(&token)).await.expect("second page");
    let names: Vec<_> = rest.items.iter().filter_map(|item| item.metadata.name.as_deref()).collect();
    assert_eq!(names, ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn pods_end_gracefully_once_a_node_has_them() {
    let cluster = cluster();
    let client = cluster.client();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    create(&client, Kind::Pod, pod("unbound", json!({}))).await.expect("create");
    pods.delete("unbound", &DeleteParams::default()).await.expect("delete");
    assert!(pods.get_opt("unbound").await.expect("get").is_none());

    let mut bound = pod("bound", json!({}));
    bound["spec"]["nodeName"] = json!("n1");
    create(&client, Kind::Pod, bound).await.expect("create");
    let ending = pods.delete("bound", &DeleteParams::default()).await.expect("delete").left().expect("the pod");
    assert_eq!(ending.metadata.deletion_grace_period_seconds, Some(30));
    let force = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    pods.delete("bound", &force).await.expect("force");
    assert!(pods.get_opt("bound").await.expect("get").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_missing_namespace_and_an_unknown_path_are_not_found() {
    let client = cluster().client();
    let elsewhere: Api<ConfigMap> = Api::namespaced(client.clone(), "nowhere");
    let object = serde_json::from_value(config("a", json!({}))).expect("a ConfigMap");
    let missing = elsewhere.create(&kube::api::PostParams::default(), &object).await;
    let (code, _, message) = refusal(missing.map(|_| json!(null)));
    assert_eq!((code, message.as_str()), (404, "namespaces \"nowhere\" not found"));
    let request = http::Request::get("/apis/nothing.io/v1/things").body(Vec::new()).expect("a request");
    let unknown = client.request::<serde_json::Value>(request).await;
    assert_eq!(refusal(unknown).2, "the server could not find the requested resource");
}
