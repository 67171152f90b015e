//! Resources, taints, cordons, names, selectors and ports.

use serde_json::json;

use super::{cluster, cpu, node, outcome, pod, run};

#[test]
fn each_filter_says_why() {
    let mut state = cluster();
    node(
        &mut state,
        "n1",
        "a",
        json!({ "spec": { "taints": [{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }] } }),
    );
    node(&mut state, "n2", "a", json!({ "spec": { "unschedulable": true } }));
    node(&mut state, "n3", "b", json!({ "metadata": { "labels": { "size": "8" } } }));
    let gpu = json!({ "spec": { "containers": [
        { "name": "main", "image": "web:1", "resources": { "limits": { "nvidia.com/gpu": "1" } } },
    ] } });
    let nothing = json!({});
    let none = |own: &str| {
        format!("0/3 nodes are available: {}.", {
            let mut parts = [own, "1 node(s) had untolerated taint {gpu: yes}", "1 node(s) were unschedulable"];
            parts.sort_unstable();
            parts.join(", ")
        })
    };
    let required = |operator: &str| {
        json!({ "spec": { "affinity": { "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [
            { "matchExpressions": [{ "key": "size", "operator": operator, "values": ["7"] }] },
        ] },
    } } } })
    };
    for (extra, expected) in [
        (nothing, "n3".to_owned()),
        (cpu("4"), "n3".to_owned()),
        (cpu("4001m"), none("1 Insufficient cpu")),
        (gpu, none("1 Insufficient nvidia.com/gpu")),
        (json!({ "spec": { "nodeSelector": { "size": "8" } } }), "n3".to_owned()),
        (
            json!({ "spec": { "nodeSelector": { "size": "9" } } }),
            none("1 node(s) didn't match Pod's node affinity/selector"),
        ),
        (required("Gt"), "n3".to_owned()),
        (required("Lt"), none("1 node(s) didn't match Pod's node affinity/selector")),
        (
            json!({ "spec": { "tolerations": [{ "operator": "Exists" }], "nodeSelector": { "kubernetes.io/hostname": "n1" } } }),
            "n1".to_owned(),
        ),
        (
            json!({ "spec": { "tolerations": [{ "operator": "Exists" }], "nodeSelector": { "kubernetes.io/hostname": "n2" } } }),
            "n2".to_owned(),
        ),
    ] {
        assert_eq!(outcome(&mut state, json!({}), extra.clone()), expected, "{extra}");
    }
}

#[test]
fn a_port_of_a_node_is_taken_once() {
    let port = json!({ "spec": { "containers": [{ "name": "main", "image": "web:1", "ports": [{ "containerPort": 80, "hostPort": 80 }] }] } });
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    pod(&mut state, "first", json!({}), port.clone());
    run(&mut state, 1);
    let expected = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
    assert_eq!(outcome(&mut state, json!({}), port), expected);
}

#[test]
fn the_number_of_pods_is_limited() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    for index in 0..10 {
        pod(&mut state, &format!("p{index}"), json!({}), json!({}));
    }
    run(&mut state, 1);
    assert_eq!(outcome(&mut state, json!({}), json!({})), "0/1 nodes are available: 1 Too many pods.");
}

#[test]
fn the_emptier_and_the_preferred_node_win() {
    let mut state = cluster();
    node(&mut state, "n1", "a", json!({}));
    node(&mut state, "n2", "a", json!({ "metadata": { "labels": { "disk": "ssd" } } }));
    let mut busy = cpu("2");
    busy["spec"]["nodeName"] = json!("n2");
    pod(&mut state, "busy", json!({}), busy);
    assert_eq!(outcome(&mut state, json!({}), cpu("1")), "n1");
    let mut wants_disk = cpu("1");
    wants_disk["spec"]["affinity"] = json!({ "nodeAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            { "weight": 10, "preference": { "matchExpressions": [{ "key": "disk", "operator": "Exists" }] } },
        ],
    } });
    assert_eq!(outcome(&mut state, json!({}), wants_disk), "n2");
}

#[test]
fn a_cluster_without_nodes_says_so() {
    assert_eq!(outcome(&mut cluster(), json!({}), json!({})), "no nodes available to schedule pods");
}
