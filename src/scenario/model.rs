//! The checked scenario: what every room to the right works with, and what the JSON Schema is made from.
//! The shape is that of the TOML file, so that one set of types serves the file, the schema and the evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Count, DurationText, Percent, Selector, ServicePort, Workload};

/// One scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Short name: lower-case letters, digits and dashes; names the report's folder.
    pub name: String,
    /// One sentence that says what should hold.
    #[serde(default)]
    pub description: String,
    /// Words to choose scenarios by (`--tag`).
    #[serde(default)]
    pub tags: Vec<String>,
    /// What is watched and, unless a fault says otherwise, disturbed.
    pub target: Target,
    /// What is applied before the run.
    #[serde(default)]
    pub fixture: Fixture,
    /// The embedded cluster; ignored on a live one.
    #[serde(default)]
    pub cluster: Cluster,
    /// When the target counts as steady.
    #[serde(default)]
    pub steady: Steady,
    /// Open-loop probes of the service.
    #[serde(default, rename = "probe")]
    pub probes: Vec<Probe>,
    /// Checks that no data is lost.
    #[serde(default, rename = "data")]
    pub data: Vec<DataCheck>,
    /// Prometheus queries with a bound.
    #[serde(default, rename = "query")]
    pub queries: Vec<Query>,
    /// What is injected, and when.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
    /// Limits of what may be injected.
    #[serde(default)]
    pub guard: Guard,
    /// What must hold.
    #[serde(default)]
    pub expect: Expect,
}

/// A set of pods: by workload or by selector, never both, never neither.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Namespace of the workload.
    pub namespace: String,
    /// A workload, such as `deployment/web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// A label selector, such as `app=web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// A set of pods in a fault or a probe; the namespace is the target's unless given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PodSet {
    /// Namespace, when it is not the target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A workload, such as `deployment/web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,
    /// A label selector, such as `app=web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<Selector>,
}

/// Manifests that are applied before the run and removed after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// YAML files relative to the scenario file, as `kubectl apply -f` takes them. Always applied on the embedded
    /// cluster; on a live one only with `--apply-fixtures`.
    #[serde(default)]
    pub manifests: Vec<String>,
}

/// The embedded cluster. Every timing has Kubernetes' own default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// Number of nodes, named `worker-1` and so on, spread evenly over the zones.
    pub nodes: u32,
    /// Zones; three nodes in three zones by default.
    pub zones: Vec<String>,
    /// Capacity of every node by resource name (`cpu`, `memory`, `pods`, `nvidia.com/gpu`).
    pub capacity: BTreeMap<String, String>,
    /// Nodes that differ from the others, by name.
    #[serde(rename = "node")]
    pub node: BTreeMap<String, NodeOverride>,
    /// Whether the network enforces NetworkPolicy; some CNI plugins accept and ignore it.
    pub network_policies: Enforcement,
    /// Timers that differ from Kubernetes' defaults.
    pub timings: Timings,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            nodes: 3,
            zones: ["zone-1", "zone-2", "zone-3"].map(str::to_owned).into(),
            capacity: BTreeMap::new(),
            node: BTreeMap::new(),
            network_policies: Enforcement::Enforced,
            timings: Timings::default(),
        }
    }
}

/// What differs on one node of the embedded cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NodeOverride {
    /// Zone of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Taints as kubectl writes them: `key=value:NoSchedule`.
    pub taints: Vec<String>,
    /// Capacity that differs, by resource name.
    pub capacity: BTreeMap<String, String>,
}

/// Whether a NetworkPolicy has an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforcement {
    /// They do, for new and for established connections.
    #[default]
    Enforced,
    /// They do for new connections only; established ones go on.
    NewConnections,
    /// They are accepted and ignored.
    Ignored,
}

/// Timers of the embedded cluster; absent ones are Kubernetes' defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timings {
    /// kube-controller-manager `--node-monitor-grace-period` (50 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub node_monitor_grace_period: Option<Duration>,
    /// kube-controller-manager `--node-monitor-period` (5 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub node_monitor_period: Option<Duration>,
    /// kubelet lease renewal (10 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub lease_renew_interval: Option<Duration>,
    /// kube-apiserver `--default-not-ready-toleration-seconds` and `--default-unreachable-toleration-seconds` (300 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub default_toleration: Option<Duration>,
    /// Attaching a network volume (3 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub volume_attach: Option<Duration>,
    /// Forced detach from a lost node, `maxWaitForUnmountDuration` (6 min).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub force_detach_after: Option<Duration>,
    /// A container from sandbox to process (350 ms).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub container_start: Option<Duration>,
    /// A process until it serves (200 ms); a pod's annotation overrides it.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub app_start: Option<Duration>,
    /// Size of an image that no annotation states, as a quantity (`100Mi`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<String>,
    /// Bandwidth of image pulls for each second, as a quantity (`50Mi`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_bandwidth: Option<String>,
}

/// When the target counts as steady: full strength and every probe answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Steady {
    /// It must hold this long before the first fault and after the last heal.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText")]
    pub window: Duration,
    /// It must begin within this time, before the first fault and again after the last heal.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

impl Default for Steady {
    fn default() -> Self {
        Self { window: Duration::from_secs(5), timeout: Duration::from_secs(120) }
    }
}

