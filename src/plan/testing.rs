//! A small cluster for the tests of this room: `shop` with Deployment `web` (3), StatefulSet `db` (3, the first is the
//! leader), a bare pod `tool`; `kube-system` with a DaemonSet; three workers in three zones and a control plane node.

use serde_json::{Value, json};

use crate::scenario::{Scenario, Target, parse};

use super::inventory::Inventory;

/// Reads `body` after a common head whose target is `deployment/web`.
pub(super) fn scenario(body: &str) -> Scenario {
    let head = "name = \"test\"\ntarget = { namespace = \"shop\", workload = \"deployment/web\" }\n";
    parse("test.toml", &format!("{head}{body}")).unwrap_or_else(|found| panic!("{found:?}"))
}

/// A target in `shop`.
pub(super) fn target(workload: &str) -> Target {
    Target { namespace: "shop".to_owned(), workload: Some(workload.parse().expect("a workload")), selector: None }
}

/// The cluster, with its lists in an order that is not the sorted one.
pub(super) fn cluster() -> Inventory {
    let mut inventory = Inventory::default();
    for (name, zone, role) in
        [("worker-2", "b", ""), ("worker-1", "a", ""), ("worker-3", "c", ""), ("control-1", "a", "control-plane")]
    {
        inventory.nodes.push(node(name, zone, role));
    }
    for (name, node, created) in [("web-c", "worker-3", 30), ("web-a", "worker-1", 20), ("web-b", "worker-2", 10)] {
        inventory.pods.push(pod("shop", name, node, ("ReplicaSet", "web-1"), &json!({ "app": "web" }), created));
    }
    for (name, node, role) in
        [("db-0", "worker-1", "leader"), ("db-1", "worker-2", "follower"), ("db-2", "worker-3", "follower")]
    {
        let labels = json!({ "app": "db", "role": role });
        inventory.pods.push(pod("shop", name, node, ("StatefulSet", "db"), &labels, 5));
    }
    inventory.pods.push(pod("shop", "tool", "worker-1", ("", ""), &json!({ "app": "tool" }), 1));
    inventory.pods.push(pod("kube-system", "net-1", "worker-1", ("DaemonSet", "net"), &json!({ "app": "net" }), 1));
    let meta = |name: &str, owner: (&str, &str)| meta("shop", name, owner, &json!({}), 0);
    let selector =
        |app: &str| json!({ "selector": { "matchLabels": { "app": app } }, "template": {}, "serviceName": "" });
    inventory.deployments.push(object(json!({ "metadata": meta("web", ("", "")), "spec": selector("web") })));
    inventory.replica_sets.push(object(json!({ "metadata": meta("web-1", ("Deployment", "web")) })));
    inventory.stateful_sets.push(object(json!({ "metadata": meta("db", ("", "")), "spec": selector("db") })));
    for name in ["shop", "kube-system"] {
        let label = ("kubernetes.io/metadata.name".to_owned(), name.to_owned());
        inventory.namespace_labels.insert(name.to_owned(), [label].into());
    }
    inventory.sorted()
}

/// A pod that is Running and Ready; its UID is `uid-NAME`, its address is made from its name.
pub(super) fn pod(
    namespace: &str,
    name: &str,
    node: &str,
    owner: (&str, &str),
    labels: &Value,
    created: u32,
) -> k8s_openapi::api::core::v1::Pod {
    let last = name.bytes().map(u32::from).sum::<u32>() % 250;
    object(json!({
        "metadata": meta(namespace, name, owner, labels, created),
        "spec": {
            "nodeName": node,
            "containers": [{ "name": "main", "ports": [{ "name": "http", "containerPort": 8080 }] }],
        },
        "status": {
            "phase": "Running",
            "podIP": format!("10.244.0.{last}"),
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    }))
}

/// A policy in `shop`.
pub(super) fn policy(name: &str, spec: &Value) -> k8s_openapi::api::networking::v1::NetworkPolicy {
    object(json!({ "metadata": { "name": name, "namespace": "shop" }, "spec": spec }))
}

/// Any object from its JSON.
pub(super) fn object<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn node(name: &str, zone: &str, role: &str) -> k8s_openapi::api::core::v1::Node {
    let mut labels = json!({ "kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone });
    if !role.is_empty() {
        labels[format!("node-role.kubernetes.io/{role}")] = json!("");
    }
    object(json!({
        "metadata": { "name": name, "uid": format!("uid-{name}"), "labels": labels },
        "status": {
            "addresses": [{ "type": "InternalIP", "address": "10.0.0.1" }],
            "conditions": [{ "type": "Ready", "status": "True" }],
        },
    }))
}

fn meta(namespace: &str, name: &str, owner: (&str, &str), labels: &Value, created: u32) -> Value {
    let mut meta = json!({
        "namespace": namespace,
        "name": name,
        "uid": format!("uid-{name}"),
        "labels": labels,
        "creationTimestamp": format!("2026-01-01T00:00:{created:02}Z"),
    });
    if !owner.0.is_empty() {
        meta["ownerReferences"] = json!([{
            "apiVersion": "apps/v1",
            "kind": owner.0,
            "name": owner.1,
            "uid": format!("uid-{}", owner.1),
            "controller": true,
        }]);
    }
    meta
}
