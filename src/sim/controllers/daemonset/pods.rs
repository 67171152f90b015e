//! A DaemonSet's pods: made for one node each, and found again by that node.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers::history::REVISION_HASH;
use crate::controllers::{control, pod};
use crate::{Kind, Object};

/// Taints that a daemon tolerates for ever: it has to run where others cannot (`AddOrUpdateDaemonPodTolerations`).
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

/// The template with the automatic tolerations.
pub(super) fn tolerant(template: &Value) -> Value {
    let mut template = template.clone();
    let host_network = template.pointer("/spec/hostNetwork").and_then(Value::as_bool) == Some(true);
    let network = host_network.then_some(("node.kubernetes.io/network-unavailable", "NoSchedule"));
    let mut tolerations = template["spec"]["tolerations"].as_array().cloned().unwrap_or_default();
    for (key, effect) in TOLERATED.into_iter().chain(network) {
        tolerations.retain(|one| one["key"] != key || one["effect"] != effect);
        tolerations.push(json!({ "key": key, "operator": "Exists", "effect": effect }));
    }
    template["spec"]["tolerations"] = json!(tolerations);
    template
}

/// The pod for a node: pinned there by affinity to the node's name, in place of the template's own required terms.
pub(super) fn build(set: &Object, template: &Value, revision_hash: &str, node: &str) -> Value {
    let mut pod = control::pod_from_template(Kind::DaemonSet, set, template);
    pod["metadata"]["generateName"] = json!(format!("{}-", set.text("/metadata/name")));
    pod["metadata"]["labels"][REVISION_HASH] = json!(revision_hash);
    pod["metadata"]["labels"]["pod-template-generation"] =
        json!(set.annotation("deprecated.daemonset.template.generation").unwrap_or("1"));
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [
            { "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] },
        ],
    });
    pod
}

/// The node that a daemon pod is on or was made for.
fn target_node(pod: &Object) -> Option<&str> {
    let bound = pod.text("/spec/nodeName");
    if !bound.is_empty() {
        return Some(bound);
    }
    let terms = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = pod.at(terms)?.as_array()?;
    let mut fields = terms.iter().filter_map(|term| term.get("matchFields")?.as_array()).flatten();
    let name = fields.find(|field| field["key"] == "metadata.name")?;
    name.get("values")?.as_array()?.first()?.as_str()
}

/// Pods by the node that they are for, oldest first.
pub(super) fn by_node(pods: Vec<Arc<Object>>) -> BTreeMap<String, Vec<Arc<Object>>> {
    let mut nodes: BTreeMap<String, Vec<Arc<Object>>> = BTreeMap::new();
    for pod in pods {
        if let Some(node) = target_node(&pod) {
            nodes.entry(node.to_owned()).or_default().push(pod);
        }
    }
    for pods in nodes.values_mut() {
        // A pod that is bound wins over one that waits, then the older one.
        pods.sort_by_cached_key(|pod| (pod.text("/spec/nodeName").is_empty(), pod::created_at(pod)));
    }
    nodes
}