/// An open-loop probe: attempts are due at a fixed rate whatever the answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name in the report.
    pub name: String,
    /// `http` or `tcp`.
    pub kind: ProbeKind,
    /// A Service port; reached through the API server's service proxy, or on the embedded network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServicePort>,
    /// A URL (`http`) or `host:port` (`tcp`) to reach directly; live clusters only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Pods to probe from; from outside when absent. Embedded cluster only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PodSet>,
    /// Path of an `http` probe.
    #[serde(default = "root_path")]
    pub path: String,
    /// HTTP statuses that count as an answer; 200 to 399 when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Attempts per second.
    #[serde(default = "default_rate")]
    pub rate: f64,
    /// An attempt without an answer in this time has failed; counted from when it was due.
    #[serde(with = "humantime_serde", default = "one_second")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

pub(super) fn root_path() -> String {
    "/".to_owned()
}

pub(super) fn default_rate() -> f64 {
    10.0
}

pub(super) const fn one_second() -> Duration {
    Duration::from_secs(1)
}

/// What a probe speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeKind {
    /// A GET request.
    Http,
    /// A connection that opens.
    Tcp,
}

/// A check that data survives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DataCheck {
    /// Acknowledged unique writes through the service, read back from every replica.
    Set(SetCheck),
    /// The content of a volume before and after.
    Volume(VolumeCheck),
}

/// Unique values are added through a Service while the faults hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCheck {
    /// Name in the report.
    #[serde(default = "set_name")]
    pub name: String,
    /// The Service port that takes the writes.
    pub service: ServicePort,
    /// Concurrent writers, each with one write under way.
    #[serde(default = "five")]
    pub clients: u32,
    /// Writes per second over all clients, open loop up to the number of clients.
    #[serde(default = "default_rate")]
    pub rate: f64,
    /// Request that adds `{value}`: method and path.
    #[serde(default = "set_write")]
    pub write: String,
    /// Request that reads the set through the Service: a JSON array.
    #[serde(default = "set_read")]
    pub read: String,
    /// Request that reads one replica's own copy, asked of every pod of the target: a JSON array.
    #[serde(default = "set_replica_read")]
    pub replica_read: String,
    /// A write without an answer in this time is indeterminate.
    #[serde(with = "humantime_serde", default = "one_second")]
    #[schemars(with = "DurationText")]
    pub timeout: Duration,
}

pub(super) fn set_name() -> String {
    "set".to_owned()
}
pub(super) const fn five() -> u32 {
    5
}
pub(super) fn set_write() -> String {
    "PUT /set/driftproof/{value}".to_owned()
}
pub(super) fn set_read() -> String {
    "GET /set/driftproof".to_owned()
}
pub(super) fn set_replica_read() -> String {
    "GET /local/set/driftproof".to_owned()
}

/// The files of a mounted volume, compared before and after by their digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeCheck {
    /// Name in the report.
    #[serde(default = "volume_name")]
    pub name: String,
    /// Mount path in the target's pods.
    pub path: String,
    /// A file that is written into the volume before the first fault, so that an empty volume is not mistaken for a kept one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write: Option<String>,
}

pub(super) fn volume_name() -> String {
    "volume".to_owned()
}

/// A Prometheus query with a bound. No data is inconclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Name in the report.
    pub name: String,
    /// The query, in `PromQL`.
    pub expr: String,
    /// Bound on every value, such as `">= 0.99"`, `"< 5"`, `"== 0"`.
    pub bound: String,
    /// Evaluate over the whole run at this step instead of once at the end.
    #[serde(with = "humantime_serde", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub step: Option<Duration>,
}

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
    /// How long it holds before it is healed; faults that have nothing to heal ignore it.
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
    /// How they fail, on the embedded cluster.
    pub mode: FailureMode,
    /// How they fail on a live cluster; needs `--allow-commands`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandPair>,
}

/// How a node fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureMode {
    /// The machine loses power.
    #[default]
    PowerOff,
    /// The kubelet dies; containers run on.
    KubeletStop,
    /// The machine loses its network; containers run on, unreachable.
    NetworkCut,
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

/// Limits of what may be injected; a plan beyond them is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// At most this share of the target's pods at a time, rounded down, but always one. Pods that are not Ready when a
    /// fault is injected count too; network partitions do not count.
    pub max_pods: Percent,
    /// At most this share of the cluster's nodes at a time, rounded down, but always one.
    pub max_nodes: Percent,
    /// Rails that this scenario lifts, by name.
    pub allow: Vec<Rail>,
}

impl Default for Guard {
    fn default() -> Self {
        Self { max_pods: Percent(80.0), max_nodes: Percent(66.0), allow: Vec::new() }
    }
}

/// A guard rail that a scenario can lift by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rail {
    /// Taking the last ready replicas of a workload at once. A drain may: as far as a PodDisruptionBudget covers the
    /// pods, the cluster itself spares the last ones.
    LastReadyReplica,
    /// Working in `kube-system`, `kube-public`, `kube-node-lease`.
    ProtectedNamespace,
    /// Failing a node of the control plane.
    ControlPlaneNode,
}

impl Rail {
    /// The word of the scenario file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LastReadyReplica => "last-ready-replica",
            Self::ProtectedNamespace => "protected-namespace",
            Self::ControlPlaneNode => "control-plane-node",
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
