//! From where a message is sent and to which address: vantages, Services, pods, addresses. Decides nothing about
//! whether it arrives.

use k8s_openapi::api::core::v1::Pod;

use super::{Destination, State, Vantage, proxy};
use crate::{Key, Kind};

/// The sending end as a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The control plane, which never fails.
    ControlPlane,
    /// A process on a node.
    Node(String),
    /// A process in a pod.
    Pod {
        /// UID of the pod.
        uid: String,
        /// Node that it runs on.
        node: String,
    },
}

/// What a destination means at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// An address of a pod.
    To {
        /// Address.
        ip: String,
        /// Port number.
        port: u16,
    },
    /// Rejected on the spot: no such port, no endpoint.
    Refused,
    /// An address that leads nowhere, or packets that are dropped on the way.
    Silent,
}

/// The machine behind a vantage; `None` when the pod does not run.
pub(super) fn origin(state: &State, from: &Vantage) -> Option<Origin> {
    match from {
        Vantage::Outside => Some(Origin::ControlPlane),
        Vantage::Node(name) => Some(Origin::Node(name.clone())),
        Vantage::Pod { namespace, name } => {
            let uid = state.store.find(Kind::Pod, namespace, name)?.uid();
            let sandbox = state.kubelet.sandboxes.get(uid)?;
            Some(Origin::Pod { uid: uid.to_owned(), node: sandbox.node.clone() })
        }
    }
}

/// The address that a destination stands for.
pub(super) fn destination(state: &mut State, from: &Origin, to: &Destination) -> Resolved {
    match to {
        Destination::Service { namespace, name, port } => proxy::choose(state, from, &Key::new(namespace, name), port),
        Destination::Pod { namespace, name, port } => pod_address(state, namespace, name, port),
        Destination::Address { ip, port } => match state.network.services.by_cluster_ip(ip).cloned() {
            Some(service) => proxy::choose(state, from, &service, &port.to_string()),
            None => {
                let machine = state.kubelet.machines.values().find(|machine| machine.ip == *ip);
                let node = machine.map(|machine| machine.name.clone());
                let forwarded = node.and_then(|node| proxy::at_node_port(state, &node, *port));
                forwarded.unwrap_or_else(|| Resolved::To { ip: ip.clone(), port: *port })
            }
        },
    }
}

fn pod_address(state: &State, namespace: &str, name: &str, port: &str) -> Resolved {
    let Some(object) = state.store.find(Kind::Pod, namespace, name) else { return Resolved::Silent };
    let ip = object.text("/status/podIP");
    if ip.is_empty() {
        // It has not started: there is no address to dial, and whoever dials is told so at once.
        return Resolved::Refused;
    }
    let Some(port) = pod_port(object.typed::<Pod>(), port) else { return Resolved::Refused };
    Resolved::To { ip: ip.to_owned(), port }
}

fn pod_port(pod: &Pod, port: &str) -> Option<u16> {
    if let Ok(number) = port.parse() {
        return Some(number);
    }
    let containers = &pod.spec.as_ref()?.containers;
    let mut ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let found = ports.find(|known| known.name.as_deref() == Some(port))?;
    u16::try_from(found.container_port).ok()
}
