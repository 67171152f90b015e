//! The plan as data. Serialises, so that evidence holds it and `driftproof plan` prints it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::scenario::{CommandPair, Direction, FailureMode, Rail};

/// The plan of one scenario on one cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the scenario.
    pub scenario: String,
    /// The seed of every choice.
    pub seed: u64,
    /// Steps by the time of injection. A repeated fault gives one step for each time.
    pub steps: Vec<Step>,
    /// What starts inside the cluster and where it goes, a line each: the agent passes nothing on to any other place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// What the run must be allowed to do.
    pub permissions: Vec<Permission>,
    /// Rails that were lifted, for the reader.
    pub lifted: Vec<Rail>,
    /// Choices that could not be made; a run with any of them is inconclusive.
    pub problems: Vec<Problem>,
}

/// One injection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Predictable name, such as `1-pod-kill` or `2-pod-kill-3` for the third time.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Index of the fault in the scenario.
    pub fault: usize,
    /// 0 for the first time.
    pub repeat: u32,
    /// When, counted from the steady state.
    pub at: Duration,
    /// How long it holds.
    pub hold: Duration,
    /// What is done, to what. Every step is chosen again from the inventory of its moment, by the same seed.
    pub action: Action,
    /// Among how many it was drawn. At its moment others may be drawn: only what is not drawn is known before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Draw>,
}

/// A choice that is left to chance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// How many could have been chosen.
    pub of: usize,
    /// What they are: `running pods of deployment/web in shop`.
    pub among: String,
}

/// A resolved fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Action {
    /// Delete these pods.
    PodKill {
        /// The pods.
        pods: Vec<PodTarget>,
        /// Grace period in seconds; the pod's own when absent; 0 is a forced deletion.
        grace_seconds: Option<u32>,
    },
    /// Create these policies.
    NetworkPartition {
        /// Complete NetworkPolicy manifests, with predictable names and our labels.
        policies: Vec<Value>,
        /// Pods that are cut off.
        pods: Vec<PodTarget>,
        /// Pods that they are cut off from; empty when it is everything.
        from: Vec<PodTarget>,
        /// Seen from `pods`.
        direction: Direction,
        /// Traffic that proves the cut: it passed before, is blocked during and passes again after.
        canaries: Vec<Canary>,
    },
    /// Cordon these nodes and evict their pods.
    NodeDrain {
        /// The nodes.
        nodes: Vec<NodeTarget>,
        /// Give up after this time.
        timeout: Duration,
        /// Evict pods with emptyDir volumes too.
        delete_emptydir_data: bool,
        /// Evict pods that nothing will replace.
        force: bool,
    },
    /// Let these nodes fail.
    NodeFailure {
        /// The nodes.
        nodes: Vec<NodeTarget>,
        /// How.
        mode: FailureMode,
        /// How on a live cluster.
        command: Option<CommandPair>,
    },
    /// Replace this member of an etcd cluster.
    EtcdMemberReplace {
        /// The `StatefulSet` that runs it, in the namespace of `leaving`.
        stateful_set: String,
        /// Its ordinals as they are, and as they shall be again.
        ordinals: Ordinals,
        /// The pod whose member goes.
        leaving: PodTarget,
        /// The pod of the new member; absent when the disk is lost, and the new member takes the name of the old one.
        guest: Option<String>,
        /// Names of the claim templates: pod `etcd-0` has the claim `data-etcd-0` of the template `data`.
        claim_templates: Vec<String>,
        /// The members' client port.
        port: String,
        /// Give up when the new member has not caught up after this time.
        timeout: Duration,
    },
}

impl Action {
    /// The word of the scenario file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::PodKill { .. } => "pod-kill",
            Self::NetworkPartition { .. } => "network-partition",
            Self::NodeDrain { .. } => "node-drain",
            Self::NodeFailure { .. } => "node-failure",
            Self::EtcdMemberReplace { .. } => "etcd-member-replace",
        }
    }
}

/// Which pods a `StatefulSet` has: `start` up to `start + replicas`, which is not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ordinals {
    /// The lowest.
    pub start: i32,
    /// How many.
    pub replicas: i32,
}

impl Ordinals {
    /// The first that is not among them.
    #[must_use]
    pub const fn end(self) -> i32 {
        self.start.saturating_add(self.replicas)
    }

    /// One more at the end.
    #[must_use]
    pub const fn grown(self) -> Self {
        Self { start: self.start, replicas: self.replicas.saturating_add(1) }
    }

    /// As many, one further.
    #[must_use]
    pub const fn moved(self) -> Self {
        Self { start: self.start.saturating_add(1), replicas: self.replicas }
    }
}

/// A pod that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PodTarget {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID: another pod of the same name is not meant.
    pub uid: String,
    /// Node that it runs on, empty when it has none.
    pub node: String,
}

impl fmt::Display for PodTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A node that was chosen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeTarget {
    /// Name.
    pub name: String,
    /// `InternalIP`, empty when unknown.
    pub ip: String,
    /// Zone, empty when unknown.
    pub zone: String,
}

/// A connection that a partition should cut.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Canary {
    /// The pod that opens it; from outside when absent.
    pub from: Option<PodTarget>,
    /// The pod that takes it.
    pub to: PodTarget,
    /// Port number or name on `to`.
    pub port: String,
}

/// A right that the run needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Permission {
    /// API group, empty for the core group.
    pub group: String,
    /// Plural name, with the subresource: `pods/eviction`.
    pub resource: String,
    /// `get`, `list`, `watch`, `create`, `patch`, `delete`.
    pub verb: String,
    /// Namespace; absent for cluster-wide.
    pub namespace: Option<String>,
}

/// `list volumeattachments.storage.k8s.io cluster-wide`, `get pods in shop`.
impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(out, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(out, " in {namespace}"),
            None => write!(out, " cluster-wide"),
        }
    }
}

/// Why a step cannot or must not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The step.
    pub step: String,
    /// What kind of problem.
    pub kind: ProblemKind,
    /// For people: object, numbers, and the key that allows it.
    pub message: String,
    /// The disruption budget that will never allow it, when that is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<HeldBy>,
}

/// A `PodDisruptionBudget` that keeps a pod from being evicted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// `namespace/name`, empty when it is not known.
    pub budget: String,
    /// Whether the pod is one of the target's: then the target cannot be moved, and that says something about it.
    pub own: bool,
}

/// Kinds of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemKind {
    /// Nothing matches.
    NoTarget,
    /// A guard rail forbids it.
    Refused,
    /// Its effect could not be proven.
    Unprovable,
}
