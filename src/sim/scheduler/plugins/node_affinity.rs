//! `NodeAffinity`: `nodeSelector` and required node affinity; preferred node affinity as a score.

use super::{Plugin, Rejection, normalise};
use crate::labels::{has_labels, node_matches, node_matches_term};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    if matches(cycle, node) {
        return Ok(());
    }
    Err(Rejection::for_good(Plugin::NodeAffinity, "node(s) didn't match Pod's node affinity/selector"))
}

/// Whether the node satisfies the pod's selector and required affinity.
pub(super) fn matches(cycle: &Cycle, node: &NodeInfo) -> bool {
    let affinity = cycle.spec.affinity.as_ref().and_then(|affinity| affinity.node_affinity.as_ref());
    let required = affinity.and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    cycle.spec.node_selector.as_ref().is_none_or(|labels| has_labels(labels, &node.object))
        && required.is_none_or(|selector| node_matches(selector, &node.object))
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
