//! What each kind's fields are when a manifest says nothing, from `pkg/apis/*/v1/defaults.go` of Kubernetes.
//! Never looks at other objects or settings: that is `admission`'s.

mod extensions;
mod pod;
mod rest;
mod volumes;
mod workload;

pub(super) use extensions::{api_service, csi_driver, endpoints, mutating_webhooks, validating_webhooks};
pub(super) use pod::pod;
pub(super) use rest::{
    cluster_role_binding, endpoint_slice, horizontal_pod_autoscaler, ingress_class, limit_range, namespace,
    network_policy, priority_class, role_binding, secret, service, storage_class,
};
pub(super) use volumes::{persistent_volume, persistent_volume_claim};
pub(super) use workload::{cron_job, daemon_set, deployment, job, replica_set, replication_controller, stateful_set};

/// Sets a field that is absent.
fn unless_set<T>(field: &mut Option<T>, value: impl Into<T>) {
    if field.is_none() {
        *field = Some(value.into());
    }
}

/// Sets a text that is absent or empty.
fn unless_text(field: &mut Option<String>, value: &str) {
    if field.as_deref().is_none_or(str::is_empty) {
        *field = Some(value.to_owned());
    }
}
