//! From JSON to the one type of each kind and back: what is stored always decodes, and nothing unknown is kept.

use std::fmt::Write as _;

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Event, Node, PodTemplate, ReplicationController, ResourceQuota, ServiceAccount,
};
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use k8s_openapi::api::networking::v1::{IPAddress, Ingress, ServiceCIDR};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
use k8s_openapi::api::resource::v1::{DeviceClass, ResourceClaim, ResourceClaimTemplate};
use k8s_openapi::api::storage::v1::{CSINode, VolumeAttachment, VolumeAttributesClass};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Kind;
use crate::api::error::ApiError;
use crate::kind::Facts;

use super::{custom, defaults, json};

/// Whether a kind's defaults are filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    Defaults,
    Nothing,
}

/// Decodes an object, fills in what its kind's defaults say, and encodes it again.
///
/// # Errors
/// `BadRequest` when the JSON does not fit the kind.
pub(super) fn normal(kind: Kind, value: Value) -> Result<Value, ApiError> {
    decoded(kind, value, Fill::Defaults)
}

fn decoded(kind: Kind, mut value: Value, fill: Fill) -> Result<Value, ApiError> {
    value["apiVersion"] = json!(kind.facts().api_version());
    value["kind"] = json!(kind.facts().kind);
    if has_type(kind) {
        json::readable(kind, &mut value);
        if let Some(wrong) = wrong(kind, &value) {
            let facts = kind.facts();
            let message =
                format!("{0} in version \"{1}\" cannot be handled as a {0}: {wrong}", facts.kind, facts.version);
            return Err(ApiError::bad_request(message));
        }
    }
    let read = Reading { kind, fill };
    match kind {
        Kind::Namespace => read.shape(value, defaults::namespace),
        Kind::Node => read.plain::<Node>(value),
        Kind::Pod => read.shape(value, defaults::pod),
        Kind::Service => read.shape(value, defaults::service),
        Kind::ConfigMap => read.plain::<ConfigMap>(value),
        Kind::Secret => read.shape(value, defaults::secret),
        Kind::ServiceAccount => read.plain::<ServiceAccount>(value),
        Kind::PersistentVolume => read.shape(value, defaults::persistent_volume),
        Kind::PersistentVolumeClaim => read.shape(value, defaults::persistent_volume_claim),
        Kind::Event => read.plain::<Event>(value),
        Kind::Deployment => read.shape(value, defaults::deployment),
        Kind::ReplicaSet => read.shape(value, defaults::replica_set),
        Kind::StatefulSet => read.shape(value, defaults::stateful_set),
        Kind::DaemonSet => read.shape(value, defaults::daemon_set),
        Kind::ControllerRevision => read.plain::<ControllerRevision>(value),
        Kind::Job => read.shape(value, defaults::job),
        Kind::PodDisruptionBudget => read.plain::<PodDisruptionBudget>(value),
        Kind::EndpointSlice => read.shape(value, defaults::endpoint_slice),
        Kind::NetworkPolicy => read.shape(value, defaults::network_policy),
        Kind::StorageClass => read.shape(value, defaults::storage_class),
        Kind::VolumeAttachment => read.plain::<VolumeAttachment>(value),
        Kind::Lease => read.plain::<Lease>(value),
        Kind::PriorityClass => read.shape(value, defaults::priority_class),
        Kind::Role => read.plain::<Role>(value),
        Kind::RoleBinding => read.shape(value, defaults::role_binding),
        Kind::ClusterRole => read.plain::<ClusterRole>(value),
        Kind::ClusterRoleBinding => read.shape(value, defaults::cluster_role_binding),
        Kind::CronJob => read.shape(value, defaults::cron_job),
        Kind::HorizontalPodAutoscaler => read.shape(value, defaults::horizontal_pod_autoscaler),
        Kind::LimitRange => read.shape(value, defaults::limit_range),
        Kind::ResourceQuota => read.plain::<ResourceQuota>(value),
        Kind::RuntimeClass => read.plain::<RuntimeClass>(value),
        Kind::Stored(facts) => stored(read, facts, value),
    }
}

/// What the types here would take, and those of the real server do not, in its words.
fn wrong(kind: Kind, value: &Value) -> Option<String> {
    let plain = json::bad_quantity(kind, value).or_else(|| json::bad_micro_time(kind, value));
    plain.map(str::to_owned).or_else(|| custom::wrong_status(kind, value))
}

/// One way of reading one kind.
#[derive(Clone, Copy)]
struct Reading {
    kind: Kind,
    fill: Fill,
}

impl Reading {
    fn plain<T: Serialize + DeserializeOwned>(self, value: Value) -> Result<Value, ApiError> {
        self.shape::<T>(value, |_| {})
    }

    fn shape<T: Serialize + DeserializeOwned>(
        self,
        value: Value,
        defaults: impl FnOnce(&mut T),
    ) -> Result<Value, ApiError> {
        let mut typed: T = serde_json::from_value(value).map_err(|error| {
            let facts = self.kind.facts();
            let message =
                format!("{0} in version \"{1}\" cannot be handled as a {0}: {error}", facts.kind, facts.version);
            ApiError::bad_request(message)
        })?;
        if self.fill == Fill::Defaults {
            defaults(&mut typed);
        }
        serde_json::to_value(&typed).map_err(|error| ApiError::internal(&error))
    }
}

