//! Workload, endpoint, budget and ownership controllers: one file for each, by its Kubernetes name.
//! They decide only through the API objects and never look at machines, volumes or packets.

mod boot;
mod control;
mod deployment;
mod endpointslice;
mod hash;
mod index;
mod intstr;
mod pod;
mod queue;
mod ranking;
mod replicaset;
mod selector;
mod status;
#[cfg(test)]
mod testing;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Key;

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
    /// EndpointSlices of Services with a selector.
    EndpointSlice,
}

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Reconcile one object soon: an entry of a work queue, deduplicated.
    Sync(Controller, Key),
    /// Reconcile one object at a time that its controller asked for (a deadline or a back-off, since the cluster's
    /// start). Apart from `Sync`, so that a far timer never holds up a change.
    Wake(Controller, Key, Duration),
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// Pods by label, and who selects pods by which label.
    index: index::Index,
    /// Failed attempts in a row, for the back-off of a work queue.
    failures: BTreeMap<(Controller, Key), u32>,
}
