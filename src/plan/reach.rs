//! How far a run looks: at the nodes of the whole cluster, or at its own namespaces and the nodes of its own pods alone.
//! Decides nothing about what is injected.

use std::collections::BTreeSet;

use crate::scenario::{Aspect, Fault, FaultKind, PodSet, Probe, Scenario};

use super::model::Permission;
use super::permissions::needs;

/// A permission that a run asks for and can do without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Optional {
    /// The permission.
    pub permission: Permission,
    /// What the run does not see without it, as the end of a sentence.
    pub unseen: &'static str,
}

/// Whether a fault takes whole nodes, so that pods of every namespace are counted.
#[must_use]
pub fn takes_nodes(scenario: &Scenario) -> bool {
    let takes = |fault: &Fault| matches!(fault.kind, FaultKind::NodeDrain(_) | FaultKind::NodeFailure(_));
    scenario.faults.iter().any(takes)
}

/// Whether every node is watched: when a fault takes nodes, or all of them must be the same afterwards. Otherwise only those
/// are read on which watched pods are.
#[must_use]
pub fn watches_all_nodes(scenario: &Scenario) -> bool {
    takes_nodes(scenario) || scenario.expect.same_after.contains(&Aspect::Nodes)
}

/// The namespaces of the target and of every pod set that a fault or a probe names.
#[must_use]
pub fn namespaces(scenario: &Scenario) -> BTreeSet<String> {
    let own = scenario.target.namespace.clone();
    let others = pod_sets(scenario).into_iter().filter_map(|set| set.namespace.clone());
    std::iter::once(own).chain(others).collect()
}

/// What is asked for and, where it is refused, left out of the run and named in its report: whatever needs the whole cluster
/// in a scenario that disturbs pods alone. Faults of nodes need these rights: see [`super::permissions()`].
#[must_use]
pub fn optional(scenario: &Scenario) -> Vec<Optional> {
    let mut all = Vec::new();
    let mut want = |permissions: Vec<Permission>, unseen| {
        all.extend(permissions.into_iter().map(|permission| Optional { permission, unseen }));
    };
    if !watches_all_nodes(scenario) {
        want(needs("", "nodes", &["get"], None), "the zones of nodes and whether they are Ready");
    }
    if partitions(scenario) && !takes_nodes(scenario) {
        want(needs("", "nodes", &["list"], None), "the address blocks of pods: policies name single addresses instead");
    }
    if !takes_nodes(scenario) {
        let unseen = "when volumes were attached and detached";
        want(needs("storage.k8s.io", "volumeattachments", &["list", "watch"], None), unseen);
    }
    let labels: BTreeSet<String> = if partitions(scenario) { namespaces(scenario) } else { BTreeSet::new() };
    for namespace in labels {
        want(needs("", "namespaces", &["get"], Some(&namespace)), "which policies select namespaces by their labels");
    }
    all
}

/// The namespaces whose labels matter: to a guard rail, or to what policies of others let through.
#[must_use]
pub fn labelled_namespaces(scenario: &Scenario) -> BTreeSet<String> {
    if partitions(scenario) {
        return namespaces(scenario);
    }
    let guarded = !scenario.guard.namespace_labels.is_empty();
    guarded.then(|| scenario.target.namespace.clone()).into_iter().collect()
}

/// Whether a fault cuts pods off by policies.
pub(super) fn partitions(scenario: &Scenario) -> bool {
    scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::NetworkPartition(_)))
}

/// Pod sets that faults and probes name.
pub(super) fn pod_sets(scenario: &Scenario) -> Vec<&PodSet> {
    let mut sets: Vec<&PodSet> = scenario.probes.iter().filter_map(Probe::from_pods).collect();
    for fault in &scenario.faults {
        match &fault.kind {
            FaultKind::PodKill(kill) => sets.extend(&kill.pods),
            FaultKind::NetworkPartition(partition) => sets.extend(partition.pods.iter().chain(&partition.from)),
            FaultKind::NodeDrain(_) | FaultKind::NodeFailure(_) | FaultKind::EtcdMemberReplace(_) => {}
        }
    }
    sets
}
