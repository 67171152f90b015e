//! `NodeResourcesBalancedAllocation`: nodes whose CPU and memory would be used to similar shares score higher.

use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

/// Millionths, so that the same seed gives the same score on every machine.
const UNIT: i64 = 1_000_000;

pub(in crate::scheduler) fn score(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<i64> {
    let share = |node: &NodeInfo, name: &str| {
        let allocatable = node.allocatable.get(name);
        let used = node.requested.get(name) + cycle.pod.requests.get(name);
        if allocatable <= 0 {
            return UNIT;
        }
        let share = i128::from(used) * i128::from(UNIT) / i128::from(allocatable);
        i64::try_from(share).unwrap_or(UNIT).min(UNIT)
    };
    // The standard deviation of two shares is half their difference.
    let balance = |node: &&NodeInfo| (UNIT - (share(node, "cpu") - share(node, "memory")).abs() / 2) * 100 / UNIT;
    nodes.iter().map(balance).collect()
}
