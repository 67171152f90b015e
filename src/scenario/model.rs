//! The checked scenario: what every room to the right works with, and what the JSON Schema is made from.
//! The shape is that of the TOML file, so that one set of types serves the file, the schema and the evidence.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::abort::Abort;
use super::checks::{DataCheck, Probe, Query};
use super::expect::{Expect, Guard};
use super::fault::Fault;
use super::value::{DurationText, Selector, Workload};

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
    /// Conditions on which faults are healed before their time.
    #[serde(default, rename = "abort", skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<Abort>,
    /// Limits of what may be injected.
    #[serde(default)]
    pub guard: Guard,
    /// What must hold.
    #[serde(default)]
    pub expect: Expect,
}

impl Scenario {
    /// Whether anything is judged beside what every run is judged by: an objective, a check of data, a query, or a
    /// condition on which the run ends.
    #[must_use]
    pub fn has_objective(&self) -> bool {
        self.expect != Expect::default() || !self.data.is_empty() || !self.queries.is_empty() || !self.aborts.is_empty()
    }
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
    /// Other namespaces than the target's that the manifests may write into, or create.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// Kinds without a namespace that the manifests may hold, such as `StorageClass`; `Kind.group` means those of one API
    /// group. Namespaces themselves are allowed by `namespaces`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cluster_scoped: Vec<String>,
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
    /// Whether images with `imagePullPolicy: Never` are on every node, as after `kind load` or `minikube image load`; if
    /// not, their containers wait with `ErrImageNeverPull`.
    pub images_preloaded: bool,
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
            images_preloaded: true,
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
    /// Detaching a network volume from a healthy node (2 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub volume_detach: Option<Duration>,
    /// Mounting a volume (300 ms).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub volume_mount: Option<Duration>,
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
    /// A process from SIGTERM until it ends (300 ms); a pod's annotation overrides it.
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub app_stop: Option<Duration>,
    /// A machine that boots, until its kubelet runs (20 s).
    #[serde(with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub boot: Option<Duration>,
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