/// The kinds that nothing here acts on, by their types; what has none here stays as it was sent.
fn stored(read: Reading, facts: &Facts, value: Value) -> Result<Value, ApiError> {
    match (facts.group, facts.kind) {
        ("", "Endpoints") => read.shape(value, defaults::endpoints),
        ("", "PodTemplate") => read.plain::<PodTemplate>(value),
        ("", "ReplicationController") => read.shape::<ReplicationController>(value, defaults::replication_controller),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration") => {
            read.shape(value, defaults::mutating_webhooks)
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => read.plain::<ValidatingAdmissionPolicy>(value),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding") => {
            read.plain::<ValidatingAdmissionPolicyBinding>(value)
        }
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration") => {
            read.shape(value, defaults::validating_webhooks)
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => read.plain::<CustomResourceDefinition>(value),
        ("apiregistration.k8s.io", "APIService") => read.shape(value, defaults::api_service),
        ("certificates.k8s.io", "CertificateSigningRequest") => read.plain::<CertificateSigningRequest>(value),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => read.plain::<FlowSchema>(value),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => {
            read.plain::<PriorityLevelConfiguration>(value)
        }
        ("networking.k8s.io", "IngressClass") => read.shape(value, defaults::ingress_class),
        ("networking.k8s.io", "Ingress") => read.plain::<Ingress>(value),
        ("networking.k8s.io", "IPAddress") => read.plain::<IPAddress>(value),
        ("networking.k8s.io", "ServiceCIDR") => read.plain::<ServiceCIDR>(value),
        ("resource.k8s.io", "DeviceClass") => read.plain::<DeviceClass>(value),
        ("resource.k8s.io", "ResourceClaim") => read.plain::<ResourceClaim>(value),
        ("resource.k8s.io", "ResourceClaimTemplate") => read.plain::<ResourceClaimTemplate>(value),
        ("storage.k8s.io", "CSIDriver") => read.shape(value, defaults::csi_driver),
        ("storage.k8s.io", "CSINode") => read.plain::<CSINode>(value),
        ("storage.k8s.io", "VolumeAttributesClass") => read.plain::<VolumeAttributesClass>(value),
        _ => Ok(value),
    }
}

/// Whether a kind's objects go through a type: those of custom kinds have a schema of their own.
fn has_type(kind: Kind) -> bool {
    !kind.is_custom()
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
pub(super) fn unknown_fields(kind: Kind, value: &Value) -> Result<Vec<String>, ApiError> {
    if !has_type(kind) {
        return Ok(Vec::new());
    }
    let known = decoded(kind, value.clone(), Fill::Nothing)?;
    let mut unknown = Vec::new();
    compare(value, &known, "", &mut unknown);
    let mut fields = Vec::new();
    leaves(value, String::new(), &mut fields);
    let is_lost = |pointer: &str| {
        let (parent, _) = pointer.rsplit_once('/').unwrap_or_default();
        value.pointer(parent).is_some_and(Value::is_object)
            && value.pointer(pointer).is_some_and(Value::is_null)
            && known.pointer(pointer).is_none()
            && known.pointer(parent).is_some()
    };
    let lost = fields.into_iter().filter(|(pointer, _)| is_lost(pointer) && !is_field(kind, value, pointer));
    unknown.extend(lost.map(|(_, path)| path));
    Ok(unknown)
}

/// Whether a kind has the field at a place where an object holds a null, of which no decoding tells: an object in its place
/// either stays or does not fit.
fn is_field(kind: Kind, value: &Value, pointer: &str) -> bool {
    let mut probe = value.clone();
    if let Some(null) = probe.pointer_mut(pointer) {
        *null = json!({ "probe": 1 });
    }
    decoded(kind, probe, Fill::Nothing).map_or(true, |known| known.pointer(pointer).is_some())
}

/// Notes what is given and not known; of nulls it cannot tell.
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

/// The field because of which an object does not decode: the first whose absence mends it.
#[must_use]
pub fn misfit(kind: Kind, value: &Value) -> Option<String> {
    let mut paths = Vec::new();
    leaves(value, String::new(), &mut paths);
    paths
        .into_iter()
        .find(|(pointer, _)| {
            let mut without = value.clone();
            remove(&mut without, pointer);
            decoded(kind, without, Fill::Nothing).is_ok()
        })
        .map(|(_, path)| path)
}

fn leaves(value: &Value, pointer: String, paths: &mut Vec<(String, String)>) {
    let start = paths.len();
    let shown = |pointer: &str| {
        let mut path = String::new();
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            if part.bytes().all(|byte| byte.is_ascii_digit()) {
                let _ = write!(path, "[{part}]");
            } else {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(&part);
            }
        }
        path
    };
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                leaves(inner, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), paths);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                leaves(inner, format!("{pointer}/{index}"), paths);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    // What is below comes first: the smallest part that mends it is blamed.
    if !pointer.is_empty() && (start == paths.len() || value.is_object() || value.is_array()) {
        let path = shown(&pointer);
        paths.push((pointer, path));
    }
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&last.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => {
            if let Ok(index) = last.parse::<usize>()
                && index < items.len()
            {
                items.remove(index);
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
    }
}
