//! Chooses the connections that prove a cut: they pass before, must be blocked during, and pass again after.

use k8s_openapi::api::core::v1::{Container, Pod};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::inventory::{Inventory, is_ready, pod_target};
use super::model::Canary;
use super::partition::{has_egress, has_ingress};
use super::policy::Cut;

/// More would prove no more.
const AT_MOST: usize = 4;

/// Name of a run's agent pod; the first one has number 1.
#[must_use]
pub fn agent_name(run: &str, number: u32) -> String {
    let name = format!("driftproof-agent-{run}");
    if number == 1 { name } else { format!("{name}-{number}") }
}

/// The run's own pod, when there is one.
fn agent<'a>(run: &str, inventory: &'a Inventory) -> Option<&'a Pod> {
    let name = agent_name(run, 1);
    let ours = |pod: &&Pod| {
        let found = pod.metadata.name.as_deref().unwrap_or_default();
        let number = found.strip_prefix(&name).map(|rest| rest.trim_start_matches('-'));
        number.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit())) && is_ready(pod)
    };
    inventory.pods.iter().filter(ours).max_by_key(|pod| pod.metadata.name.as_ref().map(String::len))
}

/// At most four connections, the same ones for the same inventory. Pods that are Ready are taken, the first by name.
pub(super) fn choose(cut: &Cut<'_>, pods: &[&Pod], from: &[&Pod], run: &str, inventory: &Inventory) -> Vec<Canary> {
    let pods: Vec<&Pod> = pods.iter().copied().filter(|pod| is_ready(pod)).collect();
    if cut.from.is_none()
        && let Some(agent) = agent(run, inventory)
    {
        return with_agent(cut, &pods, agent);
    }
    let mut peers: Vec<&Pod> = if cut.from.is_some() {
        from.iter().copied().filter(|pod| is_ready(pod)).collect()
    } else {
        neighbours(cut, &pods, inventory)
    };
    // The way in can be tried from any pod, the way out only to one that answers somewhere.
    let mut open_peers: Vec<&Pod> = peers.iter().copied().filter(|peer| canary(None, peer, cut).is_some()).collect();
    if cut.from.is_none() && peers.is_empty() && pods.len() > 1 {
        // Cut off from everything is cut off from each other: every pod's peer is the next one.
        peers = pods.iter().copied().cycle().skip(1).take(pods.len()).collect();
        open_peers.clone_from(&peers);
    }
    let mut canaries = Vec::new();
    for index in 0..AT_MOST / 2 {
        let Some(pod) = pods.get(index).or(pods.first()) else { break };
        let peer = peers.get(index).or(peers.first());
        // A pod of a third namespace may be spoken to, but nobody said that we may work in it.
        let ours = |peer: &&&Pod| cut.from.is_some() || peer.metadata.namespace.as_deref() == Some(cut.namespace);
        if let Some(peer) = peer.filter(|peer| has_ingress(cut.direction) && ours(peer)) {
            canaries.extend(canary(Some(peer), pod, cut));
        }
        if let Some(peer) = open_peers.get(index).or(open_peers.first()).filter(|_| has_egress(cut.direction)) {
            canaries.extend(canary(Some(pod), peer, cut));
        }
    }
    if cut.from.is_none() && has_ingress(cut.direction) {
        // The one canary that every world can send. It sorts first, so that the limit never drops it.
        canaries.extend(pods.iter().take(1).filter_map(|pod| canary(None, pod, cut)));
    }
    canaries.sort();
    canaries.dedup();
    canaries.truncate(AT_MOST);
    canaries
}

/// A cut from everything, with a pod of our own beside it: nobody else's pod has to serve as the other end.
fn with_agent(cut: &Cut<'_>, pods: &[&Pod], agent: &Pod) -> Vec<Canary> {
    let mut canaries = Vec::new();
    if has_ingress(cut.direction) {
        canaries.extend(pods.iter().take(1).filter_map(|pod| canary(None, pod, cut)));
        canaries.extend(pods.iter().take(AT_MOST / 2).filter_map(|pod| canary(Some(agent), pod, cut)));
    }
    if has_egress(cut.direction) {
        canaries.extend(pods.iter().take(1).filter_map(|pod| canary(Some(pod), agent, cut)));
    }
    canaries
}

/// Ready pods that are not cut off: of the same namespace first, where a policy of the peer is least likely in the way.
fn neighbours<'a>(cut: &Cut<'_>, pods: &[&Pod], inventory: &'a Inventory) -> Vec<&'a Pod> {
    let free = |pod: &&Pod| {
        let host_network = pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default();
        is_ready(pod) && !host_network && !pods.iter().any(|cut| cut.metadata.uid == pod.metadata.uid)
    };
    let mut free: Vec<&Pod> = inventory.pods.iter().filter(free).collect();
    free.sort_by_key(|pod| {
        (pod.metadata.namespace.as_deref() != Some(cut.namespace), canary(None, pod, cut).is_none())
    });
    free
}

fn canary(from: Option<&Pod>, to: &Pod, cut: &Cut<'_>) -> Option<Canary> {
    let port = tcp_ports(to).into_iter().find(|port| !is_open(port, cut))?;
    Some(Canary { from: from.map(pod_target), to: pod_target(to), port })
}

/// TCP ports on which the pod is likely to answer: what readiness asks, then what containers state.
#[must_use]
pub fn tcp_ports(pod: &Pod) -> Vec<String> {
    let containers: Vec<&Container> = pod.spec.iter().flat_map(|spec| &spec.containers).collect();
    let asked = containers.iter().flat_map(|container| {
        let probes = [&container.readiness_probe, &container.liveness_probe];
        probes.into_iter().flatten().filter_map(|probe| {
            let http = probe.http_get.as_ref().map(|http| &http.port);
            http.or(probe.tcp_socket.as_ref().map(|tcp| &tcp.port)).and_then(|port| number(port, container))
        })
    });
    let stated = containers.iter().flat_map(|container| container.ports.iter().flatten());
    let stated = stated.filter(|port| port.protocol.as_deref().unwrap_or("TCP") == "TCP");
    asked.chain(stated.map(|port| port.container_port)).map(|port| port.to_string()).collect()
}

fn number(port: &IntOrString, container: &Container) -> Option<i32> {
    match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => {
            let named = container.ports.iter().flatten().find(|port| port.name.as_deref() == Some(name));
            named.map(|port| port.container_port)
        }
    }
}

fn is_open(port: &str, cut: &Cut<'_>) -> bool {
    cut.open_ports.iter().any(|open| match &open.port {
        Some(IntOrString::Int(number)) => number.to_string() == port,
        Some(IntOrString::String(_)) | None => false,
    })
}
