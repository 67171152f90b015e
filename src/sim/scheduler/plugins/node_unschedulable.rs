//! `NodeUnschedulable`: cordoned nodes take only pods that tolerate it.

use k8s_openapi::api::core::v1::Taint;

use super::{Plugin, Rejection, taint_toleration};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;

pub(in crate::scheduler) fn filter(cycle: &Cycle, node: &NodeInfo) -> Result<(), Rejection> {
    if node.node().spec.as_ref().and_then(|spec| spec.unschedulable) != Some(true) {
        return Ok(());
    }
    let taint = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: "NoSchedule".to_owned(),
        ..Taint::default()
    };
    if taint_toleration::tolerated(cycle, &taint) {
        return Ok(());
    }
    Err(Rejection::for_good(Plugin::NodeUnschedulable, "node(s) were unschedulable"))
}
