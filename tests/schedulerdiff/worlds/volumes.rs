//! Volumes and claims without pods.

use serde_json::{Value, json};

use super::{Draw, NAMESPACE};

/// Volumes, and claims in the order in which they come.
pub(crate) struct Volumes {
    pub(crate) volumes: Vec<Value>,
    pub(crate) claims: Vec<Value>,
}

/// The classes of volumes: bound at once, or with the first pod.
pub(crate) fn storage_classes() -> Vec<Value> {
    let class = |name: &str, mode: &str| {
        json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": name },
            "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": mode,
        })
    };
    vec![class("now", "Immediate"), class("later", "WaitForFirstConsumer")]
}

/// Draws volumes and claims; names hold the world's number, so that worlds do not meet.
pub(crate) fn volumes(seed: u64, world: usize) -> Volumes {
    let mut draw = Draw::new(seed, world);
    let volumes = (0..draw.number(1, 5)).map(|index| volume(&mut draw, world, index)).collect();
    let claims = (0..draw.number(1, 4)).map(|index| claim(&mut draw, world, index)).collect();
    Volumes { volumes, claims }
}

/// No two sets of one size that hold the same mode: among such the real controller chooses by chance.
fn modes(draw: &mut Draw) -> Value {
    match draw.number(0, 12) {
        0 => json!(["ReadWriteOncePod"]),
        1 | 2 => json!(["ReadOnlyMany"]),
        3 | 4 => json!(["ReadWriteMany"]),
        5 | 6 => json!(["ReadWriteOnce", "ReadOnlyMany"]),
        7 => json!(["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany"]),
        _ => json!(["ReadWriteOnce"]),
    }
}

/// Classes of a world, each its own, so that a claim never finds a volume of another world.
fn class(draw: &mut Draw, world: usize) -> String {
    match draw.number(0, 6) {
        0 => "now".to_owned(),
        1 => "later".to_owned(),
        _ => format!("own-{world}"),
    }
}

fn volume(draw: &mut Draw, world: usize, index: usize) -> Value {
    let name = format!("pv-{world}-{index}");
    // No two are of one size, for the same reason.
    let size = draw.number(0, 3) * 5 + index + 1;
    let mut spec = json!({
        "capacity": { "storage": format!("{size}Gi") }, "accessModes": modes(draw),
        "storageClassName": class(draw, world), "hostPath": { "path": "/d" },
        "persistentVolumeReclaimPolicy": "Retain",
    });
    if draw.once_in(8) {
        spec["volumeMode"] = json!("Block");
    }
    if draw.once_in(4) {
        let claim =
            if draw.once_in(4) { "elsewhere".to_owned() } else { format!("claim-{world}-{}", draw.number(0, 3)) };
        spec["claimRef"] = json!({ "namespace": NAMESPACE, "name": claim });
    }
    let labels = json!({ "kind": draw.one_of(&["fast", "slow"]), "world": world.to_string() });
    json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": name, "labels": labels }, "spec": spec })
}

fn claim(draw: &mut Draw, world: usize, index: usize) -> Value {
    let name = format!("claim-{world}-{index}");
    let mut spec = json!({
        "resources": { "requests": { "storage": format!("{}Gi", draw.number(1, 8)) } }, "accessModes": modes(draw),
        "storageClassName": class(draw, world),
        // The shared classes know volumes of other worlds.
        "selector": { "matchLabels": { "world": world.to_string() } },
    });
    if draw.once_in(8) {
        spec["volumeMode"] = json!("Block");
    }
    if draw.once_in(4) {
        spec["volumeName"] = json!(format!("pv-{world}-{}", draw.number(0, 4)));
    }
    if draw.once_in(4) {
        spec["selector"]["matchLabels"]["kind"] = json!(draw.one_of(&["fast", "slow"]));
    }
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "namespace": NAMESPACE }, "spec": spec,
    })
}
