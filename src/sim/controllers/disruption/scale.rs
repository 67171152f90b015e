//! How many pods there should be, asked of the pods' owners.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

use crate::{Key, Kind, Object, State};

/// The sum of the scales of all controllers of these pods (`getExpectedScale`); pods without a controller count for
/// nothing.
///
/// # Errors
/// When a controller cannot be scaled, such as a DaemonSet or a Job: the message of the `SyncFailed` condition.
pub(super) fn expected(state: &State, namespace: &str, pods: &[Arc<Object>]) -> Result<i32, String> {
    let mut scales: BTreeMap<String, i32> = BTreeMap::new();
    for pod in pods {
        if pod.controller_uid().is_none_or(|uid| scales.contains_key(uid)) {
            continue;
        }
        let Some(owner) = controller(pod) else { continue };
        let Some((uid, replicas)) = scale(state, namespace, &owner)? else { continue };
        scales.insert(owner.uid, 0);
        scales.insert(uid, replicas);
    }
    Ok(scales.values().sum())
}

fn controller(object: &Object) -> Option<OwnerReference> {
    let owners = object.at("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    serde_json::from_value(owner.clone()).ok()
}

/// The scale that an owner has, or for a Deployment's ReplicaSet the Deployment's. `None` when the owner is gone.
fn scale(state: &State, namespace: &str, owner: &OwnerReference) -> Result<Option<(String, i32)>, String> {
    let kind = Kind::by_name(&owner.api_version, &owner.kind).filter(|kind| kind.facts().scale);
    let Some(kind) = kind else {
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        let resource = format!("{}s", owner.kind.to_lowercase());
        let resource = if group.is_empty() { resource } else { format!("{resource}.{group}") };
        return Err(format!("{resource} does not implement the scale subresource"));
    };
    let found = state.store.get(kind, &Key::new(namespace, owner.name.clone()));
    let Some(object) = found.filter(|object| object.uid() == owner.uid) else { return Ok(None) };
    if let (Kind::ReplicaSet, Some(above)) = (kind, controller(object)) {
        return scale(state, namespace, &above);
    }
    let replicas = object.at("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    Ok(Some((object.uid().to_owned(), i32::try_from(replicas).unwrap_or(i32::MAX))))
}
