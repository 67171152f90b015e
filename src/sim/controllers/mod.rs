//! Workload, endpoint, budget and ownership controllers: one file for each, by its Kubernetes name.
//! They decide only through the API objects and never look at machines, volumes or packets.

mod boot;
mod control;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod endpointslice;
mod garbage_collector;
mod hash;
mod history;
mod horizontalpodautoscaler;
mod index;
mod intstr;
mod job;
mod namespace;
mod pod;
mod queue;
mod ranking;
mod replicaset;
#[cfg(test)]
mod scale_tests;
mod serviceaccount;
mod statefulset;
mod status;
#[cfg(test)]
mod testing;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Key, Kind};

pub use boot::boot;
pub use queue::handle;
pub use watch::on_change;

/// A controller that reconciles objects of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Controller {
    /// Rollouts of Deployments through ReplicaSets.
    Deployment,
    /// Pods of ReplicaSets.
    ReplicaSet,
    /// Pods and claims of StatefulSets.
    StatefulSet,
    /// Pods of DaemonSets, one for each eligible node.
    DaemonSet,
    /// Pods of Jobs, until they have succeeded.
    Job,
    /// Jobs of `CronJob`s, by their schedules.
    CronJob,
    /// Replicas of workloads, within bounds and by metrics.
    HorizontalPodAutoscaler,
    /// EndpointSlices of Services with a selector.
    EndpointSlice,
    /// Status of PodDisruptionBudgets.
    Disruption,
    /// Ends of namespaces.
    Namespace,
    /// Default accounts, by namespace.
    ServiceAccount,
}

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Reconcile one object soon: an entry of a work queue, deduplicated.
    Sync(Controller, Key),
    /// Reconcile one object at a time that its controller asked for (a deadline or a back-off, since the cluster's
    /// start). Apart from `Sync`, so that a far timer never holds up a change.
    Wake(Controller, Key, Duration),
    /// The garbage collector looks at an object.
    Collect(Kind, Key),
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// Pods by label, and who selects pods by which label.
    index: index::Index,
    /// The pods behind each Service, as endpoints.
    members: endpointslice::Members,
    /// Owners and dependents.
    graph: garbage_collector::Graph,
    /// Failed attempts in a row, for the back-off of a work queue.
    failures: BTreeMap<(Controller, Key), u32>,
    /// Failed pods of each Job since its last success, for the back-off of its next pod.
    job_failures: BTreeMap<Key, job::Failures>,
    /// What each autoscaler recommended and did lately.
    autoscalers: BTreeMap<Key, horizontalpodautoscaler::History>,
}
