//! Builds the NetworkPolicy of a cut.
//!
//! "Everything but group B" is a union of allows: every pod of the other namespaces; the pods of B's namespace that
//! fail at least one condition of B's selector (a negated conjunction is a union of negations, so any selector can be
//! turned round); and every address outside the pod networks, for clients and servers outside the cluster. The pod
//! networks are left out of the address block because plugins differ in whether an address block matches pods: where
//! it does, it would let B back in.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::networking::v1::{
    IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::scenario::{Direction, Requirement};

use super::inventory::Inventory;
use super::marks::{MANAGED_BY, MANAGER, RUN, STEP};
use super::partition::{has_egress, has_ingress};
use super::selector::{negated, to_object};

/// The label that the API server puts on every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// A cut, before it is a policy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cut<'a> {
    /// Namespace of the pods that are cut off.
    pub(super) namespace: &'a str,
    /// Their labels.
    pub(super) selector: LabelSelector,
    /// From whom; from everything when absent.
    pub(super) from: Option<Peers>,
    /// Seen from the pods that are cut off.
    pub(super) direction: Direction,
    /// Ports that stay open both ways.
    pub(super) open_ports: Vec<NetworkPolicyPort>,
    /// Whether DNS stays reachable.
    pub(super) dns: bool,
}

/// The other side of a cut between two groups.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Peers {
    /// Their namespace.
    pub(super) namespace: String,
    /// Conditions on their labels, all of which hold.
    pub(super) requirements: Vec<Requirement>,
    /// Address blocks of pods, to be kept out of what is allowed.
    pub(super) pod_networks: Vec<String>,
}

/// The complete manifest, with our labels and the undo as an annotation.
pub(super) fn manifest(cut: &Cut<'_>, run: &str, step: &str) -> Value {
    let name = object_name(run, step);
    let labels = [(MANAGED_BY, MANAGER.to_owned()), (RUN, label(run)), (STEP, label(step))];
    let undo = json!({ "undo": "delete-network-policy", "namespace": cut.namespace, "name": name });
    let policy = NetworkPolicy {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: Some(cut.namespace.to_owned()),
            labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            annotations: Some([("driftproof.dev/undo".to_owned(), undo.to_string())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(spec(cut)),
    };
    serde_json::to_value(policy).unwrap_or_default()
}

fn spec(cut: &Cut<'_>) -> NetworkPolicySpec {
    let peers = cut.from.as_ref().map(everything_but);
    let mut open = cut.open_ports.clone();
    let ingress = has_ingress(cut.direction).then(|| {
        let allowed = peers.clone().map(|from| NetworkPolicyIngressRule { from: Some(from), ports: None });
        let open = (!open.is_empty()).then(|| NetworkPolicyIngressRule { from: None, ports: Some(open.clone()) });
        allowed.into_iter().chain(open).collect()
    });
    if cut.dns {
        open.extend(dns_ports());
    }
    let egress = has_egress(cut.direction).then(|| {
        let allowed = peers.map(|to| NetworkPolicyEgressRule { ports: None, to: Some(to) });
        let open = (!open.is_empty()).then_some(NetworkPolicyEgressRule { ports: Some(open), to: None });
        allowed.into_iter().chain(open).collect()
    });
    let types =
        ingress.as_ref().map(|_: &Vec<_>| "Ingress").into_iter().chain(egress.as_ref().map(|_: &Vec<_>| "Egress"));
    NetworkPolicySpec {
        policy_types: Some(types.map(str::to_owned).collect()),
        pod_selector: Some(cut.selector.clone()),
        ingress,
        egress,
    }
}

fn dns_ports() -> [NetworkPolicyPort; 2] {
    ["UDP", "TCP"].map(|protocol| NetworkPolicyPort {
        end_port: None,
        port: Some(IntOrString::Int(53)),
        protocol: Some(protocol.to_owned()),
    })
}

fn everything_but(peers: &Peers) -> Vec<NetworkPolicyPeer> {
    let here = |absent: bool| {
        let (key, names) = (NAMESPACE_NAME.to_owned(), vec![peers.namespace.clone()]);
        to_object(&[if absent { Requirement::NotIn(key, names) } else { Requirement::In(key, names) }])
    };
    let elsewhere = NetworkPolicyPeer { namespace_selector: Some(here(true)), pod_selector: None, ip_block: None };
    let beside = peers.requirements.iter().map(|requirement| NetworkPolicyPeer {
        namespace_selector: Some(here(false)),
        pod_selector: Some(to_object(&[negated(requirement)])),
        ip_block: None,
    });
    let outside = ["0.0.0.0/0", "::/0"].into_iter().filter_map(|cidr| {
        let version = |block: &&String| block.contains(':') == cidr.contains(':');
        let except: Vec<String> = peers.pod_networks.iter().filter(version).cloned().collect();
        // An IPv4 cluster knows no IPv6 pods: its API server and plugin may not take an IPv6 block at all.
        (!except.is_empty()).then(|| NetworkPolicyPeer {
            namespace_selector: None,
            pod_selector: None,
            ip_block: Some(IPBlock { cidr: cidr.to_owned(), except: Some(except) }),
        })
    });
    std::iter::once(elsewhere).chain(beside).chain(outside).collect()
}

/// Address blocks of pods: those that the nodes state, and single addresses of these pods that lie in none of them.
pub(super) fn pod_networks(pods: &[&Pod], inventory: &Inventory) -> Vec<String> {
    let specs = inventory.nodes.iter().filter_map(|node| node.spec.as_ref());
    let mut blocks: BTreeSet<String> =
        specs.flat_map(|spec| spec.pod_cidrs.iter().flatten().chain(&spec.pod_cidr)).cloned().collect();
    let stated: Vec<String> = blocks.iter().cloned().collect();
    for address in pods.iter().flat_map(|pod| addresses(pod)) {
        if !stated.iter().any(|block| contains(block, address)) {
            blocks.insert(format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 }));
        }
    }
    blocks.into_iter().collect()
}

