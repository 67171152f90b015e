//! What an embedded cluster is made of: nodes, timings, and whether its network enforces policies.
//! The defaults are those of Kubernetes; sources are named at each timing.

use std::collections::BTreeMap;
use std::time::Duration;

/// Settings of a cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The machines.
    pub nodes: Vec<NodeSpec>,
    /// Whether the network enforces `NetworkPolicy`; some CNI plugins accept and ignore it.
    pub policies_enforced: bool,
    /// Whether images with the pull policy `Never` are on every machine's disk, as their authors mean it (`minikube image
    /// load`, `kind load`); otherwise such containers wait with `ErrImageNeverPull`.
    pub images_preloaded: bool,
    /// Verbs that the API server refuses, as (verb, resource): `("create", "pods/eviction")`; `*` stands for any.
    pub denied: Vec<(String, String)>,
    /// Whether a `NetworkPolicy` also cuts connections that were open before it; some CNI plugins leave those alone.
    pub policies_cut_established: bool,
    /// Timers and durations.
    pub timings: Timings,
}

impl Default for Settings {
    fn default() -> Self {
        let nodes = (1..=3).map(|index| NodeSpec::new(format!("worker-{index}"), format!("zone-{index}"))).collect();
        Self {
            nodes,
            policies_enforced: true,
            policies_cut_established: true,
            images_preloaded: true,
            denied: Vec::new(),
            timings: Timings::default(),
        }
    }
}

/// One machine.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Name of the Node object.
    pub name: String,
    /// `topology.kubernetes.io/zone`.
    pub zone: String,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Taints as kubectl writes them: `key=value:Effect`.
    pub taints: Vec<String>,
    /// Capacity by resource name as Kubernetes quantities: `cpu`, `memory`, `pods`, `nvidia.com/gpu`.
    pub capacity: BTreeMap<String, String>,
}

impl NodeSpec {
    /// A Linux machine with 4 CPUs, 16 GiB and 110 pods.
    pub fn new(name: impl Into<String>, zone: impl Into<String>) -> Self {
        let capacity = [("cpu", "4"), ("memory", "16Gi"), ("pods", "110"), ("ephemeral-storage", "100Gi")];
        Self {
            name: name.into(),
            zone: zone.into(),
            labels: BTreeMap::new(),
            taints: Vec::new(),
            capacity: capacity.map(|(name, amount)| (name.to_owned(), amount.to_owned())).into(),
        }
    }
}

/// Every timer that decides how long a drift takes.
#[derive(Clone, Debug)]
pub struct Timings {
    /// Delay of an API request.
    pub api_latency: Duration,
    /// Delay from a change to the controller that acts on it.
    pub controller_latency: Duration,
    /// kubelet `nodeStatusUpdateFrequency` / lease renewal (`nodeLeaseDurationSeconds` × 0.25): 10 s.
    pub lease_renew_interval: Duration,
    /// kube-controller-manager `--node-monitor-grace-period`: 50 s.
    pub node_monitor_grace_period: Duration,
    /// kube-controller-manager `--node-monitor-period`: 5 s.
    pub node_monitor_period: Duration,
    /// kube-controller-manager `--node-eviction-rate`: nodes that may be tainted per second in a healthy zone, 0.1.
    pub node_eviction_rate: f64,
    /// kube-controller-manager `--secondary-node-eviction-rate`: 0.01, in a zone that is more than 55 % unready.
    pub secondary_node_eviction_rate: f64,
    /// kube-apiserver `--default-not-ready-toleration-seconds` and `--default-unreachable-toleration-seconds`: 300.
    pub default_toleration_seconds: u64,
    /// Period of the pod garbage collector: 20 s.
    pub pod_gc_period: Duration,
    /// Quarantine of a deleted node before its pods are collected: 40 s.
    pub pod_gc_node_quarantine: Duration,
    /// Scheduling one pod.
    pub schedule_duration: Duration,
    /// Attaching a network volume.
    pub volume_attach: Duration,
    /// Detaching a network volume from a healthy node.
    pub volume_detach: Duration,
    /// Mounting a volume.
    pub volume_mount: Duration,
    /// Attach/detach controller `maxWaitForUnmountDuration`: 6 min.
    pub force_detach_after: Duration,
    /// Bandwidth of an image pull, bytes per second.
    pub pull_bandwidth: u64,
    /// Size of an image when nothing says so, bytes.
    pub image_size: u64,
    /// Creating a sandbox and starting a container.
    pub container_start: Duration,
    /// From the container's start until the application serves.
    pub app_start: Duration,
    /// From SIGTERM until the application exits.
    pub app_stop: Duration,
    /// From a change of endpoints until every node's proxy follows.
    pub proxy_sync: Duration,
    /// From a change of a NetworkPolicy until the nodes enforce it.
    pub policy_sync: Duration,
    /// One-way delay between two pods.
    pub network_latency: Duration,
    /// A machine that boots, until its kubelet runs.
    pub boot: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        let ms = Duration::from_millis;
        let s = Duration::from_secs;
        Self {
            api_latency: ms(2),
            controller_latency: ms(15),
            lease_renew_interval: s(10),
            node_monitor_grace_period: s(50),
            node_monitor_period: s(5),
            node_eviction_rate: 0.1,
            secondary_node_eviction_rate: 0.01,
            default_toleration_seconds: 300,
            pod_gc_period: s(20),
            pod_gc_node_quarantine: s(40),
            schedule_duration: ms(5),
            volume_attach: s(3),
            volume_detach: s(2),
            volume_mount: ms(300),
            force_detach_after: s(360),
            pull_bandwidth: 50 << 20,
            image_size: 100 << 20,
            container_start: ms(350),
            app_start: ms(200),
            app_stop: ms(300),
            proxy_sync: ms(100),
            policy_sync: ms(300),
            network_latency: ms(1),
            boot: s(20),
        }
    }
}
