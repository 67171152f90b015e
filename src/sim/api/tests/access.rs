//! Denied verbs, discovery, the proxies, and what a request may not be.

use std::time::Duration;

use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{EvictParams, ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::{api, cluster, config, create, pod, refusal};
use crate::{Cluster, Kind, Settings};

async fn get(client: &Client, path: &str) -> kube::Result<Value> {
    let request = http::Request::get(path).body(Vec::new()).expect("a request");
    // A proxy waits for ever for an application that is silent; a test must not.
    tokio::time::timeout(Duration::from_secs(60), client.request(request)).await.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn denied_verbs_are_forbidden_and_reviews_say_so() {
    let denied = vec![("list".to_owned(), "configmaps".to_owned()), ("create".to_owned(), "pods/eviction".to_owned())];
    let client = Cluster::start(Settings { nodes: Vec::new(), denied, ..Settings::default() }, 1).client();
    let configs: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let refused = configs.list(&ListParams::default()).await;
    let (code, reason, message) = refusal(refused.map(|_| json!(null)));
    assert_eq!((code, reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        message,
        "configmaps is forbidden: User \"kubernetes-admin\" cannot list resource \"configmaps\" in API group \"\" in \
         the namespace \"default\""
    );
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let refused = pods.evict("web", &EvictParams::default()).await;
    assert_eq!(refusal(refused.map(|_| json!(null))).0, 403);
    for (verb, resource, subresource, allowed) in
        [("list", "configmaps", "", false), ("get", "configmaps", "", true), ("create", "pods", "eviction", false)]
    {
        let review = json!({ "spec": { "resourceAttributes": {
            "verb": verb, "resource": resource, "subresource": subresource, "namespace": "default",
        } } });
        let review: SelfSubjectAccessReview = serde_json::from_value(review).expect("a review");
        let answer = Api::all(client.clone()).create(&PostParams::default(), &review).await.expect("a review");
        assert_eq!(answer.status.map(|status| status.allowed), Some(allowed), "{verb} {resource}/{subresource}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_names_every_kind() {
    let client = cluster().client();
    assert_eq!(client.apiserver_version().await.expect("a version").minor, "36");
    let discovery = kube::discovery::Discovery::new(client.clone()).run().await.expect("discovery");
    for kind in Kind::ALL {
        let facts = kind.facts();
        let gvk = kube::core::GroupVersionKind::gvk(facts.group, facts.version, facts.kind);
        let (resource, _) = discovery.resolve_gvk(&gvk).expect(facts.kind);
        assert_eq!(resource.plural, facts.plural);
    }
    let apps = get(&client, "/apis/apps/v1").await.expect("a resource list");
    let names: Vec<_> = apps["resources"].as_array().into_iter().flatten().map(|r| r["name"].clone()).collect();
    assert!(names.contains(&json!("deployments/scale")), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_without_endpoints_is_unavailable() {
    let client = cluster().client();
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80 }] },
    });
    create(&client, Kind::Service, service).await.expect("create");
    let table = [
        ("services/web:80", 503, "no endpoints available for service \"web\""),
        ("services/web:http", 503, "no endpoints available for service \"web\""),
        ("services/web:81", 503, "no service port \"81\" found for service \"web\""),
        ("services/none:80", 404, "services \"none\" not found"),
        ("pods/none:80", 404, "pods \"none\" not found"),
    ];
    for (path, code, message) in table {
        let refused = refusal(get(&client, &format!("/api/v1/namespaces/default/{path}/proxy/a?b=c")).await);
        assert_eq!(refused.0, code, "{path}");
        assert!(refused.2.contains(message), "{path}: {}", refused.2);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_have_a_size_limit_and_strict_ones_no_unknown_fields() {
    let client = cluster().client();
    let mut large = config("a", json!({}));
    large["data"] = json!({ "k": "x".repeat(4 << 20) });
    assert_eq!(refusal(create(&client, Kind::ConfigMap, large).await).0, 413);
    for nothing in [json!({}), json!(null)] {
        let typo =
            json!({ "metadata": { "name": "a" }, "dataa": nothing, "data": null, "immutable": null }).to_string();
        let path = "/api/v1/namespaces/default/configmaps?fieldValidation=Strict";
        let request = http::Request::post(path).body(typo.into_bytes()).expect("a request");
        let refused = refusal(client.request::<Value>(request).await);
        assert!(refused.2.ends_with("strict decoding error: unknown field \"dataa\""), "{}", refused.2);
    }
    assert!(api(&client, Kind::ConfigMap).get_opt("a").await.expect("get").is_none());
}

#[tokio::test(start_paused = true)]
async fn what_an_object_is_and_where_are_texts() {
    let client = cluster().client();
    for (pointer, at) in [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/namespace", "namespace")] {
        let mut wrong =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a", "namespace": "default" } });
        *wrong.pointer_mut(pointer).expect("the field") = json!({});
        let request = http::Request::post("/api/v1/namespaces/default/configmaps");
        let request = request.body(wrong.to_string().into_bytes()).expect("a request");
        let refused = refusal(client.request::<Value>(request).await);
        assert!(refused.0 == 400 && refused.2.contains(at), "{at}: {}", refused.2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_names_the_pod_that_answered() {
    let client = Cluster::start(Settings::default(), 1).client();
    let mut web = pod("web", json!({ "app": "web" }));
    web["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 8080 }]);
    web["spec"]["nodeName"] = json!("worker-1");
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "proxy" },
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "targetPort": 8080 }] },
    });
    create(&client, Kind::Pod, web).await.expect("create");
    create(&client, Kind::Service, service).await.expect("create");
    tokio::time::sleep(Duration::from_secs(60)).await;
    for path in ["services/proxy:80", "pods/web:8080"] {
        let path = format!("/api/v1/namespaces/default/{path}/proxy/");
        let request = http::Request::get(path).body(kube::client::Body::empty()).expect("a request");
        let sent = tokio::time::timeout(Duration::from_secs(60), client.send(request));
        let answer = sent.await.expect("in time").expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers().get("x-embedded-pod").and_then(|pod| pod.to_str().ok()), Some("web"));
    }
}
