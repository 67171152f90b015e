//! Watch streams: starts, transitions, bookmarks, ends, 410, and kube's own watcher on top.

use std::time::Duration;

use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::{cluster, config, create, pod};
use crate::Kind;

/// All events of a watch until the server ends it, as `TYPE name@version`.
async fn events(client: &Client, query: &str) -> Vec<String> {
    let url = format!("/api/v1/namespaces/default/configmaps?watch=true&{query}");
    let request = http::Request::get(url).body(Vec::new()).expect("a request");
    let lines = client.request_stream(request).await.expect("a stream").lines();
    let lines: Vec<String> = lines.try_collect().await.expect("whole lines");
    lines
        .iter()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("JSON");
            let object = &event["object"];
            let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            match event["type"].as_str() {
                Some("ERROR") => format!("ERROR {} {}", object["code"], text(&object["message"])),
                Some("BOOKMARK") => format!("BOOKMARK {}", object["metadata"]["annotations"]),
                _ => format!("{} {}", text(&event["type"]), text(&object["metadata"]["name"])),
            }
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_watch_starts_where_it_is_told_and_ends_at_its_timeout() {
    let cluster = cluster();
    let client = cluster.client();
    let first = create(&client, Kind::ConfigMap, config("a", json!({}))).await.expect("create");
    create(&client, Kind::ConfigMap, config("b", json!({ "x": "1" }))).await.expect("create");
    let version = first["metadata"]["resourceVersion"].as_str().expect("a version").to_owned();
    let before = tokio::time::Instant::now();
    for (query, wanted) in [
        ("timeoutSeconds=5".to_owned(), vec!["ADDED a", "ADDED b"]),
        ("timeoutSeconds=5&resourceVersion=0&labelSelector=x%3D1".to_owned(), vec!["ADDED b"]),
        (format!("timeoutSeconds=5&resourceVersion={version}"), vec!["ADDED b"]),
        ("timeoutSeconds=5&fieldSelector=metadata.name%3Da".to_owned(), vec!["ADDED a"]),
        (
            "timeoutSeconds=5&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
                .to_owned(),
            vec!["ADDED a", "ADDED b", "BOOKMARK {\"k8s.io/initial-events-end\":\"true\"}"],
        ),
        (
            "timeoutSeconds=150&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dc".to_owned(),
            vec!["BOOKMARK null", "BOOKMARK null"],
        ),
    ] {
        assert_eq!(events(&client, &query).await, wanted, "{query}");
    }
    let seconds = before.elapsed().as_secs();
    assert_eq!(seconds, 5 * 5 + 150);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_leaves_the_selection_is_deleted_for_the_watch() {
    let cluster = cluster();
    let client = cluster.client();
    let configs: Api<ConfigMap> = Api::default_namespaced(client.clone());
    create(&client, Kind::ConfigMap, config("a", json!({ "app": "web" }))).await.expect("create");
    let watching = tokio::spawn({
        let client = client.clone();
        async move { events(&client, "timeoutSeconds=5&labelSelector=app%3Dweb").await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    for labels in [json!({ "app": "db" }), json!({ "app": "web" }), json!({ "app": "web", "more": "1" })] {
        let patch = Patch::Merge(json!({ "metadata": { "labels": labels } }));
        configs.patch("a", &PatchParams::default(), &patch).await.expect("patch");
    }
    configs.delete("a", &DeleteParams::default()).await.expect("delete");
    assert_eq!(watching.await.expect("joined"), ["ADDED a", "DELETED a", "ADDED a", "MODIFIED a", "DELETED a"]);
}

#[tokio::test(start_paused = true)]
async fn a_compacted_version_is_gone_for_watches_and_pages() {
    let cluster = cluster();
    let client = cluster.client();
    for name in ["a", "b", "c"] {
        create(&client, Kind::ConfigMap, config(name, json!({}))).await.expect("create");
    }
    let newest = cluster.with(|state| {
        state.store.compact();
        state.store.version()
    });
    let seen = events(&client, "timeoutSeconds=5&resourceVersion=1").await;
    assert_eq!(seen, [format!("ERROR 410 too old resource version: 1 ({newest})")]);
    let url = "/api/v1/namespaces/default/configmaps?limit=1&continue=1%3Adefault/a";
    let request = http::Request::get(url).body(Vec::new()).expect("a request");
    let refused = client.request::<Value>(request).await;
    assert_eq!(super::refusal(refused).0, 410);
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_survives_a_compaction() {
    let cluster = cluster();
    let client = cluster.client();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    create(&client, Kind::Pod, pod("a", json!({}))).await.expect("create");
    let mut applied = watcher(pods, watcher::Config::default()).default_backoff().applied_objects().boxed();
    let first = applied.try_next().await.expect("a watch").expect("an object");
    assert_eq!(first.metadata.name.as_deref(), Some("a"));
    create(&client, Kind::Pod, pod("b", json!({}))).await.expect("create");
    cluster.with(|state| state.store.compact());
    let names = applied.by_ref().take(3).map_ok(|pod| pod.metadata.name.unwrap_or_default());
    let names = tokio::time::timeout(Duration::from_secs(60), async {
        let mut names = std::pin::pin!(names);
        while let Some(name) = names.next().await {
            if name.is_ok_and(|name| name == "b") {
                return true;
            }
        }
        false
    });
    assert!(names.await.expect("the watcher sees the pod in time"));
}

#[tokio::test(start_paused = true)]
async fn await_condition_sees_a_pod_run() {
    let cluster = cluster();
    let client = cluster.client();
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    create(&client, Kind::Pod, pod("a", json!({}))).await.expect("create");
    let waiting = tokio::spawn(kube::runtime::wait::await_condition(
        pods.clone(),
        "a",
        kube::runtime::conditions::is_pod_running(),
    ));
    tokio::time::sleep(Duration::from_secs(600)).await;
    let status = Patch::Merge(json!({ "status": { "phase": "Running" } }));
    pods.patch_status("a", &PatchParams::default(), &status).await.expect("patch the status");
    let seen = waiting.await.expect("joined").expect("the condition holds");
    assert_eq!(seen.and_then(|pod| pod.status?.phase).as_deref(), Some("Running"));
}
