//! States of the cluster as they were seen in watches. Only what later rooms need, in a stable form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One observation, at the instant at which its watch event was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
#[expect(clippy::large_enum_variant, reason = "most records are of pods, and each is in a box of its own")]
pub enum Seen {
    /// A pod of the target, or of a pod set that a fault names.
    Pod(PodSeen),
    /// A node.
    Node(NodeSeen),
    /// The target workload.
    Workload(WorkloadSeen),
    /// The endpoints of a Service that a probe or data check uses.
    Endpoints(EndpointsSeen),
    /// An attachment of a network volume.
    Attachment(AttachmentSeen),
    /// A Kubernetes Event about something that is watched.
    Event(EventSeen),
}

/// What a watch said happened to an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Listed when the watch began.
    #[default]
    Initial,
    /// Created.
    Added,
    /// Changed.
    Modified,
    /// Gone.
    Deleted,
}

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodSeen {
    /// What happened.
    pub change: Change,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
    /// Whether it belongs to the target, or only to another pod set that is watched.
    pub target: bool,
    /// `Kind/name` of the controlling owner, empty for a bare pod.
    pub owner: String,
    /// Node, empty until bound.
    pub node: String,
    /// Address, empty until it has one.
    pub ip: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// `metadata.creationTimestamp`, RFC 3339.
    pub created: String,
    /// `metadata.deletionTimestamp`, empty when it is not being deleted.
    pub deletion: String,
    /// Ready condition.
    pub ready: bool,
    /// Reason of the Ready condition, or of the `DisruptionTarget` condition when there is one.
    pub reason: String,
    /// PersistentVolumeClaims that it mounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<String>,
    /// Label `role`, empty when absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// What it waits for that no event tells, from its conditions and its spec: a scheduling gate, a scheduler that does not
    /// act here, a readiness gate, a finalizer. Empty when nothing of the kind holds it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub waits_for: String,
    /// Whether it tolerates the loss of its node for ever, by its own tolerations: nothing evicts it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stays: bool,
    /// Containers in the order of the spec.
    pub containers: Vec<ContainerSeen>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSeen {
    /// Name.
    pub name: String,
    /// `waiting`, `running`, `terminated`, or empty when there is no status yet.
    pub state: String,
    /// Reason of the state, such as `CrashLoopBackOff` or `OOMKilled`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Exit code when terminated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// Ready.
    pub ready: bool,
    /// Restarts.
    pub restarts: u32,
    /// Digest of the running image, empty until known.
    pub image_id: String,
    /// `state.running.startedAt`, RFC 3339, empty when it does not run.
    pub started: String,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// What happened.
    pub change: Change,
    /// Name.
    pub name: String,
    /// Zone, empty when unlabelled.
    pub zone: String,
    /// `True`, `False` or `Unknown`.
    pub ready: String,
    /// Reason of the Ready condition.
    pub reason: String,
    /// `spec.unschedulable`.
    pub cordoned: bool,
    /// Taints as kubectl writes them.
    pub taints: Vec<String>,
}

/// The target workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadSeen {
    /// What happened.
    pub change: Change,
    /// `deployment/web`.
    pub workload: String,
    /// Replicas wanted (for a DaemonSet: nodes that should run it).
    pub desired: u32,
    /// Ready replicas as the workload's status says.
    pub ready: u32,
    /// Generation of the spec.
    pub generation: i64,
    /// Generation that the status speaks of.
    pub observed: i64,
}

/// The endpoints of a Service, over all its slices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointsSeen {
    /// Namespace.
    pub namespace: String,
    /// Service.
    pub service: String,
    /// State by pod name.
    pub pods: BTreeMap<String, EndpointSeen>,
}

/// One endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointSeen {
    /// `conditions.ready`.
    pub ready: bool,
    /// `conditions.serving`.
    pub serving: bool,
    /// `conditions.terminating`.
    pub terminating: bool,
}

/// An attachment of a network volume.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttachmentSeen {
    /// What happened.
    pub change: Change,
    /// PersistentVolume.
    pub volume: String,
    /// PersistentVolumeClaim that is bound to it, empty when unknown.
    pub claim: String,
    /// Node.
    pub node: String,
    /// `status.attached`.
    pub attached: bool,
}

/// A Kubernetes Event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSeen {
    /// `Pod/web-1`.
    pub about: String,
    /// UID of what it is about.
    pub uid: String,
    /// `Normal` or `Warning`.
    pub level: String,
    /// Reason.
    pub reason: String,
    /// Message, cut at 300 characters.
    pub message: String,
    /// How often it was seen.
    pub count: u32,
}
