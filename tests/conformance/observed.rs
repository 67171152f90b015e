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

impl Lane {
    /// What happened, without the times.
    pub(crate) fn rule(&self) -> Vec<&str> {
        self.edges.iter().map(|edge| edge.1.as_str()).collect()
    }
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

/// Which edges a machine's speed decides: they are shown, not judged. Everything else waits for a timer of Kubernetes.
const BY_MACHINE: [&str; 5] = ["running", "Ready=True", "endpoint ready", "phase Running", "ready "];

/// Whether the time of an edge is decided by the speed of a machine.
pub(crate) fn by_machine(what: &str) -> bool {
    BY_MACHINE.iter().any(|start| what.starts_with(start))
}
