//! `TaintToleration`: untolerated taints keep a pod away; `PreferNoSchedule` only lowers a node's score.

use k8s_openapi::api::core::v1::Taint;

use super::{Plugin, Rejection, normalise};
use crate::labels::tolerates;
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    let hard = taints(node).find(|taint| taint.effect != "PreferNoSchedule" && !tolerated(cycle, taint));
    match hard {
        None => Ok(()),
        Some(taint) => {
            let value = taint.value.as_deref().unwrap_or_default();
            let reason = format!("node(s) had untolerated taint {{{}: {value}}}", taint.key);
            Err(Rejection::for_good(Plugin::TaintToleration, reason))
        }
    }
}

/// 100 for nodes without soft taints that the pod does not tolerate, less for those with more of them.
pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let soft = |node: &&NodeInfo| {
        let count = taints(node).filter(|taint| taint.effect == "PreferNoSchedule" && !tolerated(cycle, taint)).count();
        i64::try_from(count).unwrap_or(i64::MAX)
    };
    let mut scores: Vec<_> = nodes.iter().map(soft).collect();
    normalise(&mut scores, true);
    scores
}

pub(super) fn tolerated(cycle: &Cycle, taint: &Taint) -> bool {
    cycle.spec.tolerations.iter().flatten().any(|toleration| tolerates(toleration, taint))
}

fn taints(node: &NodeInfo) -> impl Iterator<Item = &Taint> {
    node.node().spec.iter().flat_map(|spec| spec.taints.iter().flatten())
}
