//! The setting that decides how long a phase takes, by the name under which it is set.

use crate::measure::{Drift, HeldBy, OldEnd};
use crate::scenario::Phase;

use super::explain;
use super::judgement::Case;

/// The setting behind one phase of one drift.
pub(super) fn of_phase(case: &Case<'_>, drift: &Drift, phase: Phase) -> String {
    let target = case.target();
    let node = &drift.old.node;
    let fault = case.cause(drift);
    let lost = fault == "node-failure";
    match phase {
        Phase::Detected if lost => "kube-controller-manager --node-monitor-grace-period".to_owned(),
        Phase::Evicted if lost && is_paced(drift) => {
            format!("kube-controller-manager --node-eviction-rate; tolerationSeconds on {target}")
        }
        Phase::Evicted if lost => format!("tolerationSeconds on {target}"),
        Phase::Ready if lost && explain::waited_on_its_node(drift) => format!("tolerations of {target}"),
        Phase::Evicted if fault == "node-drain" => format!("PodDisruptionBudget of {target}"),
        // Whoever deletes a pod decides when.
        Phase::Detected | Phase::Evicted => String::new(),
        Phase::Scheduled if case.is_statefulset() && (lost || drift.old_end == OldEnd::NeverConfirmed) => {
            format!("node.kubernetes.io/out-of-service taint on {node}")
        }
        Phase::Scheduled if case.is_statefulset() => format!("terminationGracePeriodSeconds on {target}"),
        Phase::Scheduled => format!("free resources and scheduling constraints of {target}"),
        Phase::VolumeAttached if lost => {
            format!("maxWaitForUnmountDuration; the out-of-service taint on {node} would skip it")
        }
        Phase::VolumeAttached => "the storage driver's attach time".to_owned(),
        Phase::ImagePulled => format!("size of the image of {target}: pre-pull it"),
        Phase::Started => format!("start of the containers of {target}"),
        Phase::Ready => format!("readinessProbe initialDelaySeconds and periodSeconds on {target}"),
        Phase::InEndpoints => "EndpointSlice controller and kube-proxy".to_owned(),
        Phase::Serving => format!("time until {target} answers after it is Ready"),
    }
}

/// Whether the node controller's pace took a tenth or more of the time until an eviction.
fn is_paced(drift: &Drift) -> bool {
    let evicted = drift.phases().into_iter().find(|(phase, _)| *phase == Phase::Evicted).map_or(0, |(_, took)| took);
    explain::paced(drift).is_some_and(|paced| paced.saturating_mul(10) >= evicted)
}

/// `PodDisruptionBudget shop/web`, as far as its name is known.
pub(super) fn budget(held: &HeldBy) -> String {
    format!("PodDisruptionBudget {}", held.budget).trim_end().to_owned()
}
