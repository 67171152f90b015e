//! Which pods are watched: those of the target, and of every other pod set that a fault or a probe names.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;

use crate::plan::{controller, matches};
use crate::scenario::{FaultKind, PodSet, Probe, Requirement, Scenario, Selector, Workload, WorkloadKind};

/// Deployment that controls a ReplicaSet, by the ReplicaSet's UID.
pub(super) type ReplicaSets = BTreeMap<String, String>;

fn of_faults(scenario: &Scenario) -> Vec<&PodSet> {
    let mut sets: Vec<&PodSet> = Vec::new();
    for fault in &scenario.faults {
        match &fault.kind {
            FaultKind::PodKill(kill) => sets.extend(&kill.pods),
            FaultKind::NetworkPartition(partition) => {
                sets.extend(&partition.pods);
                sets.extend(&partition.from);
            }
            FaultKind::NodeDrain(_) | FaultKind::NodeFailure(_) | FaultKind::EtcdMemberReplace(_) => {}
        }
    }
    sets
}

/// A set of pods, ready to be matched against each.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::run) struct Group {
    namespace: String,
    by: By,
}

#[derive(Clone, Debug, PartialEq)]
enum By {
    Workload(Workload),
    Labels(Vec<Requirement>),
    Nothing,
}

impl Group {
    /// The target and the others, in the order of the scenario.
    pub(super) fn all(scenario: &Scenario) -> (Self, Vec<Self>) {
        let target = &scenario.target;
        let of = |set: &PodSet| {
            let namespace = set.namespace.clone().unwrap_or_else(|| target.namespace.clone());
            Self::new(namespace, set.workload.as_ref(), set.selector.as_ref())
        };
        let mut sets = of_faults(scenario);
        sets.extend(scenario.probes.iter().filter_map(Probe::from_pods));
        let others = sets.into_iter().map(of).collect();
        (Self::new(target.namespace.clone(), target.workload.as_ref(), target.selector.as_ref()), others)
    }

    /// The pod sets that faults name beside the target, in the order of the scenario.
    pub(super) fn of_faults(scenario: &Scenario) -> Vec<Self> {
        of_faults(scenario).into_iter().map(|set| Self::of(Some(set), scenario)).collect()
    }

    /// The pods of a set; without one, the target's.
    pub(in crate::run) fn of(set: Option<&PodSet>, scenario: &Scenario) -> Self {
        let target = &scenario.target;
        match set {
            None => Self::new(target.namespace.clone(), target.workload.as_ref(), target.selector.as_ref()),
            Some(set) => {
                let namespace = set.namespace.clone().unwrap_or_else(|| target.namespace.clone());
                Self::new(namespace, set.workload.as_ref(), set.selector.as_ref())
            }
        }
    }

    pub(super) fn new(namespace: String, workload: Option<&Workload>, selector: Option<&Selector>) -> Self {
        let by = match (workload, selector) {
            (Some(workload), _) => By::Workload(workload.clone()),
            (None, Some(selector)) => selector.requirements().map_or(By::Nothing, By::Labels),
            (None, None) => By::Nothing,
        };
        Self { namespace, by }
    }

    pub(in crate::run) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether ReplicaSets must be known to tell its pods.
    pub(super) fn needs_replica_sets(&self) -> bool {
        matches!(&self.by, By::Workload(workload) if workload.kind == WorkloadKind::Deployment)
    }

    /// Whether the pod belongs to it.
    pub(super) fn has(&self, pod: &Pod, replica_sets: &ReplicaSets) -> bool {
        let meta = &pod.metadata;
        if meta.namespace.as_deref() != Some(&self.namespace) {
            return false;
        }
        match &self.by {
            By::Nothing => false,
            By::Labels(requirements) => matches(requirements, meta.labels.as_ref()),
            By::Workload(workload) => match (workload.kind, controller(meta)) {
                (WorkloadKind::Pod, _) => meta.name.as_deref() == Some(&workload.name),
                (WorkloadKind::Deployment, Some(("ReplicaSet", _, uid))) => {
                    replica_sets.get(uid).is_some_and(|deployment| *deployment == workload.name)
                }
                (WorkloadKind::StatefulSet, Some(("StatefulSet", name, _)))
                | (WorkloadKind::DaemonSet, Some(("DaemonSet", name, _))) => name == workload.name,
                (WorkloadKind::Deployment | WorkloadKind::StatefulSet | WorkloadKind::DaemonSet, _) => false,
            },
        }
    }
}
