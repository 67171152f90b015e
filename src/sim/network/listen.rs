//! Who listens at an address: a pod's own, or a machine's, where the pods on its network and the host ports of others
//! are reached. Decides nothing about whether a packet arrives there.

use k8s_openapi::api::core::v1::Pod;

use super::State;
use crate::Kind;
use crate::apps::ProcessId;
use crate::kubelet::Sandbox;

/// The end of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) node: String,
    /// The pod that is meant, by its UID, and the port in its own network; none where a machine itself is addressed.
    pub(super) pod: Option<(String, u16)>,
    /// Whoever listens there.
    pub(super) process: Option<ProcessId>,
}

/// What an address leads to; `None` when nobody has it.
pub(super) fn at(state: &State, ip: &str, port: u16) -> Option<End> {
    let sandbox = state.kubelet.by_ip.get(ip).and_then(|uid| state.kubelet.sandboxes.get(uid));
    match sandbox {
        Some(sandbox) => Some(End {
            node: sandbox.node.clone(),
            pod: Some((sandbox.uid.clone(), port)),
            process: state.app_listener(&sandbox.uid, port),
        }),
        None => at_machine(state, ip, port),
    }
}

fn at_machine(state: &State, ip: &str, port: u16) -> Option<End> {
    let machine = state.kubelet.machines.values().find(|machine| machine.ip == ip)?;
    let here = |sandbox: &&Sandbox| sandbox.node == machine.name;
    let found = state.kubelet.sandboxes.values().filter(here).find_map(|sandbox| {
        let inner = if sandbox.ip == ip { port } else { forwarded(state, sandbox, port)? };
        Some(((sandbox.uid.clone(), inner), state.app_listener(&sandbox.uid, inner)?))
    });
    let (pod, process) = found.unzip();
    Some(End { node: machine.name.clone(), pod, process })
}

/// The port of a pod that its machine forwards a port to (`hostPort`).
fn forwarded(state: &State, sandbox: &Sandbox, port: u16) -> Option<u16> {
    let pod = state.store.find(Kind::Pod, &sandbox.namespace, &sandbox.name).filter(|pod| pod.uid() == sandbox.uid)?;
    let containers = &pod.typed::<Pod>().spec.as_ref()?.containers;
    let mut ports = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let known = ports.find(|known| known.host_port == Some(i32::from(port)))?;
    u16::try_from(known.container_port).ok()
}
