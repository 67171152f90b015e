//! What a case of the conformance suite is: manifests, acts at their times, and how long to watch. Data only: it does
//! not know on which cluster it will run.

use std::time::Duration;

/// The timings that both clusters run with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timings {
    /// `short` or `default`.
    pub(crate) name: &'static str,
    /// kube-controller-manager `--node-monitor-grace-period`.
    pub(crate) grace: Duration,
    /// kube-controller-manager `--node-monitor-period`.
    pub(crate) period: Duration,
    /// kube-apiserver `--default-{not-ready,unreachable}-toleration-seconds`.
    pub(crate) toleration: Duration,
    /// How often a kubelet renews its lease: a quarter of `nodeLeaseDurationSeconds`.
    pub(crate) renew: Duration,
}

/// For a suite that takes minutes.
pub(crate) const SHORT: Timings = Timings {
    name: "short",
    grace: Duration::from_secs(8),
    period: Duration::from_secs(1),
    toleration: Duration::from_secs(5),
    renew: Duration::from_secs(2),
};

/// What Kubernetes does when nobody says otherwise.
pub(crate) const DEFAULT: Timings = Timings {
    name: "default",
    grace: Duration::from_secs(50),
    period: Duration::from_secs(5),
    toleration: Duration::from_secs(300),
    renew: Duration::from_secs(10),
};

/// A time, counted from the first act of the case.
#[derive(Clone, Copy, Debug)]
pub(crate) enum At {
    /// Seconds after the first act.
    Seconds(u64),
    /// Seconds after a node that is lost at the first act should be known to be.
    Lost(u64),
    /// Seconds after its pods should be evicted.
    Evicted(u64),
}

impl At {
    pub(crate) fn resolve(self, timings: &Timings) -> Duration {
        match self {
            Self::Seconds(seconds) => Duration::from_secs(seconds),
            Self::Lost(seconds) => timings.grace + Duration::from_secs(seconds),
            Self::Evicted(seconds) => timings.grace + timings.toleration + Duration::from_secs(seconds),
        }
    }
}

/// Which nodes are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victims {
    /// None: nodes are not watched either.
    None,
    /// The node that holds this application's first pod.
    Holding(&'static str),
    /// Every other node.
    AllButHolding(&'static str),
}

/// What is done to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Switch {
    PowerOff,
    PowerOn,
    KillKubelet,
    StartKubelet,
    CutNetwork,
    JoinNetwork,
}

impl Switch {
    /// What puts it back; `None` when it does that itself.
    pub(crate) fn undo(self) -> Option<Self> {
        match self {
            Self::PowerOff => Some(Self::PowerOn),
            Self::KillKubelet => Some(Self::StartKubelet),
            Self::CutNetwork => Some(Self::JoinNetwork),
            Self::PowerOn | Self::StartKubelet | Self::JoinNetwork => None,
        }
    }
}

/// One act. Applications are named by their `app` label, which is the name of their workload too.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Deletes the first pod of an application, with this grace instead of its own.
    DeletePod { app: &'static str, grace: Option<u32> },
    /// Kills the process of the only container of an application's first pod.
    KillContainer { app: &'static str },
    /// Deletes a workload, and lets its pods be collected.
    DeleteWorkload { kind: Workload, app: &'static str },
    /// Sets `spec.replicas`.
    Scale { kind: Workload, app: &'static str, replicas: u32 },
    /// Changes the pod template.
    Rollout { kind: Workload, app: &'static str },
    /// Throws a switch of every lost machine.
    Machine(Switch),
    /// Cordons the first lost node and evicts its pods, each again every 5 s while a budget forbids it, until all are
    /// gone or the time is over.
    Drain { patience: u64 },
    /// Makes the lost nodes schedulable again.
    Uncordon,
    /// Declares the lost nodes out of service: `node.kubernetes.io/out-of-service:NoExecute`.
    OutOfService,
    /// Takes that back.
    InService,
    /// Creates the objects of a manifest.
    Apply(&'static str),
    /// Deletes a `NetworkPolicy`.
    DeletePolicy(&'static str),
    /// Tries a connection from each pod of one application to port 8080 of each pod of another.
    Connect { from: &'static str, to: &'static str },
}

/// Kinds of workloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    Deployment,
    StatefulSet,
}

/// Whether the network enforces policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enforcement {
    On,
    Off,
}

/// What may run beside a case on one cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// It touches nothing but its own namespace.
    Others,
    /// It takes nodes away.
    Alone,
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// Name, also of its namespace.
    pub(crate) name: &'static str,
    /// What it shows, one sentence.
    pub(crate) says: &'static str,
    /// Manifests that are applied before.
    pub(crate) manifests: &'static [&'static str],
    pub(crate) victims: Victims,
    /// Acts in the order of their times.
    pub(crate) acts: &'static [(At, Act)],
    /// How long it is watched.
    pub(crate) until: At,
    pub(crate) company: Company,
    pub(crate) enforcement: Enforcement,
}
