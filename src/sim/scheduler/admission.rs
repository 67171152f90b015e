//! What a kubelet checks again before it takes a pod, however the pod got its node (`AdmissionCheck`, kubelet
//! `lifecycle/predicate.go`). Pure.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PodSpec, Taint};

use super::cache::{NodeInfo, PodInfo};
use super::plugins::node_affinity;
use crate::labels::tolerates;
use crate::{Key, Object};

/// Why a pod is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// As `status.reason` has it: `OutOfcpu`, `NodeAffinity`.
    pub(crate) reason: String,
    /// For a person.
    pub(crate) message: String,
}

/// The first reason for which a node's kubelet refuses a pod, beside the pods that it runs.
pub(crate) fn refusal(
    node: &Arc<Object>,
    running: &[(Key, Arc<Object>)],
    pod: (&Key, &Arc<Object>),
) -> Option<Refusal> {
    let newcomer = PodInfo::new(pod.0, pod.1);
    let spec = newcomer.spec()?;
    if let Some(os) = spec.os.as_ref().map(|os| os.name.as_str())
        && node.label("kubernetes.io/os").is_some_and(|label| label != os)
    {
        let message = "Failed to admit pod as the OS field doesn't match node OS".to_owned();
        return Some(Refusal { reason: "PodOSNotSupported".to_owned(), message });
    }
    let mut info = NodeInfo::new(node);
    for (key, object) in running {
        info.add(&Arc::new(PodInfo::new(key, object)));
    }
    if let Some(refusal) = insufficient(&info, &newcomer) {
        return Some(refusal);
    }
    let failed = |name: &str, why: &str| {
        Some(Refusal { reason: name.to_owned(), message: format!("Predicate {name} failed: {why}") })
    };
    if !node_affinity::asked_for(spec, node) {
        return failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
    }
    if newcomer.ports.iter().any(|wanted| info.ports.keys().any(|port| port.conflicts(wanted))) {
        return failed("NodePorts", "node(s) didn't have free ports for the requested pod ports");
    }
    let taints = || info.node().spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    if taints().any(|taint| taint.effect == "NoExecute" && !tolerated(spec, taint)) {
        return failed("TaintToleration", "node(s) had taints that the pod didn't tolerate");
    }
    None
}

fn tolerated(spec: &PodSpec, taint: &Taint) -> bool {
    spec.tolerations.iter().flatten().any(|toleration| tolerates(toleration, taint))
}

/// What is not free. An extended resource that the node does not know at all is left to whoever knows it.
fn insufficient(node: &NodeInfo, pod: &PodInfo) -> Option<Refusal> {
    let count = i64::try_from(node.pods.len()).unwrap_or(i64::MAX);
    let pods = ("pods", 1, count, node.allocatable.get("pods"));
    let asked =
        |name: &'static str| (name, pod.requests.get(name), node.requested.get(name), node.allocatable.get(name));
    let plain = ["cpu", "memory", "ephemeral-storage"];
    let extended = pod.requests.iter().filter(|(name, _)| !plain.contains(name) && *name != "pods");
    let known = extended
        .filter(|(name, _)| node.allocatable.iter().any(|(known, _)| known == *name))
        .map(|(name, wanted)| (name, wanted, node.requested.get(name), node.allocatable.get(name)));
    let mut all = std::iter::once(pods).chain(plain.into_iter().map(asked)).chain(known);
    let (name, wanted, used, capacity) = all.find(|(_, wanted, used, all)| *wanted > 0 && *wanted > all - used)?;
    let message =
        format!("Node didn't have enough resource: {name}, requested: {wanted}, used: {used}, capacity: {capacity}");
    Some(Refusal { reason: format!("OutOf{name}"), message })
}
