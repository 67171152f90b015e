//! Refuses what the real API server refuses (`pkg/apis/*/validation` of Kubernetes 1.36). Never changes an object.

mod affinity;
mod autoscaling;
mod batch;
mod cluster;
mod containers;
mod cron;
mod extensions;
mod field;
mod immutable;
mod meta;
mod network;
mod persistent;
mod pods;
mod rbac;
mod resources;
mod schema_parts;
mod security;
mod services;
mod storage_class;
mod structural;
mod volumes;
pub(super) mod words;
mod workloads;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::Kind;
use crate::api::error::Cause;

use super::admission::bad_labels;
use super::strategy::Part;
use field::{Field, Sink};

/// What is wrong with a new object.
pub(super) fn create(kind: Kind, value: &Value) -> Vec<Cause> {
    let sink = Sink::default();
    let object = Field::root(value, &sink);
    meta::metadata(kind, &object.at("metadata"));
    spec(kind, &object);
    let mut causes = sink.into_inner();
    if kind == Kind::Namespace {
        causes.extend(bad_labels(value));
    }
    causes
}

/// What is wrong with the labels and annotations of a resource within another; `at` is the path of its metadata.
pub(super) fn embedded(value: &Value, at: &str) -> Vec<Cause> {
    let sink = Sink::default();
    meta::template(&Field::root(value, &sink).at("metadata"));
    let within = |mut cause: Cause| {
        cause.field = cause.field.replacen("metadata", at, 1);
        cause
    };
    sink.into_inner().into_iter().map(within).collect()
}

/// What is wrong with a new version of an object.
pub(super) fn update(kind: Kind, part: Part, old: &Value, new: &Value) -> Vec<Cause> {
    let sink = Sink::default();
    let object = Field::root(new, &sink);
    meta::template(&object.at("metadata"));
    if part != Part::Main {
        return sink.into_inner();
    }
    sink.borrow_mut().extend(immutable::changes(kind, old, new));
    let same = |field: &str| old.get(field) == new.get(field);
    if sink.borrow().is_empty() && !(same("spec") && has_spec(kind)) {
        spec(kind, &object);
    }
    sink.into_inner()
}

/// Whether all that is checked of a kind stands in its `spec`.
fn has_spec(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::ConfigMap
            | Kind::Secret
            | Kind::Role
            | Kind::RoleBinding
            | Kind::ClusterRole
            | Kind::ClusterRoleBinding
            | Kind::StorageClass
            | Kind::PriorityClass
            | Kind::RuntimeClass
            | Kind::EndpointSlice
            | Kind::ControllerRevision
            | Kind::Stored(_)
    )
}

fn spec(kind: Kind, object: &Field<'_>) {
    match kind {
        Kind::Pod => pods::pod(object),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => workloads::workload(kind, object),
        Kind::ControllerRevision => workloads::revision(object),
        Kind::Job => batch::job(object),
        Kind::CronJob => cron::cron_job(object),
        Kind::HorizontalPodAutoscaler => autoscaling::autoscaler(object),
        Kind::PodDisruptionBudget => workloads::budget(object),
        Kind::Service => services::service(object),
        Kind::EndpointSlice => services::slice(object),
        Kind::NetworkPolicy => network::policy(object),
        Kind::PersistentVolumeClaim => persistent::claim_spec(&object.at("spec")),
        Kind::PersistentVolume => persistent::volume(object),
        Kind::StorageClass => storage_class::class(object),
        Kind::VolumeAttachment => cluster::attachment(object),
        Kind::ConfigMap => cluster::config_map(object),
        Kind::Secret => cluster::secret(object),
        Kind::LimitRange => cluster::limit_range(object),
        Kind::ResourceQuota => cluster::quota(object),
        Kind::Namespace => cluster::namespace(object),
        Kind::Node => cluster::node(object),
        Kind::PriorityClass => cluster::priority_class(object),
        Kind::RuntimeClass => cluster::runtime_class(object),
        Kind::Lease => cluster::lease(object),
        Kind::Role => rbac::role(object, true),
        Kind::ClusterRole => rbac::role(object, false),
        Kind::RoleBinding => rbac::binding(object, true),
        Kind::ClusterRoleBinding => rbac::binding(object, false),
        Kind::Stored(facts) => stored(facts.group, facts.kind, object),
        Kind::ServiceAccount | Kind::Event => {}
    }
}

/// The kinds that nothing here acts on are checked all the same.
fn stored(group: &str, kind: &str, object: &Field<'_>) {
    match (group, kind) {
        ("", "Endpoints") => services::endpoints(object),
        ("", "PodTemplate") => pods::template(&object.at("template")),
        ("", "ReplicationController") => workloads::replication_controller(object),
        ("networking.k8s.io", "Ingress") => network::ingress(object),
        ("networking.k8s.io", "IngressClass") => network::ingress_class(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => extensions::definition(object),
        ("apiregistration.k8s.io", "APIService") => extensions::api_service(object),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration") => {
            extensions::webhooks(object);
        }
        ("storage.k8s.io", "CSIDriver") => cluster::csi_driver(object),
        _ => {}
    }
}
