//! Objects of any kind through one client: created, patched, listed, deleted, as JSON.

use std::time::Duration;

use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams, PostParams,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// A kind as the API names it.
pub(crate) fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// The API of a kind, in a namespace or of the whole cluster.
pub(crate) fn api(client: &kube::Client, api_version: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = resource(api_version, kind);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// An object as JSON, its kind included: items of a list do not carry it.
pub(crate) fn json(object: &DynamicObject, kind: &str) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    value["kind"] = kind.into();
    value
}

/// All objects of a kind, as JSON.
pub(crate) async fn list(
    client: &kube::Client,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
) -> Result<Vec<Value>, String> {
    let listed = api(client, api_version, kind, namespace).list(&ListParams::default()).await;
    let listed = listed.map_err(|error| format!("list {kind}: {error}"))?;
    Ok(listed.items.iter().map(|object| json(object, kind)).collect())
}

/// Creates an object in a namespace, whatever namespace it says itself; cluster-scoped kinds are created as they are.
pub(crate) async fn create(client: &kube::Client, namespace: &str, manifest: &Value) -> Result<(), String> {
    let text = |field: &str| manifest[field].as_str().unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let object: DynamicObject =
        serde_json::from_value(manifest.clone()).map_err(|error| format!("read {kind}: {error}"))?;
    let name = object.metadata.name.clone().unwrap_or_default();
    let place = (kind != "Namespace").then_some(namespace);
    let created = api(client, api_version, kind, place).create(&PostParams::default(), &object).await;
    created.map(drop).map_err(|error| format!("create {kind} {name}: {error}"))
}

/// Creates an object as [`create`] does; a namespace that was just made has no service account yet: it is tried again.
pub(crate) async fn create_patiently(client: &kube::Client, namespace: &str, manifest: &Value) -> Result<(), String> {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match create(client, namespace, manifest).await {
            Err(why) if why.contains("serviceaccount") && Instant::now() < deadline => {
                sleep(Duration::from_millis(100)).await;
            }
            answer => return answer,
        }
    }
}

/// Merges a patch into an object.
pub(crate) async fn merge(api: &Api<DynamicObject>, name: &str, patch: &Value) -> Result<(), String> {
    let patched = api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await;
    patched.map(drop).map_err(|error| format!("patch {name}: {error}"))
}

/// Deletes an object; one that is gone is as good.
pub(crate) async fn delete(api: &Api<DynamicObject>, name: &str, grace: Option<u32>) -> Result<(), String> {
    let parameters = DeleteParams { grace_period_seconds: grace, ..DeleteParams::background() };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        Err(error) => Err(format!("delete {name}: {error}")),
    }
}
