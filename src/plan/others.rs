//! Whether a NetworkPolicy that is already there would let the traffic of a cut through again.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::inventory::Inventory;
use super::make::Trouble;
use super::marks::{MANAGED_BY, MANAGER, RUN};
use super::partition::{has_egress, has_ingress};
use super::policy::{Cut, addresses, contains, label};
use super::selector::selects;

/// Refuses a cut that another policy would undo.
///
/// Between two groups only a rule that reaches a pod of the other group matters; when everything is cut, every rule
/// does that opens more than the ports which stay open anyway.
pub(super) fn none_allows(cut: &Cut<'_>, pods: &[&Pod], from: &[&Pod], inventory: &Inventory) -> Result<(), Trouble> {
    for policy in inventory.policies.iter().filter(|policy| !is_ours(policy)) {
        let Some(spec) = &policy.spec else { continue };
        let here = policy.metadata.namespace.as_deref() == Some(cut.namespace);
        if !here || !pods.iter().any(|pod| is_selected(spec, pod)) {
            continue;
        }
        for direction in ["ingress", "egress"] {
            if allows(cut, spec, direction, from, inventory) {
                return Err(Trouble::unprovable(format!(
                    "NetworkPolicy {}/{} allows {direction} that this partition is to cut; policies add up, so the traffic would go on: remove the rule for the run, or leave that direction out",
                    cut.namespace,
                    policy.metadata.name.as_deref().unwrap_or_default()
                )));
            }
        }
    }
    Ok(())
}

/// Refuses a cut beside one that another run has left: what is cut off already proves nothing.
pub(super) fn none_left(run: &str, inventory: &Inventory) -> Result<(), Trouble> {
    left_over(run, &inventory.policies).map_or(Ok(()), |message| Err(Trouble::refused(message)))
}

/// Which policy of another run is still there, and how it goes away; `None` when there is none.
#[must_use]
pub fn left_over(run: &str, policies: &[NetworkPolicy]) -> Option<String> {
    let ours = label(run);
    let (policy, other) =
        policies.iter().find_map(|policy| Some((policy, left_by(policy).filter(|by| *by != ours)?)))?;
    Some(format!(
        "NetworkPolicy {}/{} was left by run {other}, or that run is still at work: driftproof undo --context CONTEXT --run {other}",
        policy.metadata.namespace.as_deref().unwrap_or_default(),
        policy.metadata.name.as_deref().unwrap_or_default()
    ))
}

/// The run that made a policy, when it was one of ours.
fn left_by(policy: &NetworkPolicy) -> Option<&str> {
    let labels = policy.metadata.labels.as_ref().filter(|_| is_ours(policy))?;
    labels.get(RUN).map(String::as_str)
}

fn is_ours(policy: &NetworkPolicy) -> bool {
    let labels = policy.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(MANAGED_BY)).is_some_and(|by| by == MANAGER)
}

fn is_selected(spec: &NetworkPolicySpec, pod: &Pod) -> bool {
    spec.pod_selector.as_ref().is_none_or(|selector| selects(selector, pod.metadata.labels.as_ref()))
}

fn allows(cut: &Cut<'_>, spec: &NetworkPolicySpec, direction: &str, from: &[&Pod], inventory: &Inventory) -> bool {
    let reaches = |peers: Option<&Vec<NetworkPolicyPeer>>, ports: Option<&Vec<NetworkPolicyPort>>| {
        let open =
            ports.is_some_and(|ports| !ports.is_empty() && ports.iter().all(|port| stays_open(cut, direction, port)));
        !open && reaches(cut, peers, from, inventory)
    };
    match direction {
        "ingress" => {
            has_ingress(cut.direction)
                && spec.ingress.iter().flatten().any(|rule| reaches(rule.from.as_ref(), rule.ports.as_ref()))
        }
        _ => {
            has_egress(cut.direction)
                && spec.egress.iter().flatten().any(|rule| reaches(rule.to.as_ref(), rule.ports.as_ref()))
        }
    }
}

fn stays_open(cut: &Cut<'_>, direction: &str, port: &NetworkPolicyPort) -> bool {
    let protocol = |port: &NetworkPolicyPort| port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    let dns = cut.dns && direction == "egress" && port.port == Some(IntOrString::Int(53)) && port.end_port.is_none();
    let excepted = cut
        .open_ports
        .iter()
        .any(|open| open.port == port.port && port.end_port.is_none() && protocol(open) == protocol(port));
    dns || excepted
}

fn reaches(cut: &Cut<'_>, peers: Option<&Vec<NetworkPolicyPeer>>, from: &[&Pod], inventory: &Inventory) -> bool {
    let Some(peers) = peers.filter(|peers| !peers.is_empty()) else { return true };
    cut.from.is_none() || peers.iter().any(|peer| from.iter().any(|pod| is_peer(cut, peer, pod, inventory)))
}

fn is_peer(cut: &Cut<'_>, peer: &NetworkPolicyPeer, pod: &Pod, inventory: &Inventory) -> bool {
    if let Some(block) = &peer.ip_block {
        let excepted = |address| block.except.iter().flatten().any(|except| contains(except, address));
        return addresses(pod).into_iter().any(|address| contains(&block.cidr, address) && !excepted(address));
    }
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let in_namespace = match &peer.namespace_selector {
        Some(selector) => selects(selector, inventory.namespace_labels.get(namespace)),
        None => namespace == cut.namespace,
    };
    let by_labels = peer.pod_selector.as_ref().is_none_or(|selector| selects(selector, pod.metadata.labels.as_ref()));
    in_namespace && by_labels
}
