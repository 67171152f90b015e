//! What a cluster is made of, so that before and after can be compared.

use std::collections::BTreeMap;
use std::time::Duration;

use driftproof::world::{Call, Place, Vantage, World};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
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
            let name = format!("{kind} {}/{}", object.namespace().unwrap_or_default(), lasting(kind, &object));
            all.insert(name, what_matters(kind, &object));
        }
    }
    if all.contains_key("StatefulSet shop/db") {
        all.insert("the members of shop/db".to_owned(), members(world).await);
    }
    all
}

/// A name that is the same in the next life of an object: a volume is named after the UID of its claim.
fn lasting(kind: &str, object: &DynamicObject) -> String {
    match kind {
        "PersistentVolume" => format!("of {}", object.data["spec"]["claimRef"]["name"]),
        _ => object.name_any(),
    }
}

/// Which pods are members, whether they vote, and whether they have started.
async fn members(world: &World) -> Value {
    let mut said = Vec::new();
    for pod in ["db-0", "db-1", "db-2"] {
        let to = Place::Pod { namespace: "shop".to_owned(), name: pod.to_owned(), port: "7000".to_owned() };
        let body = "{\"linearizable\":true}";
        let call = Call { method: "POST", path: "/v3/cluster/member/list", headers: &[], body };
        let reply = world.network.http(&Vantage::Outside, &to, call, Duration::from_secs(5)).await;
        let list: Value = serde_json::from_str(&reply.map(|reply| reply.body).unwrap_or_default()).unwrap_or_default();
        let one = |member: &Value| format!("{} {} {}", member["name"], member["peerURLs"][0], member["isLearner"]);
        let mut list: Vec<String> = list["members"].as_array().into_iter().flatten().map(one).collect();
        list.sort();
        said.push(json!({ "as": pod, "members": list }));
    }
    json!(said)
}

/// Creates objects, each in the namespace `shop` unless it has none.
pub(crate) async fn create(world: &World, manifests: &[Value]) {
    for manifest in manifests {
        let object: DynamicObject = serde_json::from_value(manifest.clone()).expect("an object");
        let types = object.types.clone().expect("a kind");
        let gvk = GroupVersionKind::try_from(&types).expect("a kind");
        let resource = ApiResource::from_gvk(&gvk);
        let api: Api<DynamicObject> = match object.namespace() {
            Some(namespace) => Api::namespaced_with(world.client.clone(), &namespace, &resource),
            None => Api::all_with(world.client.clone(), &resource),
        };
        api.create(&PostParams::default(), &object).await.expect("it is created");
    }
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
        "StatefulSet" => json!({ "spec": object.data["spec"], "annotations": object.annotations() }),
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
