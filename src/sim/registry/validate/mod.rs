//! Refuses what the real API server refuses, as far as manifests of workloads go wrong in practice
//! (`pkg/apis/*/validation`). Never changes an object.

mod immutable;
mod names;
mod pods;
mod services;
mod workloads;

use serde_json::Value;

use crate::Kind;
use crate::api::error::Cause;

use super::strategy::Part;

/// What is wrong with a new object.
pub(super) fn create(kind: Kind, value: &Value) -> Vec<Cause> {
    let mut causes = names::metadata(kind, value);
    spec(kind, value, &mut causes);
    causes
}

/// What is wrong with a new version of an object.
pub(super) fn update(kind: Kind, part: Part, old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = names::labels(new, "metadata");
    if part == Part::Main {
        causes.extend(immutable::changes(kind, old, new));
        if causes.is_empty() && old.get("spec") != new.get("spec") {
            spec(kind, new, &mut causes);
        }
    }
    causes
}

fn spec(kind: Kind, value: &Value, causes: &mut Vec<Cause>) {
    match kind {
        Kind::Pod => pods::spec(&value["spec"], "spec", causes),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => {
            workloads::workload(kind, value, causes);
        }
        Kind::PodDisruptionBudget => workloads::budget(value, causes),
        Kind::Service => services::service(value, causes),
        Kind::NetworkPolicy => services::policy(value, causes),
        Kind::PersistentVolumeClaim => services::claim(value, causes),
        Kind::Namespace
        | Kind::Node
        | Kind::ConfigMap
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::PersistentVolume
        | Kind::Event
        | Kind::ControllerRevision
        | Kind::EndpointSlice
        | Kind::StorageClass
        | Kind::VolumeAttachment
        | Kind::Lease
        | Kind::PriorityClass
        | Kind::Role
        | Kind::RoleBinding
        | Kind::ClusterRole
        | Kind::ClusterRoleBinding => {}
    }
}

/// A text below a value, empty when absent.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a list below a value, with their index.
fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// A number that may not be negative.
fn not_negative(value: &Value, field: &str, path: &str, causes: &mut Vec<Cause>) {
    if let Some(number) = value.get(field).filter(|number| number.as_i64().is_some_and(|number| number < 0)) {
        causes.push(Cause::invalid(format!("{path}.{field}"), number, "must be greater than or equal to 0"));
    }
}
