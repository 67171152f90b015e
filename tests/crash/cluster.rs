//! What a cluster is made of, so that before and after can be compared.

use std::collections::BTreeMap;

use driftproof::world::World;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// Kinds that a run may create or change. Events tell what happened and stay.
const KINDS: [(&str, &str, &str); 14] = [
    ("", "v1", "Namespace"),
    ("", "v1", "Node"),
    ("", "v1", "Pod"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Service"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "PersistentVolume"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "ReplicaSet"),
    ("apps", "v1", "StatefulSet"),
    ("batch", "v1", "Job"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("coordination.k8s.io", "v1", "Lease"),
];

/// Objects with what of them must be the same.
pub(crate) type Snapshot = BTreeMap<String, Value>;

/// Everything that is there.
pub(crate) async fn snapshot(world: &World) -> Snapshot {
    let mut all = Snapshot::new();
    for (group, version, kind) in KINDS {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let api: Api<DynamicObject> = Api::all_with(world.client.clone(), &resource);
        for object in api.list(&ListParams::default()).await.expect("the embedded cluster lists").items {
            let name = format!("{kind} {}/{}", object.namespace().unwrap_or_default(), object.name_any());
            all.insert(name, what_matters(kind, &object));
        }
    }
    all
}

fn what_matters(kind: &str, object: &DynamicObject) -> Value {
    match kind {
        "Node" => {
            let ready = object.data["status"]["conditions"].as_array().into_iter().flatten();
            let ready = ready.filter(|condition| condition["type"] == "Ready").map(|one| one["status"].clone());
            json!({
                "spec": object.data["spec"], "annotations": object.annotations(), "ready": ready.collect::<Vec<_>>(),
            })
        }
        _ => Value::Null,
    }
}

/// What differs, one line each.
pub(crate) fn difference(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| format!("{name} is gone"));
    let new = after.keys().filter(|name| !before.contains_key(*name)).map(|name| format!("{name} was left"));
    let changed = before.iter().filter_map(|(name, value)| {
        let now = after.get(name)?;
        (now != value).then(|| format!("{name} was {value} and is {now}"))
    });
    gone.chain(new).chain(changed).collect()
}

/// Whether an object is there.
pub(crate) async fn has_policy(client: &Client, namespace: &str) -> bool {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("networking.k8s.io", "v1", "NetworkPolicy"));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    !api.list(&ListParams::default()).await.expect("the embedded cluster lists").items.is_empty()
}