/// Addresses of a pod.
pub(super) fn addresses(pod: &Pod) -> BTreeSet<IpAddr> {
    let Some(status) = &pod.status else { return BTreeSet::new() };
    let several = status.pod_ips.iter().flatten().map(|ip| &ip.ip);
    several.chain(&status.pod_ip).filter_map(|text| text.parse().ok()).collect()
}

/// Whether an address lies in a block such as `10.244.1.0/24`.
pub(super) fn contains(block: &str, address: IpAddr) -> bool {
    let Some((network, length)) = block.split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let differing = network.to_bits() ^ address.to_bits();
            length <= 32 && differing.checked_shr(32 - length).unwrap_or(0) == 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let differing = network.to_bits() ^ address.to_bits();
            length <= 128 && differing.checked_shr(128 - length).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// `driftproof-<run>-<step>` as a DNS label of at most 63 characters.
#[must_use]
pub fn object_name(run: &str, step: &str) -> String {
    shortened(
        &format!("driftproof-{run}-{step}").to_lowercase().replace(|char: char| !char.is_ascii_alphanumeric(), "-"),
    )
}

/// The text as a label value of at most 63 characters.
#[must_use]
pub fn label(text: &str) -> String {
    shortened(&text.replace(|char: char| !char.is_ascii_alphanumeric() && !"-_.".contains(char), "-"))
}

/// Too long a text keeps its beginning and gets eight hex digits of its hash, so that two do not become one.
fn shortened(text: &str) -> String {
    let ends = |char: char| !char.is_ascii_alphanumeric();
    if text.len() <= 63 {
        return text.trim_matches(ends).to_owned();
    }
    let digest = Sha256::digest(text.as_bytes());
    let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("{}-{hash:08x}", text[..54].trim_matches(ends))
}
