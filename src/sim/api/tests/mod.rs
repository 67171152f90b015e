//! The API server through a real `kube::Client`, on paused time.

mod access;
mod admission;
mod apply;
mod determinism;
mod evictions;
mod objects;
mod parts;
mod watches;

use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::{Cluster, Kind, NodeSpec, Settings};

/// A cluster in which only the API server acts: the other rooms have no machines to work with.
fn cluster() -> Cluster {
    Cluster::start(Settings { nodes: Vec::<NodeSpec>::new(), ..Settings::default() }, 1)
}

fn api(client: &Client, kind: Kind) -> Api<DynamicObject> {
    let facts = kind.facts();
    let resource =
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(facts.group, facts.version, facts.kind), facts.plural);
    if facts.namespaced {
        Api::namespaced_with(client.clone(), "default", &resource)
    } else {
        Api::all_with(client.clone(), &resource)
    }
}

async fn create(client: &Client, kind: Kind, value: Value) -> kube::Result<Value> {
    let object: DynamicObject = serde_json::from_value(value).expect("an object");
    let stored = api(client, kind).create(&PostParams::default(), &object).await?;
    Ok(serde_json::to_value(&stored).expect("JSON"))
}

fn config(name: &str, labels: impl Into<Value>) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "labels": labels.into() } })
}

fn pod(name: &str, labels: impl Into<Value>) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": name, "labels": labels.into() },
        "spec": { "containers": [{ "name": "app", "image": "nginx:1" }] },
    })
}

/// Code, reason and message of a refusal.
fn refusal(result: kube::Result<Value>) -> (u16, String, String) {
    match result {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone(), status.message.clone()),
        other => panic!("no refusal: {other:?}"),
    }
}
