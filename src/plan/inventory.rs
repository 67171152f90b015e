//! What is on the cluster, as far as a plan needs it. Gathered by the run; this file only orders and looks up.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::{Metadata, NamespaceResourceScope};

use super::model::{NodeTarget, PodTarget};

/// The cluster at one moment. Every list is sorted by namespace and name, so that the same cluster gives the same plan:
/// fill the fields in any order and call [`Inventory::sorted`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inventory {
    /// Pods of all namespaces that the run may see.
    pub pods: Vec<Pod>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Deployments.
    pub deployments: Vec<Deployment>,
    /// `ReplicaSets`, the link between a Deployment and its pods.
    pub replica_sets: Vec<ReplicaSet>,
    /// `StatefulSets`.
    pub stateful_sets: Vec<StatefulSet>,
    /// `DaemonSets`.
    pub daemon_sets: Vec<DaemonSet>,
    /// `PodDisruptionBudgets`.
    pub budgets: Vec<PodDisruptionBudget>,
    /// `NetworkPolicies`, ours and others'.
    pub policies: Vec<NetworkPolicy>,
    /// Labels of the namespaces, by name; empty where no plan needs them.
    pub namespace_labels: BTreeMap<String, BTreeMap<String, String>>,
    /// The wall clock when this was gathered, in seconds since 1970; absent on the embedded cluster, whose time is its own.
    pub now: Option<i64>,
}

impl Inventory {
    /// The same cluster with every list in order.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        sort(&mut self.pods);
        sort(&mut self.deployments);
        sort(&mut self.replica_sets);
        sort(&mut self.stateful_sets);
        sort(&mut self.daemon_sets);
        sort(&mut self.budgets);
        sort(&mut self.policies);
        self.nodes.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
        self
    }

    /// The node of this name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.metadata.name.as_deref() == Some(name))
    }
}

fn sort<T>(list: &mut [T])
where
    T: Metadata<Ty = ObjectMeta> + k8s_openapi::Resource<Scope = NamespaceResourceScope>,
{
    list.sort_by(|a, b| {
        let key = |object: &T| (object.metadata().namespace.clone(), object.metadata().name.clone());
        key(a).cmp(&key(b))
    });
}

/// What identifies a pod in plans and evidence.
#[must_use]
pub fn pod_target(pod: &Pod) -> PodTarget {
    PodTarget {
        namespace: pod.metadata.namespace.clone().unwrap_or_default(),
        name: pod.metadata.name.clone().unwrap_or_default(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        node: node_of(pod).to_owned(),
    }
}

/// What identifies a node in plans and evidence.
#[must_use]
pub fn node_target(node: &Node) -> NodeTarget {
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_deref()).unwrap_or_default();
    let ip = addresses.iter().find(|address| address.type_ == "InternalIP");
    NodeTarget {
        name: node.metadata.name.clone().unwrap_or_default(),
        ip: ip.map(|address| address.address.clone()).unwrap_or_default(),
        zone: zone_of(node).to_owned(),
    }
}

/// The node that a pod is bound to; empty when none.
#[must_use]
pub fn node_of(pod: &Pod) -> &str {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

/// The zone of a node; empty when unknown.
#[must_use]
pub fn zone_of(node: &Node) -> &str {
    node.metadata
        .labels
        .as_ref()
        .and_then(|labels| labels.get("topology.kubernetes.io/zone"))
        .map_or("", String::as_str)
}

/// Whether the pod's containers run and nobody has asked it to end.
#[must_use]
pub fn is_running(pod: &Pod) -> bool {
    phase_of(pod) == "Running" && !is_terminating(pod)
}

/// Whether the pod was marked for deletion.
#[must_use]
pub fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether all containers of the pod have ended for good.
#[must_use]
pub fn is_finished(pod: &Pod) -> bool {
    matches!(phase_of(pod), "Succeeded" | "Failed")
}

/// Whether the pod is Ready and nobody has asked it to end.
#[must_use]
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    !is_terminating(pod) && conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Whether the node is Ready.
#[must_use]
pub fn is_node_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Whether the node is cordoned.
#[must_use]
pub fn is_cordoned(node: &Node) -> bool {
    node.spec.as_ref().and_then(|spec| spec.unschedulable).unwrap_or_default()
}

/// Whether the node carries the control plane.
#[must_use]
pub fn is_control_plane(node: &Node) -> bool {
    let labels = node.metadata.labels.as_ref();
    ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"]
        .iter()
        .any(|label| labels.is_some_and(|labels| labels.contains_key(*label)))
}

fn phase_of(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or_default()
}
