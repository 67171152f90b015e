//! `NodeAffinity`: `nodeSelector` and required node affinity; preferred node affinity as a score.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::PodSpec;

use super::{Plugin, Rejection, normalise};
use crate::Object;
use crate::labels::{has_labels, node_matches, node_matches_term};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    if matches(cycle, node) {
        return Ok(());
    }
    Err(Rejection::for_good(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector"))
}

/// The nodes that the required affinity names one by one; `None` when it may be any node.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Result<Option<BTreeSet<String>>, Rejection> {
    let affinity = cycle.spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    let Some(required) = required.filter(|required| !required.node_selector_terms.is_empty()) else { return Ok(None) };
    let mut names = BTreeSet::new();
    for term in &required.node_selector_terms {
        let fields = term.match_fields.iter().flatten();
        let sets = fields
            .filter(|field| field.key == "metadata.name" && field.operator == "In")
            .map(|field| field.values.iter().flatten().cloned().collect::<BTreeSet<_>>());
        let Some(named) = sets.reduce(|left, right| &left & &right) else { return Ok(None) };
        names.extend(named);
    }
    if names.is_empty() {
        return Err(Rejection::for_good(Plugin::NodeAffinity, "pod affinity terms conflict"));
    }
    Ok(Some(names))
}

/// Why the nodes are left out that are not named.
pub(in crate::scheduler) fn not_named() -> Rejection {
    Rejection::for_good(Plugin::NodeAffinity, "node(s) didn't satisfy plugin(s) [NodeAffinity]")
}

/// Whether a node is one that a pod asks for by selector and required affinity.
pub(in crate::scheduler) fn asked_for(spec: &PodSpec, node: &Object) -> bool {
    let affinity = spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    spec.node_selector.as_ref().is_none_or(|labels| has_labels(labels, node))
        && required.is_none_or(|selector| node_matches(selector, node))
}

/// Whether the node satisfies the pod's selector and required affinity.
pub(super) fn matches(cycle: &Cycle, node: &NodeInfo) -> bool {
    asked_for(cycle.spec, &node.object)
}

/// Weights of the preferred terms that match, stretched to 0..=100.
pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let affinity = cycle.spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let preferred = affinity
        .and_then(|affinity| affinity.preferred_during_scheduling_ignored_during_execution.as_deref())
        .unwrap_or_default();
    let weigh = |node: &&NodeInfo| {
        let terms = preferred.iter().filter(|term| node_matches_term(&term.preference, &node.object));
        terms.map(|term| i64::from(term.weight)).sum()
    };
    let mut scores: Vec<_> = nodes.iter().map(weigh).collect();
    normalise(&mut scores, false);
    scores
}
