//! Pods with claims: groups of classes, volumes, claims and pods, side by side on the same nodes. Groups share nothing
//! but the nodes, which have room for all, so that many can be asked at once.

use serde_json::{Value, json};

use super::{Draw, NAMESPACE};

/// Nodes, and groups that look for places on them.
pub(crate) struct Consumers {
    pub(crate) nodes: Vec<Value>,
    pub(crate) groups: Vec<Group>,
}

/// What one group of pods needs. All names hold the group's own.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) classes: Vec<Value>,
    pub(crate) volumes: Vec<Value>,
    pub(crate) claims: Vec<Value>,
    /// Pods that were placed by hand once the claims were there.
    pub(crate) holders: Vec<Value>,
    /// Pods that come one after the other.
    pub(crate) newcomers: Vec<Value>,
    /// The only node to which the newcomers may go: which volume a claim gets is then no matter of chance.
    pub(crate) node: Option<String>,
}

/// Draws nodes and groups.
pub(crate) fn consumers(seed: u64, world: usize, groups: usize) -> Consumers {
    let mut draw = Draw::new(seed ^ 0xc1a1, world);
    let nodes: Vec<_> = (0..draw.number(2, 6)).map(|index| node(&mut draw, index)).collect();
    let count = nodes.len();
    let groups = (0..groups).map(|index| group(&mut draw, &format!("{world}-{index}"), count)).collect();
    Consumers { nodes, groups }
}

fn node(draw: &mut Draw, index: usize) -> Value {
    let name = format!("n{index}");
    let mut labels = json!({ "kubernetes.io/hostname": name, "rack": draw.one_of(&["1", "2"]) });
    if !draw.once_in(6) {
        labels["topology.kubernetes.io/zone"] = json!(draw.one_of(&["a", "b", "c"]));
        labels["topology.kubernetes.io/region"] = json!("r");
    }
    let tainted =
        if draw.once_in(6) { json!([{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }]) } else { json!([]) };
    let amounts = json!({ "cpu": "64", "memory": "256Gi", "pods": "1000" });
    json!({
        "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
        "spec": { "taints": tainted, "unschedulable": draw.once_in(10) },
        "status": {
            "capacity": amounts, "allocatable": amounts,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "message": "" }],
        },
    })
}

fn group(draw: &mut Draw, name: &str, nodes: usize) -> Group {
    // Nobody makes volumes beside the real control plane: what is to be made is not there for a second pod.
    let made = draw.once_in(3);
    let node = draw.once_in(2).then(|| format!("n{}", draw.number(0, nodes)));
    let count = draw.number(1, 4);
    let claims: Vec<_> = (0..count).map(|index| claim(draw, name, index, made)).collect();
    let volumes = (0..draw.number(0, 5)).map(|index| volume(draw, name, index, nodes)).collect();
    let holders = if draw.once_in(3) { vec![holder(draw, name, count, nodes)] } else { Vec::new() };
    let pods = if made { 1 } else { draw.number(1, 3) };
    let newcomers = (0..pods).map(|index| newcomer(draw, name, index, count, node.as_deref())).collect();
    let classes = classes(draw, name);
    Group { name: name.to_owned(), classes, volumes, claims, holders, newcomers, node }
}

/// Bound at once, with the first pod, or made for the first pod.
fn classes(draw: &mut Draw, group: &str) -> Vec<Value> {
    let class = |name: &str, provisioner: &str, mode: &str| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": format!("{name}-{group}") },
            "provisioner": provisioner, "volumeBindingMode": mode,
        })
    };
    let by_hand = "kubernetes.io/no-provisioner";
    let later = "WaitForFirstConsumer";
    let mut made = class("made", "example.com/disk", later);
    if draw.once_in(2) {
        let key = draw.one_of(&["topology.kubernetes.io/zone", "rack"]);
        made["allowedTopologies"] = json!([{ "matchLabelExpressions": [{ "key": key, "values": ["a", "1"] }] }]);
    }
    vec![class("now", by_hand, "Immediate"), class("later", by_hand, later), made]
}

fn class(draw: &mut Draw, group: &str, made: bool) -> String {
    let kind = match draw.number(0, 12) {
        0..3 => "now",
        3 => "missing",
        _ if made && draw.once_in(2) => "made",
        _ => "later",
    };
    format!("{kind}-{group}")
}

fn modes(draw: &mut Draw) -> Value {
    match draw.number(0, 6) {
        0 => json!(["ReadWriteOncePod"]),
        1 => json!(["ReadWriteMany"]),
        2 => json!(["ReadWriteOnce", "ReadOnlyMany"]),
        _ => json!(["ReadWriteOnce"]),
    }
}

