//! Nodes, pods that stand on them, and pods that look for a place.

use serde_json::{Value, json};

use super::{Draw, NAMESPACE};

/// Nodes with pods, and pods that look for a place one after the other, each in the same world.
pub(crate) struct Places {
    pub(crate) nodes: Vec<Value>,
    pub(crate) placed: Vec<Value>,
    pub(crate) newcomers: Vec<Value>,
}

/// Draws nodes, placed pods and newcomers.
pub(crate) fn places(seed: u64, world: usize, newcomers: usize) -> Places {
    let mut draw = Draw::new(seed, world);
    let count = draw.number(2, 6);
    let nodes: Vec<_> = (0..count).map(|index| node(&mut draw, index)).collect();
    let mut placed = Vec::new();
    for node in 0..count {
        for _ in 0..draw.number(0, 4) {
            let index = placed.len();
            placed.push(placed_pod(&mut draw, index, node));
        }
    }
    let newcomers = (0..newcomers).map(|index| newcomer(&mut draw, index)).collect();
    Places { nodes, placed, newcomers }
}

fn node(draw: &mut Draw, index: usize) -> Value {
    let name = format!("n{index}");
    let mut labels = json!({ "kubernetes.io/hostname": name });
    if !draw.once_in(6) {
        labels["topology.kubernetes.io/zone"] = json!(draw.one_of(&["a", "b", "c"]));
    }
    if draw.once_in(2) {
        labels["disk"] = json!(draw.one_of(&["ssd", "hdd"]));
    }
    if draw.once_in(2) {
        labels["size"] = json!(draw.number(1, 16).to_string());
    }
    let all = [("gpu", "yes", "NoSchedule"), ("spot", "", "PreferNoSchedule"), ("old", "1", "NoExecute")];
    let taints: Vec<_> = all
        .into_iter()
        .filter(|_| draw.once_in(6))
        .map(|(key, value, effect)| json!({ "key": key, "value": value, "effect": effect }))
        .collect();
    let amounts = json!({
        "cpu": draw.number(1, 9).to_string(), "memory": format!("{}Gi", draw.number(1, 9)),
        "pods": draw.number(2, 7).to_string(), "example.com/gpu": draw.number(0, 3).to_string(),
    });
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
        "spec": { "taints": taints, "unschedulable": draw.once_in(10) },
        "status": {
            "capacity": amounts, "allocatable": amounts,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "" }],
        },
    })
}

fn pod(name: &str, labels: &Value, spec: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": NAMESPACE, "labels": labels }, "spec": spec,
    })
}

fn containers(draw: &mut Draw) -> Value {
    let mut requests = json!({});
    if !draw.once_in(4) {
        requests["cpu"] = json!(format!("{}m", draw.number(1, 16) * 250));
    }
    if draw.once_in(2) {
        requests["memory"] = json!(format!("{}Mi", draw.number(1, 24) * 256));
    }
    let mut resources = json!({ "requests": requests });
    if draw.once_in(8) {
        resources["requests"]["example.com/gpu"] = json!("1");
        resources["limits"] = json!({ "example.com/gpu": "1" });
    }
    let mut main = json!({ "name": "main", "image": "web:1", "resources": resources });
    if draw.once_in(6) {
        let port = 8000 + draw.number(0, 3);
        main["ports"] = json!([{ "containerPort": port, "hostPort": port }]);
    }
    json!([main])
}

fn labels(draw: &mut Draw) -> Value {
    json!({ "app": draw.one_of(&["a", "b", "c"]), "tier": draw.one_of(&["front", "back"]) })
}

fn placed_pod(draw: &mut Draw, index: usize, node: usize) -> Value {
    // Nobody evicts them from tainted nodes: the real control plane has no such controller here.
    let stays = json!([{ "operator": "Exists" }]);
    let mut spec = json!({ "nodeName": format!("n{node}"), "containers": containers(draw), "tolerations": stays });
    if draw.once_in(2) {
        spec["priorityClassName"] = json!(draw.one_of(&["low", "middle"]));
    }
    if draw.once_in(6) {
        spec["affinity"] = json!({ "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [pod_term(draw)],
        } });
    }
    let mut placed = pod(&format!("placed-{index}"), &labels(draw), &spec);
    // Each has its own time, so that no two are equally important.
    let started = format!("2026-01-01T{:02}:{:02}:00Z", index / 60, (index * 7) % 60);
    placed["status"] = json!({ "phase": "Running", "startTime": started });
    placed
}

