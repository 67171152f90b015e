//! May a packet pass now: machines under power, cables plugged in, policies. Looks at the physical truth of the
//! kubelet's room, never at what API objects claim of it.

use std::net::IpAddr;

use super::policy::{self, End, Labels, Protocol};
use super::resolve::Origin;
use super::{CONTROL_PLANE_IP, State};
use crate::kubelet::Sandbox;

impl State {
    /// Whether a packet from one running pod to a port of another would arrive now (messages between applications).
    #[must_use]
    pub fn packet_allowed(&self, from: &str, to: &str, port: u16) -> bool {
        let Some(sender) = self.kubelet.sandboxes.get(from) else { return false };
        let Some(receiver) = self.kubelet.sandboxes.get(to) else { return false };
        let origin = Origin::Pod { uid: sender.uid.clone(), node: sender.node.clone() };
        wires(self, &origin, &receiver.node) && policies_allow(self, &origin, to, port)
    }

    /// Whether a pod's machine can speak to the control plane now.
    #[must_use]
    pub fn reaches_control_plane(&self, uid: &str) -> bool {
        let Some(sandbox) = self.kubelet.sandboxes.get(uid) else { return false };
        wires(self, &Origin::ControlPlane, &sandbox.node)
    }
}

/// Whether the machines at both ends are on and joined by the network; within one machine its cable does not matter.
pub(super) fn wires(state: &State, origin: &Origin, node: &str) -> bool {
    let Some(there) = state.kubelet.machines.get(node) else { return false };
    let here = match origin {
        Origin::ControlPlane => return there.powered && there.network,
        Origin::Node(name) | Origin::Pod { node: name, .. } => name,
    };
    if here == node {
        return there.powered;
    }
    let Some(here) = state.kubelet.machines.get(here) else { return false };
    here.powered && here.network && there.powered && there.network
}

/// Whether the enforced policies let a packet pass to a port of a pod.
pub(super) fn policies_allow(state: &State, origin: &Origin, to: &str, port: u16) -> bool {
    if state.network.policies.is_empty() {
        return true;
    }
    let Some(receiver) = state.kubelet.sandboxes.get(to) else { return false };
    let none = Labels::new();
    let target = pod_end(state, receiver, &none);
    // The kubelet probes its own pods whatever policies say.
    if matches!(origin, Origin::Node(name) if *name == receiver.node) {
        return true;
    }
    let Some(source) = source_end(state, origin, &none) else { return false };
    policy::allowed(&state.network.policies, &source, &target, port, Protocol::Tcp)
}

/// Whether the enforced policies let a packet leave for an address that is no pod's.
pub(super) fn policies_allow_leaving(state: &State, origin: &Origin, ip: &str, port: u16) -> bool {
    if state.network.policies.is_empty() {
        return true;
    }
    let none = Labels::new();
    let Some(source) = source_end(state, origin, &none) else { return false };
    policy::allowed(&state.network.policies, &source, &End::Address(ip.parse().ok()), port, Protocol::Tcp)
}

/// The sending end; `None` when its pod does not run.
fn source_end<'a>(state: &'a State, origin: &Origin, none: &'a Labels) -> Option<End<'a>> {
    match origin {
        Origin::ControlPlane => Some(End::Address(CONTROL_PLANE_IP.parse().ok())),
        Origin::Node(name) => Some(End::Address(machine_ip(state, name))),
        Origin::Pod { uid, .. } => state.kubelet.sandboxes.get(uid).map(|sender| pod_end(state, sender, none)),
    }
}

fn pod_end<'a>(state: &'a State, sandbox: &'a Sandbox, none: &'a Labels) -> End<'a> {
    let facts = state.network.pods.get(&sandbox.uid);
    if facts.is_some_and(|facts| facts.host_network) {
        return End::Address(machine_ip(state, &sandbox.node));
    }
    let namespace = facts.map_or(sandbox.namespace.as_str(), |facts| &facts.namespace);
    End::Pod {
        uid: &sandbox.uid,
        namespace,
        namespace_labels: state.network.pods.namespace_labels(namespace).map_or(none, |labels| labels),
        labels: facts.map_or(none, |facts| &facts.labels),
        ports: facts.map_or(&[], |facts| &facts.ports),
        ip: sandbox.ip.parse().ok(),
    }
}

fn machine_ip(state: &State, node: &str) -> Option<IpAddr> {
    state.kubelet.machines.get(node)?.ip.parse().ok()
}
