//! Which part of an object a request may write, as the `Strategy` of each kind in `pkg/registry` says.

use serde_json::{Value, json};

use crate::Kind;

/// Which part of an object a request writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The object itself: status is left as it is.
    Main,
    /// The `/status` subresource: only status.
    Status,
}

/// Metadata that only the server sets.
const SERVER_OWNED: [&str; 7] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
];

/// Whether `metadata.generation` is kept for this kind.
pub(super) fn has_generation(kind: Kind) -> bool {
    match kind {
        Kind::Pod
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::Job
        | Kind::PodDisruptionBudget
        | Kind::NetworkPolicy
        | Kind::EndpointSlice
        | Kind::PriorityClass
        | Kind::CronJob
        | Kind::Stored(_) => true,
        Kind::Namespace
        | Kind::Node
        | Kind::Service
        | Kind::ConfigMap
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::PersistentVolume
        | Kind::PersistentVolumeClaim
        | Kind::Event
        | Kind::ControllerRevision
        | Kind::StorageClass
        | Kind::VolumeAttachment
        | Kind::Lease
        | Kind::Role
        | Kind::RoleBinding
        | Kind::ClusterRole
        | Kind::ClusterRoleBinding
        | Kind::HorizontalPodAutoscaler
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::RuntimeClass => false,
    }
}

/// Kinds whose strategy has no `AllowUnconditionalUpdate`: an update must say which version it was made from.
pub(super) fn needs_version(kind: Kind) -> bool {
    matches!(kind, Kind::Lease | Kind::PodDisruptionBudget | Kind::VolumeAttachment)
}

/// Whether what counts for the generation is the same. `EndpointSlice` and `PriorityClass` have no spec.
pub(super) fn same_spec(kind: Kind, old: &Value, new: &Value) -> bool {
    let same = |field: &str| old.get(field) == new.get(field);
    if kind == Kind::EndpointSlice { same("endpoints") && same("ports") } else { same("spec") }
}

/// Drops what a client may not set on a new object. A Node brings its status along, as kubelets register.
pub(super) fn before_create(kind: Kind, value: &mut Value) {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in SERVER_OWNED {
            metadata.remove(field);
        }
    }
    if kind.facts().status
        && kind != Kind::Node
        && let Some(fields) = value.as_object_mut()
    {
        fields.remove("status");
    }
}

/// What a request makes of an object: the new one with everything that it may not write taken from the old one.
pub(super) fn before_update(kind: Kind, part: Part, old: &Value, mut new: Value) -> Value {
    let take = |new: &mut Value, field: &str| match old.get(field) {
        Some(kept) => new[field] = kept.clone(),
        None => {
            if let Some(fields) = new.as_object_mut() {
                fields.remove(field);
            }
        }
    };
    match part {
        Part::Main if kind.facts().status => take(&mut new, "status"),
        Part::Main => {}
        Part::Status => {
            take(&mut new, "spec");
            // Kubelets write annotations of pods and nodes through their status; elsewhere metadata stays.
            if !matches!(kind, Kind::Pod | Kind::Node) {
                let managed = new.pointer("/metadata/managedFields").cloned();
                take(&mut new, "metadata");
                if let Some(managed) = managed {
                    new["metadata"]["managedFields"] = managed;
                }
            }
        }
    }
    for field in SERVER_OWNED.into_iter().chain(["name", "namespace", "generateName"]) {
        match old.pointer("/metadata").and_then(|metadata| metadata.get(field)) {
            Some(kept) => new["metadata"][field] = kept.clone(),
            None => {
                if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
                    metadata.remove(field);
                }
            }
        }
    }
    if kind == Kind::Service {
        keep_addresses(old, &mut new);
    }
    if kind == Kind::Namespace
        && let Some(finalizers) = old.pointer("/spec/finalizers")
    {
        new["spec"]["finalizers"] = finalizers.clone();
    }
    new
}

/// An update that leaves the allocated addresses out keeps them (`patchAllocatedValues`).
fn keep_addresses(old: &Value, new: &mut Value) {
    let headless_or_external = new.pointer("/spec/type") == Some(&json!("ExternalName"));
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let absent = new["spec"].get(field).is_none_or(|value| value.is_null() || value == "");
        if let Some(kept) = old.pointer("/spec").and_then(|spec| spec.get(field))
            && absent
            && !headless_or_external
        {
            new["spec"][field] = kept.clone();
        }
    }
}
