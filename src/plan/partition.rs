//! Resolves a `network-partition`: the policies that cut, and the traffic that proves the cut.
//!
//! Policies only ever add up: once any policy selects a pod in a direction, what is allowed there is the union
//! of all policies, and nothing can be denied. So the cut pods are isolated by one policy of ours that allows all that
//! should go on: nothing for a cut from everything; everything but one group for a cut between two groups (see
//! `policy`). Another policy that allows the traffic would let it through again: then the cut
//! could not be made, and the plan says which policy it is.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::NetworkPolicyPort;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::scenario::{Direction, NetworkPartition, Target};

use super::canary;
use super::inventory::{Inventory, is_finished, is_terminating, pod_target};
use super::make::Trouble;
use super::model::{Action, Canary};
use super::pods::{Group, label_selector, pods_of};
use super::policy::{self, Cut};
use super::{others, selector};

/// Resolves the fault on this inventory.
pub(super) fn choose(
    fault: &NetworkPartition,
    target: &Target,
    inventory: &Inventory,
    run: &str,
    step: &str,
) -> Result<Action, Trouble> {
    let group = Group::of(fault.pods.as_ref(), target);
    let pods = alive(&group, inventory)?;
    let selector = label_selector(&group, inventory).map_err(Trouble::unprovable)?;
    only_these(&group, &pods, &selector, inventory)?;
    let from = match &fault.from {
        Some(set) => Some(other_group(&Group::of(Some(set), target), &pods, inventory)?),
        None => None,
    };
    let cut = Cut {
        namespace: group.namespace,
        selector,
        from: from.as_ref().map(|(peers, _)| peers.clone()),
        direction: fault.direction,
        open_ports: open_ports(&fault.except_ports).map_err(Trouble::no_target)?,
        dns: !fault.include_dns,
    };
    let from: Vec<&Pod> = from.map(|(_, pods)| pods).unwrap_or_default();
    others::none_left(run, inventory)?;
    others::none_allows(&cut, &pods, &from, inventory)?;
    let canaries = canary::choose(&cut, &pods, &from, run, inventory);
    if canaries.is_empty() {
        return Err(Trouble::unprovable(no_canary(&group, &[pods, from].concat(), &fault.except_ports)));
    }
    if fault.from.is_some() {
        each_way(&canaries, &pods, fault.direction, &group)?;
    }
    Ok(Action::NetworkPartition {
        policies: vec![policy::manifest(&cut, run, step)],
        pods: pods.into_iter().map(pod_target).collect(),
        from: from.into_iter().map(pod_target).collect(),
        direction: fault.direction,
        canaries,
    })
}

/// Why no connection would show the cut.
fn no_canary(group: &Group<'_>, pods: &[&Pod], excepted: &[String]) -> String {
    let known: BTreeSet<String> = pods.iter().flat_map(|pod| canary::tcp_ports(pod)).collect();
    let known: Vec<String> = known.into_iter().collect();
    let what = format!("no connection is known that cutting {} would break", group.describe());
    match known.as_slice() {
        [] => format!("{what}: its pods (or those at the other end) state no container port and no probe"),
        [port] if !excepted.is_empty() => format!("{what}: the only port that is known, {port}, is in except_ports"),
        ports if !excepted.is_empty() => {
            format!("{what}: every port that is known ({}) is in except_ports", ports.join(", "))
        }
        _ => format!("{what}: none of its pods (or of those at the other end) is Ready and answers on a port"),
    }
}

/// Refuses a cut between two groups that could be shown in one direction only.
fn each_way(canaries: &[Canary], pods: &[&Pod], direction: Direction, group: &Group<'_>) -> Result<(), Trouble> {
    let is_cut = |uid: &str| pods.iter().any(|pod| pod.metadata.uid.as_deref() == Some(uid));
    let inward = canaries.iter().any(|canary| is_cut(&canary.to.uid));
    let outward = canaries.iter().any(|canary| !is_cut(&canary.to.uid));
    let (asked, end, instead) = match direction {
        Direction::Both if !inward => ("ingress", "its pods", "egress"),
        Direction::Both if !outward => ("egress", "the pods at the other end", "ingress"),
        Direction::Both | Direction::Ingress | Direction::Egress => return Ok(()),
    };
    Err(Trouble::unprovable(format!(
        "no connection would show the {asked} cut of {}: {end} state no container port and no probe; state one, or write `direction = \"{instead}\"`",
        group.describe()
    )))
}

