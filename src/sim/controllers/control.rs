//! What the workload controllers share: making a pod from a template, deleting one, adopting and releasing.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Map, Value, json};

use super::index;
use super::pod::key_of;
use crate::api::error::ApiError;
use crate::labels;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

/// The owner reference of a controller.
pub(super) fn controller_reference(kind: Kind, owner: &Object) -> Value {
    json!({
        "apiVersion": kind.facts().api_version(), "kind": kind.facts().kind,
        "name": owner.text("/metadata/name"), "uid": owner.uid(),
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// A pod as `spec.template` describes it, in its owner's namespace; the caller adds a name or `generateName`.
pub(super) fn pod_from_template(kind: Kind, owner: &Object, template: &Value) -> Value {
    let mut metadata = Map::new();
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template.get("metadata").and_then(|metadata| metadata.get(field)) {
            metadata.insert(field.to_owned(), value.clone());
        }
    }
    metadata.insert("namespace".to_owned(), json!(owner.text("/metadata/namespace")));
    metadata.insert("ownerReferences".to_owned(), json!([controller_reference(kind, owner)]));
    json!({ "metadata": metadata, "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})) })
}

/// Records an event of a workload controller on its object, as `replicaset-controller` and the like.
pub(super) fn record(state: &mut State, kind: Kind, key: &Key, event_type: &str, reason: &str, message: &str) {
    let component = format!("{}-controller", kind.facts().kind.to_lowercase());
    state.event(kind, key, event_type, reason, &component, message);
}

/// Creates a pod for an owner and records that it did or could not.
///
/// # Errors
/// Whatever admission says.
pub(super) fn create_pod(state: &mut State, kind: Kind, owner: &Key, pod: Value) -> Result<Arc<Object>, ApiError> {
    let created = state.create(Kind::Pod, pod);
    match &created {
        Ok(pod) => {
            let message = format!("Created pod: {}", pod.text("/metadata/name"));
            record(state, kind, owner, "Normal", "SuccessfulCreate", &message);
        }
        Err(error) => {
            record(state, kind, owner, "Warning", "FailedCreate", &format!("Error creating: {}", error.message));
        }
    }
    created
}

/// Deletes a pod of an owner with the pod's own grace period and records that it did.
pub(super) fn delete_pod(state: &mut State, kind: Kind, owner: &Key, pod: &Object) {
    if delete_exactly(state, Kind::Pod, pod) {
        let message = format!("Deleted pod: {}", pod.text("/metadata/name"));
        record(state, kind, owner, "Normal", "SuccessfulDelete", &message);
    }
}

/// Deletes this very object (by UID) in the background; `false` when it is already gone.
pub(super) fn delete_exactly(state: &mut State, kind: Kind, object: &Object) -> bool {
    let options = DeleteOptions {
        uid: Some(object.uid().to_owned()),
        propagation: Some("Background".to_owned()),
        ..DeleteOptions::default()
    };
    state.delete(kind, &key_of(object), &options).is_ok()
}

/// The pods of an owner, ordered by name: those that it controls and selects. Adopts matching orphans and releases
/// pods that no longer match, as the real `PodControllerRefManager` does. `adoptable` is what else an orphan must be.
pub(super) fn claim_pods(
    state: &mut State,
    kind: Kind,
    owner: &Object,
    wanted: &LabelSelector,
    adoptable: impl Fn(&Object) -> bool,
) -> Vec<Arc<Object>> {
    let namespace = owner.text("/metadata/namespace");
    let (mut mine, strays): (Vec<_>, Vec<_>) = state
        .store
        .owned_by(owner.uid())
        .filter(|(kind, ..)| *kind == Kind::Pod)
        .map(|(_, _, pod)| pod.clone())
        .partition(|pod| labels::matches(wanted, pod));
    if owner.is_terminating() || labels::is_empty(wanted) {
        return mine;
    }
    for pod in strays.iter().filter(|pod| !pod.is_terminating()) {
        release(state, Kind::Pod, pod, owner.uid());
    }
    let orphans: Vec<_> = index::orphans(state, namespace)
        .filter(|pod| labels::matches(wanted, pod) && !pod.is_terminating() && adoptable(pod))
        .cloned()
        .collect();
    if orphans.is_empty() {
        return mine;
    }
    mine.extend(orphans.iter().filter_map(|pod| adopt(state, kind, owner, Kind::Pod, pod)));
    mine.sort_by_key(|pod| key_of(pod));
    mine
}

/// Makes an owner the controller of an orphan.
pub(super) fn adopt(
    state: &mut State,
    kind: Kind,
    owner: &Object,
    orphan_kind: Kind,
    orphan: &Object,
) -> Option<Arc<Object>> {
    append_owner(state, controller_reference(kind, owner), orphan_kind, orphan)
}

/// Makes an owner one of a dependent's owners, without controlling it.
pub(super) fn add_owner(state: &mut State, kind: Kind, owner: &Object, dependent_kind: Kind, dependent: &Object) {
    let mut reference = controller_reference(kind, owner);
    if let Some(fields) = reference.as_object_mut() {
        fields.remove("controller");
        fields.remove("blockOwnerDeletion");
    }
    append_owner(state, reference, dependent_kind, dependent);
}

fn append_owner(state: &mut State, reference: Value, kind: Kind, object: &Object) -> Option<Arc<Object>> {
    state
        .modify_value(kind, &key_of(object), |value| {
            let references = &mut value["metadata"]["ownerReferences"];
            match references.as_array_mut() {
                Some(list) => list.push(reference),
                None => *references = json!([reference]),
            }
        })
        .ok()
}

/// Removes the owner reference with this UID.
pub(super) fn release(state: &mut State, kind: Kind, object: &Object, owner: &str) {
    let _ = state.modify_value(kind, &key_of(object), |value| {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(references) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else { return };
        references.retain(|reference| reference.get("uid").and_then(Value::as_str) != Some(owner));
        if references.is_empty() {
            metadata.remove("ownerReferences");
        }
    });
}
