//! The Node object as a kubelet registers it: labels, taints, capacity, addresses.
//! Never touches an object that exists: what the cluster wrote on it stays.

use serde_json::{Map, Value, json};

use super::heartbeat;
use crate::{Key, Kind, NodeSpec, State};

/// Version that the nodes report.
const KUBELET_VERSION: &str = "v1.36.0";

/// Address of the machine at this position: 192.168.0.11 and on.
pub(super) fn internal_ip(index: usize) -> String {
    let host = index + 10;
    format!("192.168.{}.{}", host / 250, host % 250 + 1)
}

/// First three parts of the node's pod network: 10.244.0 and on, a /24 for each node.
pub(super) fn pod_network(index: usize) -> String {
    format!("10.{}.{}", 244 + index / 256, index % 256)
}

/// Creates the Node object unless there is one.
pub(super) fn register(state: &mut State, node: &str) {
    if !state.can_report(node) || state.store.get(Kind::Node, &Key::cluster(node)).is_some() {
        return;
    }
    let Some(spec) = state.settings.nodes.iter().find(|spec| spec.name == node).cloned() else { return };
    let Some(index) = state.kubelet.kubelets.get(node).map(|kubelet| kubelet.index) else { return };
    let value = node_object(state, &spec, index);
    // A name that is taken was taken by a Node that a person created: it is used as it is.
    drop(state.create(Kind::Node, value));
    heartbeat::event(state, node, "NodeReady", &format!("Node {node} status is now: NodeReady"));
}

fn node_object(state: &State, spec: &NodeSpec, index: usize) -> Value {
    let labels = labels(spec);
    let os = labels.get("kubernetes.io/os").cloned().unwrap_or_default();
    let arch = labels.get("kubernetes.io/arch").cloned().unwrap_or_default();
    let cidr = format!("{}.0/24", pod_network(index));
    json!({
        "metadata": { "name": spec.name, "labels": labels },
        "spec": {
            "podCIDR": cidr, "podCIDRs": [cidr], "providerID": format!("embedded://{}", spec.name),
            "taints": spec.taints.iter().filter_map(|taint| parse_taint(taint)).collect::<Vec<_>>(),
        },
        "status": {
            "capacity": spec.capacity,
            "allocatable": spec.capacity,
            "addresses": [
                { "type": "InternalIP", "address": internal_ip(index) },
                { "type": "Hostname", "address": spec.name },
            ],
            "conditions": heartbeat::conditions(state, &[]),
            "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
            "nodeInfo": {
                "machineID": format!("{index:032x}"), "systemUUID": format!("{index:032x}"),
                "bootID": format!("00000000-0000-4000-8000-{index:012x}"),
                "kernelVersion": "6.12.0-embedded", "osImage": "Driftproof embedded node",
                "containerRuntimeVersion": "containerd://2.1.0-embedded", "kubeletVersion": KUBELET_VERSION,
                "kubeProxyVersion": "", "operatingSystem": os, "architecture": arch,
            },
        },
    })
}

fn labels(spec: &NodeSpec) -> Map<String, Value> {
    let mut labels = Map::new();
    for (name, value) in [
        ("kubernetes.io/hostname", spec.name.as_str()),
        ("kubernetes.io/os", "linux"),
        ("kubernetes.io/arch", "amd64"),
        ("topology.kubernetes.io/zone", spec.zone.as_str()),
        ("topology.kubernetes.io/region", "embedded"),
    ] {
        labels.insert(name.to_owned(), json!(value));
    }
    for name in ["os", "arch"] {
        let value = spec.labels.get(&format!("kubernetes.io/{name}"));
        let value = value.map_or_else(|| labels[&format!("kubernetes.io/{name}")].clone(), |value| json!(value));
        labels.insert(format!("beta.kubernetes.io/{name}"), value);
    }
    labels.extend(spec.labels.iter().map(|(name, value)| (name.clone(), json!(value))));
    labels
}

/// Reads a taint as kubectl writes it: `key=value:Effect` or `key:Effect`. `None` when it is neither.
fn parse_taint(text: &str) -> Option<Value> {
    let (head, effect) = text.rsplit_once(':')?;
    if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
        return None;
    }
    let (key, value) = head.split_once('=').unwrap_or((head, ""));
    let mut taint = json!({ "key": key, "effect": effect });
    if !value.is_empty() {
        taint["value"] = json!(value);
    }
    (!key.is_empty()).then_some(taint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_are_read_as_kubectl_writes_them() {
        let full = json!({ "key": "gpu", "value": "yes", "effect": "NoSchedule" });
        let bare = json!({ "key": "gpu", "effect": "NoExecute" });
        for (text, wanted) in [
            ("gpu=yes:NoSchedule", Some(full)),
            ("gpu:NoExecute", Some(bare)),
            ("gpu=yes", None),
            ("gpu=yes:Never", None),
            (":NoSchedule", None),
        ] {
            assert_eq!(parse_taint(text), wanted, "{text}");
        }
    }

    #[test]
    fn no_two_machines_share_an_address() {
        let all: std::collections::BTreeSet<_> = (0..600).map(internal_ip).collect();
        assert_eq!(all.len(), 600);
        assert_eq!((internal_ip(0), pod_network(300)), ("192.168.0.11".to_owned(), "10.245.44".to_owned()));
    }
}