fn pod_term(draw: &mut Draw) -> Value {
    let mut term = json!({
        "topologyKey": draw.one_of(&["kubernetes.io/hostname", "topology.kubernetes.io/zone", "rack"]),
    });
    if !draw.once_in(10) {
        term["labelSelector"] = selector(draw);
    }
    match draw.number(0, 8) {
        0 => term["namespaces"] = json!(["kube-system"]),
        1 => term["namespaceSelector"] = json!({}),
        2 if term.get("labelSelector").is_some() => term["matchLabelKeys"] = json!(["tier"]),
        _ => {}
    }
    term
}

fn selector(draw: &mut Draw) -> Value {
    let operator = draw.one_of(&["In", "NotIn", "Exists", "DoesNotExist"]);
    let app = draw.one_of(&["a", "b", "c"]);
    match draw.number(0, 6) {
        0 => json!({}),
        1 | 2 => {
            let mut expression = json!({ "key": "app", "operator": operator });
            if operator.ends_with("In") {
                expression["values"] = json!([app]);
            }
            json!({ "matchExpressions": [expression] })
        }
        _ => json!({ "matchLabels": { "app": app } }),
    }
}

fn newcomer(draw: &mut Draw, index: usize) -> Value {
    let mut spec = json!({ "containers": containers(draw) });
    if draw.once_in(3) {
        spec["priorityClassName"] = json!(draw.one_of(&["low", "middle", "high", "meek"]));
    }
    if draw.once_in(5) {
        spec["nodeSelector"] = json!({ "disk": draw.one_of(&["ssd", "hdd"]) });
    }
    if draw.once_in(3) {
        spec["tolerations"] = tolerations(draw);
    }
    let mut affinity = json!({});
    if draw.once_in(4) {
        let terms: Vec<_> = (0..draw.number(1, 3)).map(|_| node_term(draw)).collect();
        affinity["nodeAffinity"] =
            json!({ "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } });
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        if draw.once_in(5) {
            let terms: Vec<_> = (0..draw.number(1, 3)).map(|_| pod_term(draw)).collect();
            affinity[kind] = json!({ "requiredDuringSchedulingIgnoredDuringExecution": terms });
        }
    }
    spec["affinity"] = affinity;
    if draw.once_in(3) {
        let count = draw.number(1, 3);
        let keys = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
        let spread: Vec<_> = keys.into_iter().take(count).map(|key| spread(draw, key)).collect();
        spec["topologySpreadConstraints"] = json!(spread);
    }
    pod(&format!("newcomer-{index}"), &labels(draw), &spec)
}

fn tolerations(draw: &mut Draw) -> Value {
    match draw.number(0, 4) {
        0 => json!([{ "operator": "Exists" }]),
        1 => json!([{ "key": "gpu", "operator": "Exists", "effect": "NoSchedule" }]),
        2 => json!([{ "key": "gpu", "value": "yes" }, { "key": "old", "value": "2" }]),
        _ => {
            json!([{ "key": "old", "operator": "Exists" }, { "key": "node.kubernetes.io/unschedulable", "operator": "Exists" }])
        }
    }
}

fn node_term(draw: &mut Draw) -> Value {
    match draw.number(0, 6) {
        0 => json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n1"] }] }),
        1 => {
            let operator = draw.one_of(&["Gt", "Lt"]);
            json!({ "matchExpressions": [{ "key": "size", "operator": operator, "values": [draw.number(1, 16).to_string()] }] })
        }
        2 => json!({ "matchExpressions": [{ "key": "disk", "operator": draw.one_of(&["Exists", "DoesNotExist"]) }] }),
        3 => json!({ "matchExpressions": [{ "key": "disk", "operator": "NotIn", "values": ["ssd"] }] }),
        _ => json!({ "matchExpressions": [
            { "key": "topology.kubernetes.io/zone", "operator": "In", "values": [draw.one_of(&["a", "b"]), "c"] },
        ] }),
    }
}

fn spread(draw: &mut Draw, key: &str) -> Value {
    let mut constraint =
        json!({ "maxSkew": draw.number(1, 3), "topologyKey": key, "whenUnsatisfiable": "DoNotSchedule" });
    if !draw.once_in(8) {
        constraint["labelSelector"] = selector(draw);
    }
    if draw.once_in(4) {
        constraint["minDomains"] = json!(draw.number(1, 5));
    }
    if draw.once_in(4) {
        constraint["nodeAffinityPolicy"] = json!(draw.one_of(&["Honor", "Ignore"]));
    }
    if draw.once_in(4) {
        constraint["nodeTaintsPolicy"] = json!(draw.one_of(&["Honor", "Ignore"]));
    }
    constraint
}
