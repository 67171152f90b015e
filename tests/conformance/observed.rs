//! What was seen of a case, in words that are the same on every cluster: lanes of edges. Data only, and the committed
//! form of what a real cluster did.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// One thing that happened: seconds after the first act, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Edge(pub(crate) f64, pub(crate) String);

/// What happened to one subject, in order: a node, a pod, an endpoint, a workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lane {
    /// Normalised name of the subject.
    pub(crate) of: String,
    pub(crate) edges: Vec<Edge>,
}

/// What was seen of one case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Story {
    pub(crate) lanes: Vec<Lane>,
    /// Reasons of the Events that were recorded: `Pod/Killing`.
    pub(crate) reasons: BTreeSet<String>,
}

/// Everything that was seen on one cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Observed {
    /// Version of Kubernetes.
    pub(crate) kubernetes: String,
    /// `short` or `default`.
    pub(crate) timings: String,
    pub(crate) cases: BTreeMap<String, Story>,
}

/// Which edges a machine's speed decides: how fast it starts a container, and how fast it cleans up after one that ended.
/// They are shown, not judged. Everything else waits for a timer of Kubernetes or follows at once. The kubelet's own
/// retry after a back-off has a jitter of a half.
const BY_MACHINE: [&str; 12] = [
    "running",
    "phase ",
    "Ready=True",
    "endpoint ready",
    "endpoint not ready",
    "ready ",
    "updated ",
    "Progressing ",
    "Available=True",
    "waiting CrashLoopBackOff",
    "grace now 0",
    "gone, ended",
];

/// Whether the time of an edge is decided by the speed of a machine.
pub(crate) fn by_machine(what: &str) -> bool {
    BY_MACHINE.iter().any(|start| what.starts_with(start))
}

/// Whether an edge comes when a node is seen to be lost: that depends on when it renewed its lease last, up to a quarter
/// of the grace before it was lost, and on when the controller looks.
pub(crate) fn by_lease(what: &str) -> bool {
    what == "Ready=Unknown NodeStatusUnknown"
}
