//! The faults of a scenario, as in the file.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::PodSet;
use super::value::{Count, DurationText, Selector};

/// One disturbance, perhaps repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Name in the report; the kind when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When, counted from the moment at which the steady state held.
    #[serde(with = "humantime_serde", default)]
    #[schemars(with = "DurationText")]
    pub at: Duration,
    /// How long it holds before it is healed. A kill has no such time; a drain without one is held until it has ended.
    #[serde(with = "humantime_serde", default)]
    #[schemars(with = "DurationText")]
    pub hold: Duration,
    /// Repeat at this interval.
    #[serde(with = "humantime_serde", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub every: Option<Duration>,
    /// How often in all (1 when absent).
    #[serde(default = "once")]
    pub times: u32,
    /// What is done.
    #[serde(flatten)]
    pub kind: FaultKind,
}

const fn once() -> u32 {
    1
}

/// The kinds of fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// Pods are deleted.
    PodKill(PodKill),
    /// A NetworkPolicy cuts pods off.
    NetworkPartition(NetworkPartition),
    /// Nodes are cordoned and their pods evicted, as `kubectl drain` does: the planned drift.
    NodeDrain(NodeDrain),
    /// Nodes fail: the unplanned drift.
    NodeFailure(NodeFailure),
    /// A member of an etcd cluster is replaced by a new one: the migration of a stateful group.
    EtcdMemberReplace(EtcdMemberReplace),
}

impl FaultKind {
    /// The word of the scenario file.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::PodKill(_) => "pod-kill",
            Self::NetworkPartition(_) => "network-partition",
            Self::NodeDrain(_) => "node-drain",
            Self::NodeFailure(_) => "node-failure",
            Self::EtcdMemberReplace(_) => "etcd-member-replace",
        }
    }
}

/// Delete pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PodKill {
    /// Among which pods; the target's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodSet>,
    /// How many.
    pub count: Count,
    /// Which first.
    pub pick: Pick,
    /// Only the pod with this ordinal of a StatefulSet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// Only pods whose label `role` has this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Only pods on this node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Grace period; the pod's own when absent.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub grace: Option<Duration>,
    /// Force deletion: the object goes at once (`kubectl delete --force --grace-period=0`).
    pub force: bool,
    /// Also pods that are not Running.
    pub include_not_running: bool,
}

impl Default for PodKill {
    fn default() -> Self {
        Self {
            pods: None,
            count: Count::Exactly(1),
            pick: Pick::Random,
            ordinal: None,
            role: None,
            node: None,
            grace: None,
            force: false,
            include_not_running: false,
        }
    }
}

/// Which of several comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// By the seed.
    #[default]
    Random,
    /// By creation time.
    Oldest,
    /// By creation time, last first.
    Newest,
}

/// Cut pods off by NetworkPolicy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NetworkPartition {
    /// Which pods are cut off; the target's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodSet>,
    /// From which other pods; from everything when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<PodSet>,
    /// Which direction, seen from the pods that are cut off.
    pub direction: Direction,
    /// Ports that stay open, such as `"9090"` or `"53/UDP"`.
    pub except_ports: Vec<String>,
    /// Cut DNS (port 53) too; by default it stays reachable.
    pub include_dns: bool,
}

/// Direction of traffic, seen from the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Towards the pods.
    Ingress,
    /// From the pods.
    Egress,
    /// Both.
    #[default]
    Both,
}

/// Cordon nodes and evict their pods.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NodeDrain {
    /// Which nodes.
    pub node: NodeChoice,
    /// Give up after this time; the drain then counts as blocked.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
    /// Evict pods with emptyDir volumes too, whose content is then lost (`kubectl drain --delete-emptydir-data`).
    pub delete_emptydir_data: bool,
    /// Evict pods that nothing will replace (`kubectl drain --force`).
    pub force: bool,
}

impl Default for NodeDrain {
    fn default() -> Self {
        let timeout = Duration::from_secs(300);
        Self { node: NodeChoice::default(), timeout, delete_emptydir_data: true, force: false }
    }
}

/// Let nodes fail.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NodeFailure {
    /// Which nodes.
    pub node: NodeChoice,
    /// How they fail. A live cluster has `kubelet-stop` and `network-cut` (by a privileged pod on the node), `taint`, and
    /// whatever `command` does.
    pub mode: FailureMode,
    /// Commands that make them fail on a live cluster, instead of `mode`; needs `--allow-commands`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandPair>,
}

/// How a node fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureMode {
    /// The machine loses power. A live cluster needs `command` for it.
    #[default]
    PowerOff,
    /// The kubelet falls silent; containers run on.
    KubeletStop,
    /// The machine loses its network; containers run on, unreachable.
    NetworkCut,
    /// The node stays, and a NoExecute taint drives out the pods that do not tolerate it.
    Taint,
}

impl FailureMode {
    /// All modes.
    pub const ALL: [Self; 4] = [Self::PowerOff, Self::KubeletStop, Self::NetworkCut, Self::Taint];

    /// The word of the scenario file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PowerOff => "power-off",
            Self::KubeletStop => "kubelet-stop",
            Self::NetworkCut => "network-cut",
            Self::Taint => "taint",
        }
    }
}

impl NodeFailure {
    /// Whether a live cluster needs a pod of ours on the node for it.
    #[must_use]
    pub const fn needs_agent(&self) -> bool {
        self.command.is_none() && matches!(self.mode, FailureMode::KubeletStop | FailureMode::NetworkCut)
    }
}

/// Two commands, run by `sh -c` with `DRIFTPROOF_NODE` and `DRIFTPROOF_NODE_IP` in the environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandPair {
    /// Makes the node fail.
    pub inject: String,
    /// Brings it back; must be idempotent.
    pub heal: String,
}

/// Replace a member of an etcd cluster that runs in the target, a `StatefulSet`, as an operator would do it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EtcdMemberReplace {
    /// What becomes of the old member's disk.
    pub disk: Disk,
    /// With `disk = "lost"`: whose disk; one by the seed when absent. A member that moves is always the one with the lowest
    /// ordinal, since a `StatefulSet` gives up no other while it grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// The members' client port, which serves the JSON gateway without TLS: number or name.
    pub port: String,
    /// Give up when the new member has not caught up after this time.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

impl Default for EtcdMemberReplace {
    fn default() -> Self {
        Self { disk: Disk::Kept, ordinal: None, port: "2379".to_owned(), timeout: Duration::from_secs(300) }
    }
}

/// What becomes of the disk of a member that is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disk {
    /// The member moves: a new one is added, catches up and is promoted before the old one is removed. The way back goes
    /// the same way when the fault is healed.
    #[default]
    Kept,
    /// The member's pod and claims are gone for good; when the fault is healed, the dead member is removed and a new one
    /// of the same name joins with an empty disk.
    Lost,
}

/// Which nodes: by name, by zone, by label, or by what runs there. The criteria that are given must all hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeChoice {
    /// This node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Nodes of this zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Nodes with these labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
    /// Nodes on which pods of the target run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<OfTarget>,
    /// With `of`: only pods whose label `role` has this value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// With `of`: only the pod with this ordinal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// The whole zone of each chosen node.
    pub whole_zone: bool,
    /// How many nodes (1 unless a zone is given: then all).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<Count>,
}

/// The word `"target"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OfTarget {
    /// The scenario's target.
    Target,
}
