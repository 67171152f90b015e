//! Who answers on which port, and what a refusal says.

use serde_json::json;

use super::*;
use crate::{Cluster, NodeSpec};

fn service(port: &Value) -> Value {
    json!({ "metadata": { "name": "web" }, "spec": { "selector": { "app": "web" }, "ports": [port] } })
}

/// What the API server's proxy says of `services/web:80` once everything runs.
async fn through_proxy(container: &Value, pod: &Value, port: &Value) -> String {
    let cluster = Cluster::start(Settings { nodes: vec![NodeSpec::new("n1", "a")], ..Settings::default() }, 7);
    let mut spec = main(container);
    json_patch::merge(&mut spec, pod);
    cluster.with(|state| {
        let namespace = json!({ "metadata": { "name": NS }, "spec": { "finalizers": ["kubernetes"] } });
        state.create(Kind::Namespace, namespace).expect("a namespace");
        apply(state, Kind::Deployment, deployment(1, &spec));
        apply(state, Kind::Service, service(port));
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    let path = format!("/api/v1/namespaces/{NS}/services/web:80/proxy/");
    let request = http::Request::get(path).body(Vec::new()).expect("a request");
    match cluster.client().request_text(request).await {
        Ok(_) => "answered".to_owned(),
        Err(kube::Error::Api(status)) => status.message.clone(),
        Err(other) => other.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn ports_need_not_be_declared_and_a_wrong_one_is_named() {
    let ready = |port: u16| json!({ "httpGet": { "path": "/readyz", "port": port }, "periodSeconds": 1 });
    let refused = "error trying to reach service: dial tcp 10.244.0.2:9999: connect: connection refused";
    let nobody = "no endpoints available for service \"web\"";
    let declared = json!({ "ports": [{ "containerPort": 8080 }] });
    for (container, pod, port, expected) in [
        (json!({ "readinessProbe": ready(8080) }), json!({}), json!({ "port": 80, "targetPort": 8080 }), "answered"),
        (json!({}), json!({}), json!({ "port": 80, "targetPort": 8080 }), "answered"),
        (json!({}), json!({}), json!({ "port": 80 }), "answered"),
        (declared.clone(), json!({ "hostNetwork": true }), json!({ "port": 80, "targetPort": 8080 }), "answered"),
        (declared.clone(), json!({}), json!({ "port": 80, "targetPort": 9999 }), refused),
        (declared, json!({}), json!({ "port": 80, "targetPort": "http" }), nobody),
    ] {
        assert_eq!(through_proxy(&container, &pod, &port).await, expected, "{container} {pod} {port}");
    }
}

#[test]
fn a_sidecar_is_ready_by_a_port_that_only_its_probe_names() {
    let probe = json!({ "httpGet": { "path": "/healthz/ready", "port": 15021 }, "periodSeconds": 2 });
    let containers = json!({ "containers": [
        { "name": "main", "image": "web:1", "ports": [{ "containerPort": 8080 }] },
        { "name": "proxy", "image": "proxy:1", "ports": [{ "containerPort": 15090 }], "readinessProbe": probe },
    ] });
    let mut state = cluster();
    apply(&mut state, Kind::Deployment, deployment(2, &containers));
    run(&mut state, 20);
    assert_eq!(ready(&state), 2);
}
