//! Namespaces, Services and the smaller kinds.

use k8s_openapi::api::autoscaling::v2::{
    HPAScalingPolicy, HorizontalPodAutoscaler, HorizontalPodAutoscalerBehavior, MetricSpec, MetricTarget,
    ResourceMetricSource,
};
use k8s_openapi::api::core::v1::{LimitRange, Namespace, Secret, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{IngressClass, NetworkPolicy};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{unless_set, unless_text};

const RBAC: &str = "rbac.authorization.k8s.io";

/// A namespace carries its name as a label, and a finalizer until its contents are gone.
pub(in crate::registry) fn namespace(namespace: &mut Namespace) {
    let name = namespace.metadata.name.clone().unwrap_or_default();
    let labels = namespace.metadata.labels.get_or_insert_default();
    labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    unless_text(&mut namespace.status.get_or_insert_default().phase, "Active");
}

/// A Service; its addresses are allocated by `admission`.
pub(in crate::registry) fn service(service: &mut Service) {
    let spec = service.spec.get_or_insert_default();
    unless_text(&mut spec.type_, "ClusterIP");
    unless_text(&mut spec.session_affinity, "None");
    match spec.session_affinity.as_deref() {
        Some("None") => spec.session_affinity_config = None,
        Some("ClientIP") => {
            let config = spec.session_affinity_config.get_or_insert_default();
            unless_set(&mut config.client_ip.get_or_insert_default().timeout_seconds, 10_800);
        }
        _ => {}
    }
    for port in spec.ports.iter_mut().flatten() {
        unless_text(&mut port.protocol, "TCP");
        let absent = match &port.target_port {
            None | Some(IntOrString::Int(0)) => true,
            Some(IntOrString::String(name)) => name.is_empty(),
            Some(IntOrString::Int(_)) => false,
        };
        if absent {
            port.target_port = Some(IntOrString::Int(port.port));
        }
    }
    if spec.type_.as_deref() == Some("ExternalName") {
        return;
    }
    unless_text(&mut spec.internal_traffic_policy, "Cluster");
    let has_external = spec.external_ips.as_ref().is_some_and(|ips| !ips.is_empty());
    if matches!(spec.type_.as_deref(), Some("NodePort" | "LoadBalancer")) || has_external {
        unless_text(&mut spec.external_traffic_policy, "Cluster");
    }
    if spec.type_.as_deref() == Some("LoadBalancer") {
        unless_set(&mut spec.allocate_load_balancer_node_ports, true);
    }
    service.status.get_or_insert_default().load_balancer.get_or_insert_default();
}

/// A Secret; `stringData` is write-only and goes to `data`.
pub(in crate::registry) fn secret(secret: &mut Secret) {
    unless_text(&mut secret.type_, "Opaque");
    for (name, text) in secret.string_data.take().unwrap_or_default() {
        secret.data.get_or_insert_default().insert(name, k8s_openapi::ByteString(text.into_bytes()));
    }
}

/// The group of roles is implied; that of subjects, unless they are accounts.
fn role_ref(reference: &mut RoleRef, subjects: Option<&mut Vec<Subject>>) {
    unless_text(&mut reference.api_group, RBAC);
    for subject in subjects.into_iter().flatten() {
        if matches!(subject.kind.as_str(), "User" | "Group") {
            unless_text(&mut subject.api_group, RBAC);
        }
    }
}

/// A `RoleBinding`.
pub(in crate::registry) fn role_binding(binding: &mut RoleBinding) {
    role_ref(&mut binding.role_ref, binding.subjects.as_mut());
}

/// A `ClusterRoleBinding`.
pub(in crate::registry) fn cluster_role_binding(binding: &mut ClusterRoleBinding) {
    role_ref(&mut binding.role_ref, binding.subjects.as_mut());
}

/// An `IngressClass`.
pub(in crate::registry) fn ingress_class(class: &mut IngressClass) {
    if let Some(parameters) = class.spec.as_mut().and_then(|spec| spec.parameters.as_mut()) {
        unless_text(&mut parameters.scope, "Cluster");
    }
}

/// An EndpointSlice.
pub(in crate::registry) fn endpoint_slice(slice: &mut EndpointSlice) {
    slice.endpoints.get_or_insert_default();
    for port in slice.ports.iter_mut().flatten() {
        unless_set(&mut port.name, "");
        unless_text(&mut port.protocol, "TCP");
    }
}

/// A NetworkPolicy is about ingress, and about egress when it has egress rules.
pub(in crate::registry) fn network_policy(policy: &mut NetworkPolicy) {
    let spec = policy.spec.get_or_insert_default();
    spec.pod_selector.get_or_insert_default();
    if spec.policy_types.as_ref().is_none_or(Vec::is_empty) {
        let mut types = vec!["Ingress".to_owned()];
        if spec.egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
            types.push("Egress".to_owned());
        }
        spec.policy_types = Some(types);
    }
    let ingress = spec.ingress.iter_mut().flatten().flat_map(|rule| rule.ports.iter_mut().flatten());
    let egress = spec.egress.iter_mut().flatten().flat_map(|rule| rule.ports.iter_mut().flatten());
    for port in ingress.chain(egress) {
        unless_text(&mut port.protocol, "TCP");
    }
}