fn alive<'a>(group: &Group<'_>, inventory: &'a Inventory) -> Result<Vec<&'a Pod>, Trouble> {
    let pods: Vec<&Pod> =
        pods_of(*group, inventory).into_iter().filter(|pod| !is_finished(pod) && !is_terminating(pod)).collect();
    if pods.is_empty() {
        return Err(Trouble::no_target(format!("there are no pods of {}", group.describe())));
    }
    if let Some(pod) = pods.iter().find(|pod| is_host_network(pod)) {
        return Err(Trouble::unprovable(format!(
            "pod {} uses its node's network, where NetworkPolicies have no effect",
            pod_target(pod)
        )));
    }
    Ok(pods)
}

/// A policy selects by labels: it must not cut off pods that nobody asked for.
fn only_these(
    group: &Group<'_>,
    pods: &[&Pod],
    labels: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
    inventory: &Inventory,
) -> Result<(), Trouble> {
    let stranger = inventory.pods.iter().find(|pod| {
        pod.metadata.namespace.as_deref() == Some(group.namespace)
            && !is_finished(pod)
            && !is_terminating(pod)
            && selector::selects(labels, pod.metadata.labels.as_ref())
            && !pods.iter().any(|other| other.metadata.uid == pod.metadata.uid)
    });
    match stranger {
        None => Ok(()),
        Some(pod) => Err(Trouble::refused(format!(
            "the labels of {} also select pod {}, which would be cut off too; choose the pods by a `selector` that tells them apart",
            group.describe(),
            pod_target(pod)
        ))),
    }
}

/// The peers to cut off from, and their pods without those that are cut off.
fn other_group<'a>(
    group: &Group<'_>,
    cut: &[&Pod],
    inventory: &'a Inventory,
) -> Result<(policy::Peers, Vec<&'a Pod>), Trouble> {
    let mut pods = alive(group, inventory)?;
    pods.retain(|pod| !cut.iter().any(|other| other.metadata.uid == pod.metadata.uid));
    if pods.is_empty() {
        return Err(Trouble::no_target(format!(
            "every pod of {} is itself cut off: there is no other side",
            group.describe()
        )));
    }
    let labels = label_selector(group, inventory).map_err(Trouble::unprovable)?;
    let peers = policy::Peers {
        namespace: group.namespace.to_owned(),
        requirements: selector::from_object(&labels),
        pod_networks: policy::pod_networks(&pods, inventory),
    };
    Ok((peers, pods))
}

fn is_host_network(pod: &Pod) -> bool {
    pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default()
}

/// `9090` and `53/UDP`; a port without protocol is TCP, as in Kubernetes.
fn open_ports(written: &[String]) -> Result<Vec<NetworkPolicyPort>, String> {
    written.iter().map(|text| open_port(text)).collect()
}

fn open_port(text: &str) -> Result<NetworkPolicyPort, String> {
    let (port, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
    let port = match port.parse::<u16>() {
        Ok(number) => IntOrString::Int(number.into()),
        Err(_) if port.is_empty() => return Err(format!("`{text}` is not a port such as \"9090\" or \"53/UDP\"")),
        Err(_) => IntOrString::String(port.to_owned()),
    };
    Ok(NetworkPolicyPort { end_port: None, port: Some(port), protocol: Some(protocol.to_owned()) })
}

/// Whether a cut in this direction concerns ingress.
pub(super) const fn has_ingress(direction: Direction) -> bool {
    match direction {
        Direction::Ingress | Direction::Both => true,
        Direction::Egress => false,
    }
}

/// Whether a cut in this direction concerns egress.
pub(super) const fn has_egress(direction: Direction) -> bool {
    match direction {
        Direction::Egress | Direction::Both => true,
        Direction::Ingress => false,
    }
}