fn claim(draw: &mut Draw, group: &str, index: usize, made: bool) -> Value {
    let mut spec = json!({
        "resources": { "requests": { "storage": format!("{}Gi", draw.number(1, 20)) } }, "accessModes": modes(draw),
        "storageClassName": class(draw, group, made),
    });
    if draw.once_in(12) {
        spec["volumeMode"] = json!("Block");
    }
    if draw.once_in(8) {
        spec["volumeName"] = json!(format!("pv-{group}-{}", draw.number(0, 4)));
    }
    if draw.once_in(6) {
        spec["selector"] = json!({ "matchLabels": { "kind": draw.one_of(&["fast", "slow"]) } });
    }
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": format!("claim-{group}-{index}"), "namespace": NAMESPACE }, "spec": spec,
    })
}

fn volume(draw: &mut Draw, group: &str, index: usize, nodes: usize) -> Value {
    // No two are of one size: which of them a claim gets would be chance.
    let size = draw.number(1, 8) * 5 + index;
    let mut spec = json!({
        "capacity": { "storage": format!("{size}Gi") }, "accessModes": modes(draw),
        "storageClassName": class(draw, group, false), "hostPath": { "path": "/d" },
        "persistentVolumeReclaimPolicy": "Retain",
    });
    let node = format!("n{}", draw.number(0, nodes));
    let reach = match draw.number(0, 8) {
        0 => {
            json!({ "matchExpressions": [{ "key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a", "b"] }] })
        }
        1 => json!({ "matchExpressions": [{ "key": "rack", "operator": "NotIn", "values": ["1"] }] }),
        2..4 => {
            json!({ "matchExpressions": [{ "key": "kubernetes.io/hostname", "operator": "In", "values": [node] }] })
        }
        4 => json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] }),
        _ => Value::Null,
    };
    if !reach.is_null() {
        spec["nodeAffinity"] = json!({ "required": { "nodeSelectorTerms": [reach] } });
        if draw.once_in(2) {
            spec["hostPath"] = Value::Null;
            spec["local"] = json!({ "path": "/d" });
        }
    }
    if draw.once_in(12) {
        spec["volumeMode"] = json!("Block");
    }
    if draw.once_in(6) {
        spec["claimRef"] = json!({ "namespace": NAMESPACE, "name": format!("claim-{group}-{}", draw.number(0, 3)) });
    }
    let mut labels = json!({ "kind": draw.one_of(&["fast", "slow"]) });
    if draw.once_in(5) {
        let label = draw.one_of(&["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"]);
        labels[label] = json!(draw.one_of(&["a", "a__b", "c"]));
    }
    let name = format!("pv-{group}-{index}");
    json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name, "labels": labels }, "spec": spec })
}

fn pod(name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec })
}

fn uses(claim: &str, index: usize) -> Value {
    json!({ "name": format!("v{index}"), "persistentVolumeClaim": { "claimName": claim } })
}

/// A pod that has its node without a scheduler, and uses one of the claims.
fn holder(draw: &mut Draw, group: &str, claims: usize, nodes: usize) -> Value {
    let claim = format!("claim-{group}-{}", draw.number(0, claims));
    let mut spec = json!({
        "nodeName": format!("n{}", draw.number(0, nodes)), "containers": [{ "name": "main", "image": "web:1" }],
        "tolerations": [{ "operator": "Exists" }], "volumes": [uses(&claim, 0)],
    });
    if draw.once_in(2) {
        spec["priorityClassName"] = json!("low");
    }
    let mut held = pod(&format!("holder-{group}"), &spec);
    held["status"] = json!({ "phase": "Running", "startTime": "2026-01-01T00:00:00Z" });
    held
}

fn newcomer(draw: &mut Draw, group: &str, index: usize, claims: usize, node: Option<&str>) -> Value {
    let mut names: Vec<_> =
        (0..claims).filter(|_| !draw.once_in(4)).map(|claim| format!("claim-{group}-{claim}")).collect();
    if draw.once_in(2) {
        names.reverse();
    }
    if draw.once_in(20) {
        names.push(format!("claim-{group}-missing"));
    }
    let mut volumes: Vec<_> = names.iter().enumerate().map(|(index, claim)| uses(claim, index)).collect();
    if draw.once_in(12) {
        let template = json!({
            "accessModes": ["ReadWriteOnce"], "storageClassName": format!("later-{group}"),
            "resources": { "requests": { "storage": "1Gi" } },
        });
        volumes.push(json!({ "name": "own", "ephemeral": { "volumeClaimTemplate": { "spec": template } } }));
    }
    let mut spec = json!({ "containers": [{ "name": "main", "image": "web:1" }], "volumes": volumes });
    if let Some(node) = node {
        spec["affinity"] = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{ "matchExpressions": [
                { "key": "kubernetes.io/hostname", "operator": "In", "values": [node] },
            ] }],
        } } });
    } else if draw.once_in(4) {
        spec["nodeSelector"] = json!({ "topology.kubernetes.io/zone": draw.one_of(&["a", "b"]) });
    }
    if draw.once_in(2) {
        spec["tolerations"] = json!([{ "operator": "Exists", "effect": "NoSchedule" }]);
    }
    if draw.once_in(3) {
        spec["priorityClassName"] = json!(draw.one_of(&["low", "middle", "meek"]));
    }
    pod(&format!("newcomer-{group}-{index}"), &spec)
}
