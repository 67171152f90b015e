//! Pods and pod templates.

use std::sync::LazyLock;

use k8s_openapi::api::core::v1::{
    Container, HTTPGetAction, Pod, PodCondition, PodSpec, PodStatus, Probe, ResourceRequirements,
};
use regex::Regex;

use super::volumes::volume;
use super::{unless_set, unless_text};
use crate::registry::qos::qos_class;

/// A pod: the rules for templates, and those for pods alone.
pub(in crate::registry) fn pod(pod: &mut Pod) {
    let spec = pod.spec.get_or_insert_default();
    pod_spec(spec);
    // A negative grace counts as the shortest (`PrepareForCreate`).
    if spec.termination_grace_period_seconds.is_some_and(|seconds| seconds < 0) {
        spec.termination_grace_period_seconds = Some(1);
    }
    unless_set(&mut spec.enable_service_links, true);
    unless_text(&mut spec.service_account_name, "default");
    spec.service_account.clone_from(&spec.service_account_name);
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        if let Some(resources) = &mut container.resources {
            limits_are_requests(resources);
        }
    }
    let status = pod.status.get_or_insert_with(PodStatus::default);
    unless_text(&mut status.phase, "Pending");
    tell_of_gates(spec, status);
    if status.qos_class.is_none() {
        status.qos_class = Some(qos_class(spec).to_owned());
    }
}

/// A pod that may not be scheduled yet says so from the start (`applySchedulingGatedCondition`).
fn tell_of_gates(spec: &PodSpec, status: &mut PodStatus) {
    let conditions = status.conditions.iter().flatten();
    if spec.scheduling_gates.as_ref().is_none_or(Vec::is_empty)
        || conditions.into_iter().any(|known| known.type_ == "PodScheduled")
    {
        return;
    }
    status.conditions.get_or_insert_default().push(PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        reason: Some("SchedulingGated".to_owned()),
        message: Some("Scheduling is blocked due to non-empty scheduling gates".to_owned()),
        ..PodCondition::default()
    });
}

/// The spec of a pod or of a template.
pub(super) fn pod_spec(spec: &mut PodSpec) {
    unless_text(&mut spec.restart_policy, "Always");
    unless_text(&mut spec.dns_policy, "ClusterFirst");
    unless_text(&mut spec.scheduler_name, "default-scheduler");
    unless_set(&mut spec.termination_grace_period_seconds, 30);
    spec.security_context.get_or_insert_default();
    // The name that the field had first.
    if spec.service_account_name.as_deref().is_none_or(str::is_empty) {
        spec.service_account_name.clone_from(&spec.service_account);
    }
    spec.service_account.clone_from(&spec.service_account_name);
    for each in spec.volumes.iter_mut().flatten() {
        volume(each);
    }
    let host_network = spec.host_network == Some(true);
    for each in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        container(each, host_network);
    }
}

fn container(container: &mut Container, host_network: bool) {
    let image = container.image.as_deref().unwrap_or_default();
    if container.image_pull_policy.as_deref().is_none_or(str::is_empty) {
        container.image_pull_policy = Some(pull_policy(image).to_owned());
    }
    unless_text(&mut container.termination_message_path, "/dev/termination-log");
    unless_text(&mut container.termination_message_policy, "File");
    container.resources.get_or_insert_default();
    for port in container.ports.iter_mut().flatten() {
        unless_text(&mut port.protocol, "TCP");
        if host_network {
            unless_set(&mut port.host_port, port.container_port);
        }
    }
    for variable in container.env.iter_mut().flatten() {
        if let Some(field) = variable.value_from.as_mut().and_then(|from| from.field_ref.as_mut()) {
            unless_text(&mut field.api_version, "v1");
        }
    }
    let probes = [&mut container.startup_probe, &mut container.readiness_probe, &mut container.liveness_probe];
    probes.into_iter().flatten().for_each(probe);
    if let Some(lifecycle) = &mut container.lifecycle {
        for handler in [&mut lifecycle.pre_stop, &mut lifecycle.post_start].into_iter().flatten() {
            handler.http_get.iter_mut().for_each(http_get);
        }
    }
}

fn probe(probe: &mut Probe) {
    unless_set(&mut probe.timeout_seconds, 1);
    unless_set(&mut probe.period_seconds, 10);
    unless_set(&mut probe.success_threshold, 1);
    unless_set(&mut probe.failure_threshold, 3);
    probe.http_get.iter_mut().for_each(http_get);
    if let Some(grpc) = &mut probe.grpc {
        unless_set(&mut grpc.service, "");
    }
}

fn http_get(get: &mut HTTPGetAction) {
    unless_text(&mut get.path, "/");
    unless_text(&mut get.scheme, "HTTP");
}

/// The name of an image (`distribution/reference`): registry, lower-case path, tag, digest.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let host = r"(?:[a-zA-Z0-9.-]*[.:A-Z][a-zA-Z0-9.-]*(?::[0-9]+)?|[a-zA-Z0-9-]+:[0-9]+|localhost|\[[0-9a-fA-F:]+\](?::[0-9]+)?)";
    let part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    let rest = r"(?::(?<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]+))?";
    Regex::new(&format!("^(?:{host}/)?{part}(?:/{part})*{rest}$")).ok()
});

/// `Always` for `latest` and for no tag at all, else `IfNotPresent`; so for what is no image's name.
pub(super) fn pull_policy(image: &str) -> &'static str {
    let Some(found) = REFERENCE.as_ref().and_then(|reference| reference.captures(image)) else { return "IfNotPresent" };
    let part = |name: &str| found.name(name).map(|part| part.as_str());
    match (part("tag"), part("digest")) {
        (Some("latest"), _) | (None, None) => "Always",
        (Some(_), _) | (None, Some(_)) => "IfNotPresent",
    }
}

fn limits_are_requests(resources: &mut ResourceRequirements) {
    let Some(limits) = &resources.limits else { return };
    if limits.is_empty() {
        return;
    }
    let requests = resources.requests.get_or_insert_default();
    for (name, amount) in limits {
        requests.entry(name.clone()).or_insert_with(|| amount.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pull_policy_follows_the_tag() {
        for (image, wanted) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("registry:5000/nginx", "Always"),
            ("registry:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:00", "IfNotPresent"),
            ("registry.example/team/web", "Always"),
            ("localhost/web", "Always"),
            ("NGINX", "IfNotPresent"),
            ("a b", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), wanted, "{image}");
        }
        assert_eq!(pull_policy("nginx:latest@sha256:00"), "Always");
    }
}
