//! One pod as an endpoint of a Service, and the ports under which it is one.

use k8s_openapi::api::core::v1::{ObjectReference, Pod, ServicePort, ServiceSpec};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::controllers::pod;
use crate::{Key, Object};

/// The label of a node that names its zone.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";

/// Whether a pod has an endpoint at all: it has an address and has not ended.
pub(super) fn belongs(pod: &Object) -> bool {
    !pod.text("/status/podIP").is_empty() && !pod::is_finished(pod)
}

/// The endpoint of a pod. It is ready while it serves and is not being deleted, or whenever the Service publishes
/// not-ready addresses.
pub(super) fn of(service: &Key, spec: &ServiceSpec, pod: &Object, node: Option<&Object>) -> Endpoint {
    let serving = pod::is_ready(pod);
    let terminating = pod.is_terminating();
    let ready = spec.publish_not_ready_addresses == Some(true) || (serving && !terminating);
    let text = |pointer: &str| Some(pod.text(pointer).to_owned()).filter(|text| !text.is_empty());
    let in_subdomain =
        pod.text("/spec/subdomain") == service.name && pod.text("/metadata/namespace") == service.namespace;
    Endpoint {
        addresses: text("/status/podIP").into_iter().collect(),
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: text("/spec/hostname").filter(|_| in_subdomain),
        zone: node.and_then(|node| node.label(ZONE)).map(ToOwned::to_owned),
        node_name: text("/spec/nodeName"),
        target_ref: Some(ObjectReference {
            kind: Some("Pod".to_owned()),
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            uid: Some(pod.uid().to_owned()),
            ..ObjectReference::default()
        }),
        ..Endpoint::default()
    }
}

/// The Service's target ports on this pod; a named one that the pod does not have is left out.
pub(super) fn ports(spec: &ServiceSpec, pod: &Object) -> Vec<EndpointPort> {
    let ports = spec.ports.iter().flatten();
    ports
        .filter_map(|port| {
            Some(EndpointPort {
                app_protocol: port.app_protocol.clone(),
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(target_port(port, pod)?),
                protocol: Some(port.protocol.clone().unwrap_or_else(|| "TCP".to_owned())),
            })
        })
        .collect()
}

fn target_port(port: &ServicePort, pod: &Object) -> Option<i32> {
    match &port.target_port {
        None | Some(IntOrString::Int(0)) => Some(port.port),
        Some(IntOrString::Int(number)) => Some(*number),
        Some(IntOrString::String(name)) => named_port(name, port.protocol.as_deref().unwrap_or("TCP"), pod),
    }
}

/// A container port by its name and protocol, also of sidecars (`FindPort`).
fn named_port(name: &str, protocol: &str, pod: &Object) -> Option<i32> {
    let spec = pod.typed::<Pod>().spec.as_ref()?;
    let sidecars = spec.init_containers.iter().flatten().filter(|one| one.restart_policy.as_deref() == Some("Always"));
    let mut ports = spec.containers.iter().chain(sidecars).flat_map(|container| container.ports.iter().flatten());
    let found = ports
        .find(|port| port.name.as_deref() == Some(name) && port.protocol.as_deref().unwrap_or("TCP") == protocol)?;
    Some(found.container_port)
}