/// A StorageClass.
pub(in crate::registry) fn storage_class(class: &mut StorageClass) {
    unless_text(&mut class.reclaim_policy, "Delete");
    unless_text(&mut class.volume_binding_mode, "Immediate");
}

/// A priority class.
pub(in crate::registry) fn priority_class(class: &mut PriorityClass) {
    unless_set(&mut class.value, 0);
    unless_text(&mut class.preemption_policy, "PreemptLowerPriority");
}

/// A `HorizontalPodAutoscaler` watches the CPU unless it says otherwise.
pub(in crate::registry) fn horizontal_pod_autoscaler(scaler: &mut HorizontalPodAutoscaler) {
    let spec = &mut scaler.spec;
    unless_set(&mut spec.min_replicas, 1);
    spec.behavior.iter_mut().for_each(behavior);
    if spec.metrics.as_ref().is_none_or(Vec::is_empty) {
        let target =
            MetricTarget { type_: "Utilization".to_owned(), average_utilization: Some(80), ..MetricTarget::default() };
        let resource = Some(ResourceMetricSource { name: "cpu".to_owned(), target });
        let metric = MetricSpec { type_: "Resource".to_owned(), resource, ..MetricSpec::default() };
        spec.metrics = Some(vec![metric]);
    }
}

/// What an autoscaler's behavior leaves open, once it says anything: up fast, down as fast as the window allows
/// (`SetDefaults_HorizontalPodAutoscalerBehavior`).
fn behavior(behavior: &mut HorizontalPodAutoscalerBehavior) {
    let policy = |type_: &str, value| HPAScalingPolicy { period_seconds: 15, type_: type_.to_owned(), value };
    let up = behavior.scale_up.get_or_insert_default();
    unless_set(&mut up.stabilization_window_seconds, 0);
    unless_set(&mut up.policies, vec![policy("Pods", 4), policy("Percent", 100)]);
    unless_text(&mut up.select_policy, "Max");
    let down = behavior.scale_down.get_or_insert_default();
    unless_set(&mut down.policies, vec![policy("Percent", 100)]);
    unless_text(&mut down.select_policy, "Max");
}

/// A limit of containers without a default has its maximum as one, and a request without a default its limit, then its minimum
/// (`SetDefaults_LimitRangeItem`).
pub(in crate::registry) fn limit_range(range: &mut LimitRange) {
    for item in range.spec.iter_mut().flat_map(|spec| spec.limits.iter_mut()).filter(|item| item.type_ == "Container") {
        let limits = item.default.get_or_insert_default();
        for (resource, most) in item.max.iter().flatten() {
            limits.entry(resource.clone()).or_insert_with(|| most.clone());
        }
        let requests = item.default_request.get_or_insert_default();
        for (resource, limit) in limits.iter() {
            requests.entry(resource.clone()).or_insert_with(|| limit.clone());
        }
        for (resource, least) in item.min.iter().flatten() {
            requests.entry(resource.clone()).or_insert_with(|| least.clone());
        }
    }
}
