//! `NodePorts`: two pods cannot take the same port of a node.

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    let taken = cycle.pod.ports.iter().any(|wanted| node.ports.keys().any(|port| port.conflicts(wanted)));
    if !taken {
        return Ok(());
    }
    Err(Rejection::by(Plugin::NodePorts, "node(s) didn't have free ports for the requested pod ports"))
}
