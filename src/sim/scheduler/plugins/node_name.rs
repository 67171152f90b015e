//! `NodeName`: a pod that names its node fits no other.

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    match cycle.spec.node_name.as_deref() {
        None | Some("") => Ok(()),
        Some(name) if name == node.name() => Ok(()),
        Some(_) => Err(Rejection::for_good(Plugin::NodeName, "node(s) didn't match the requested node name")),
    }
}
