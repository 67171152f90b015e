//! From JSON to the one type of each kind and back: what is stored always decodes, and nothing unknown is kept.

use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Node, ServiceAccount};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::api::storage::v1::VolumeAttachment;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Kind;
use crate::api::error::ApiError;

use super::defaults;

/// Decodes an object, fills in what its kind's defaults say, and encodes it again.
///
/// # Errors
/// `BadRequest` when the JSON does not fit the kind.
pub(super) fn normal(kind: Kind, mut value: Value) -> Result<Value, ApiError> {
    value["apiVersion"] = json!(kind.facts().api_version());
    value["kind"] = json!(kind.facts().kind);
    quantities(&mut value);
    match kind {
        Kind::Namespace => shape(kind, value, defaults::namespace),
        Kind::Node => shape::<Node>(kind, value, nothing),
        Kind::Pod => shape(kind, value, defaults::pod),
        Kind::Service => shape(kind, value, defaults::service),
        Kind::ConfigMap => shape::<ConfigMap>(kind, value, nothing),
        Kind::Secret => shape(kind, value, defaults::secret),
        Kind::ServiceAccount => shape::<ServiceAccount>(kind, value, nothing),
        Kind::PersistentVolume => shape(kind, value, defaults::persistent_volume),
        Kind::PersistentVolumeClaim => shape(kind, value, defaults::persistent_volume_claim),
        Kind::Event => shape::<Event>(kind, value, nothing),
        Kind::Deployment => shape(kind, value, defaults::deployment),
        Kind::ReplicaSet => shape(kind, value, defaults::replica_set),
        Kind::StatefulSet => shape(kind, value, defaults::stateful_set),
        Kind::DaemonSet => shape(kind, value, defaults::daemon_set),
        Kind::ControllerRevision => shape::<ControllerRevision>(kind, value, nothing),
        Kind::Job => shape(kind, value, defaults::job),
        Kind::PodDisruptionBudget => shape::<PodDisruptionBudget>(kind, value, nothing),
        Kind::EndpointSlice => shape(kind, value, defaults::endpoint_slice),
        Kind::NetworkPolicy => shape(kind, value, defaults::network_policy),
        Kind::StorageClass => shape(kind, value, defaults::storage_class),
        Kind::VolumeAttachment => shape::<VolumeAttachment>(kind, value, nothing),
        Kind::Lease => shape::<Lease>(kind, value, nothing),
        Kind::PriorityClass => shape(kind, value, defaults::priority_class),
        Kind::Role => shape::<Role>(kind, value, nothing),
        Kind::RoleBinding => shape::<RoleBinding>(kind, value, nothing),
        Kind::ClusterRole => shape::<ClusterRole>(kind, value, nothing),
        Kind::ClusterRoleBinding => shape::<ClusterRoleBinding>(kind, value, nothing),
    }
}

fn nothing<T>(_: &mut T) {}

fn shape<T: Serialize + DeserializeOwned>(
    kind: Kind,
    value: Value,
    defaults: impl FnOnce(&mut T),
) -> Result<Value, ApiError> {
    let mut typed: T = serde_json::from_value(value).map_err(|error| {
        let facts = kind.facts();
        let message = format!("{0} in version \"{1}\" cannot be handled as a {0}: {error}", facts.kind, facts.version);
        ApiError::bad_request(message)
    })?;
    defaults(&mut typed);
    serde_json::to_value(&typed).map_err(|error| ApiError::internal(&error))
}

/// Quantities may be written as numbers (`cpu: 2`); the types know them as strings only.
fn quantities(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if matches!(name.as_str(), "requests" | "limits" | "capacity" | "allocatable" | "hard")
                    && let Value::Object(amounts) = field
                {
                    amounts.values_mut().for_each(number_to_text);
                } else if matches!(name.as_str(), "sizeLimit" | "divisor") {
                    number_to_text(field);
                } else {
                    quantities(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(quantities),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn number_to_text(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

/// An object as it would be stored: with its kind's defaults, and without what the kind does not know.
///
/// # Errors
/// `BadRequest` when the JSON does not fit the kind.
pub fn defaulted(kind: Kind, value: Value) -> Result<Value, ApiError> {
    normal(kind, value)
}

/// Paths of fields that the kind does not have, such as `spec.template.spec.containers[0].imagee`.
///
/// # Errors
/// `BadRequest` when the JSON does not fit the kind at all.
pub fn unknown_fields(kind: Kind, value: &Value) -> Result<Vec<String>, ApiError> {
    let known = normal(kind, value.clone())?;
    let mut unknown = Vec::new();
    compare(value, &known, "", &mut unknown);
    Ok(unknown)
}

fn compare(given: &Value, known: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            for (name, field) in given {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match known.get(name) {
                    Some(same) => compare(field, same, &path, unknown),
                    None if field.is_null() => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            for (index, (item, same)) in given.iter().zip(known).enumerate() {
                compare(item, same, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}
