//! `NodeResourcesFit`: what a pod asks for must be free, extended resources and the number of pods included;
//! nodes with more left score higher (`LeastAllocated`).

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    let mut reasons = Vec::new();
    let mut removing_helps = true;
    if i64::try_from(node.pods.len()).unwrap_or(i64::MAX) >= node.allocatable.get("pods") {
        reasons.push("Too many pods".to_owned());
    }
    for (name, wanted) in cycle.pod.requests.iter().filter(|(name, wanted)| *wanted > 0 && *name != "pods") {
        let allocatable = node.allocatable.get(name);
        if wanted > allocatable - node.requested.get(name) {
            reasons.push(format!("Insufficient {name}"));
            removing_helps &= wanted <= allocatable;
        }
    }
    if reasons.is_empty() {
        return Ok(());
    }
    Err(Rejection { plugin: Plugin::NodeResourcesFit, reasons, removing_helps })
}

/// The mean of the shares of CPU and memory that would be left, 0..=100.
pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let left = |node: &NodeInfo, name: &str| {
        let allocatable = node.allocatable.get(name);
        let requested = node.scored.get(name) + cycle.pod.scored.get(name);
        if allocatable <= 0 || requested > allocatable { 0 } else { (allocatable - requested) * 100 / allocatable }
    };
    nodes.iter().map(|node| i64::midpoint(left(node, "cpu"), left(node, "memory"))).collect()
}
