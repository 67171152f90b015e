//! The limits and the objectives of a scenario, as in the file.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{DurationText, Percent};
use super::window::Window;

/// Limits of what may be injected; a plan beyond them is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// At most this share of the target's pods at a time, rounded down, but always one. Pods that are not Ready when a
    /// fault is injected count too; network partitions do not count.
    pub max_pods: Percent,
    /// At most this share of the pods of the target's namespace at a time, rounded down, but always one.
    pub max_namespace_pods: Percent,
    /// At most this share of the cluster's nodes at a time, rounded down, but always one.
    pub max_nodes: Percent,
    /// Labels that the target's namespace must carry, such as `environment = "staging"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespace_labels: BTreeMap<String, String>,
    /// When runs may begin on a live cluster; at any time when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// Rails that this scenario lifts, by name.
    pub allow: Vec<Rail>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_pods: Percent(80.0),
            max_namespace_pods: Percent(80.0),
            max_nodes: Percent(66.0),
            namespace_labels: BTreeMap::new(),
            window: None,
            allow: Vec::new(),
        }
    }
}

/// A guard rail that a scenario can lift by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rail {
    /// Taking the last ready replicas of a workload at once. A drain may: as far as a PodDisruptionBudget covers the
    /// pods, the cluster itself spares the last ones.
    LastReadyReplica,
    /// Taking so many replicas of a StatefulSet at once that no majority of them is ready.
    #[serde(rename = "statefulset-majority")]
    StatefulSetMajority,
    /// Working in `kube-system`, `kube-public`, `kube-node-lease`.
    ProtectedNamespace,
    /// Failing a node of the control plane.
    ControlPlaneNode,
    /// Failing a node on which Driftproof's own agent runs.
    OwnAgentNode,
}

impl Rail {
    /// The word of the scenario file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LastReadyReplica => "last-ready-replica",
            Self::StatefulSetMajority => "statefulset-majority",
            Self::ProtectedNamespace => "protected-namespace",
            Self::ControlPlaneNode => "control-plane-node",
            Self::OwnAgentNode => "own-agent-node",
        }
    }
}

/// What must hold. An absent objective is not judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// From each injection until the target is back at full strength with steady probes, at most.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub rto: Option<Duration>,
    /// Acknowledged writes that are gone afterwards, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpo: Option<u64>,
    /// Share of probe attempts that were answered in time, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<Percent>,
    /// Longest stretch without an answer on any probe, at most.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub longest_outage: Option<Duration>,
    /// Sum of all outages on any probe, at most.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub total_downtime: Option<Duration>,
    /// 99th percentile of the latency of answered attempts, counted from when they were due, at most.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub p99: Option<Duration>,
    /// A budget for single phases of every drift.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub phase: BTreeMap<Phase, PhaseBudget>,
    /// At least this many instances must have moved to another node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved: Option<u32>,
    /// What must be the same afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub same_after: Vec<Aspect>,
}

/// The longest time that a phase may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct PhaseBudget(
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText")]
    pub Duration,
);

/// The phases of a drift, in order. Each names the edge that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The cluster noticed that the instance or its node is lost.
    Detected,
    /// The old instance was marked for deletion.
    Evicted,
    /// The new instance was bound to a node.
    Scheduled,
    /// Its network volumes were attached.
    VolumeAttached,
    /// Its images were there.
    ImagePulled,
    /// Its containers ran.
    Started,
    /// It was Ready.
    Ready,
    /// Its endpoints were ready.
    InEndpoints,
    /// A probe was answered again.
    Serving,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 9] = [
        Self::Detected,
        Self::Evicted,
        Self::Scheduled,
        Self::VolumeAttached,
        Self::ImagePulled,
        Self::Started,
        Self::Ready,
        Self::InEndpoints,
        Self::Serving,
    ];

    /// The word of scenario files and reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Evicted => "evicted",
            Self::Scheduled => "scheduled",
            Self::VolumeAttached => "volume-attached",
            Self::ImagePulled => "image-pulled",
            Self::Started => "started",
            Self::Ready => "ready",
            Self::InEndpoints => "in-endpoints",
            Self::Serving => "serving",
        }
    }
}

/// An aspect of the cluster that is compared before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Number of ready replicas.
    Replicas,
    /// Spread over nodes: the largest number of the target's pods on one node.
    Spread,
    /// Spread over zones.
    Zones,
    /// Image digests.
    Images,
    /// The workload's spec.
    Spec,
    /// Content of every ConfigMap and Secret that the pods use.
    Config,
    /// The `PodDisruptionBudget` objects of the namespace.
    Budgets,
    /// Cordons and taints of all nodes.
    Nodes,
    /// Objects with our labels that are still there.
    Leftovers,
}
