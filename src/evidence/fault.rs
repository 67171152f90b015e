//! The life of a fault as records: *intent, injecting, injected, proof, holding, healing, healed, proof of healing*.
//! The intent is written and synced before the first API call, with the undo as data.

use serde::{Deserialize, Serialize};

use crate::plan::{Action, HeldBy, Ordinals};
use crate::scenario::FailureMode;

/// One step in the life of one fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultRecord {
    /// The plan's step.
    pub step: String,
    /// What happened to it.
    #[serde(flatten)]
    pub life: Life,
}

/// The life of a fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "life", rename_all = "kebab-case")]
pub enum Life {
    /// What will be done and how it is undone. Synced to disk before anything is touched.
    Intent {
        /// The resolved action.
        action: Action,
        /// How to undo it.
        undo: Vec<Undo>,
    },
    /// The first API call follows: recovery is counted from here.
    Injecting,
    /// The last API call of the injection was answered.
    Injected,
    /// The injection did not work.
    InjectFailed {
        /// What, on what object, and what to do.
        reason: String,
        /// The disruption budget that did not allow it, when that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<HeldBy>,
    },
    /// Whether the fault really bit.
    Proof(Proof),
    /// Healing begins.
    Healing,
    /// The undo was done and verified.
    Healed,
    /// The undo failed or could not be verified: left dirty.
    HealFailed {
        /// What is left, and the command that removes it.
        reason: String,
    },
    /// Whether the fault is really gone.
    HealProof(Proof),
}

/// Evidence that something took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Whether it is proven.
    pub proven: bool,
    /// One sentence: what was seen, on what.
    pub statement: String,
    /// The single observations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub canaries: Vec<CanaryResult>,
}

/// Traffic over one canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryResult {
    /// `outside → shop/web-1:8080`.
    pub path: String,
    /// Whether the connection was opened anew or was established before the fault.
    pub connection: Connection,
    /// Whether traffic passed before the fault.
    pub before: bool,
    /// Whether it passes now.
    pub now: bool,
}

/// New or established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// Opened during the fault.
    New,
    /// Opened before the fault.
    Established,
}

/// How to undo one thing. Idempotent; verified afterwards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// Delete a policy that we created.
    DeleteNetworkPolicy {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
    /// Take back a cordon that we set.
    Uncordon {
        /// Node.
        node: String,
    },
    /// Bring a machine back.
    RestoreNode {
        /// Node.
        node: String,
        /// Its address.
        ip: String,
        /// How it was made to fail.
        mode: FailureMode,
        /// The command that brings it back, on a live cluster.
        command: Option<String>,
    },
    /// End the agent on a node: ask it to heal, wait for its end, remove its Job. It heals the node by itself, too.
    EndNodeAgent {
        /// Node.
        node: String,
        /// Namespace of its Job.
        namespace: String,
        /// Name of its Job.
        job: String,
        /// What it does to the node.
        mode: FailureMode,
        /// Its own timer, in seconds, counted from the injection.
        timer_seconds: u64,
    },
    /// Take back a taint that we set.
    RemoveTaint {
        /// Node.
        node: String,
        /// Key.
        key: String,
        /// Value: another one is not ours.
        value: String,
    },
    /// Give an etcd cluster its member back.
    RestoreMember(Replacement),
    /// Delete an object that the run created: of a fixture, its lock, its record, an agent.
    DeleteObject {
        /// `apps/v1`.
        api_version: String,
        /// Kind.
        kind: String,
        /// Namespace, empty when cluster-scoped.
        namespace: String,
        /// Name.
        name: String,
    },
}

/// A member of an etcd cluster that is replaced, as it was before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replacement {
    /// Namespace.
    pub namespace: String,
    /// The `StatefulSet` that runs the members.
    pub stateful_set: String,
    /// Its ordinals.
    pub ordinals: Ordinals,
    /// The members' client port.
    pub port: String,
    /// The pod whose member is replaced.
    pub pod: String,
    /// UID of that pod.
    pub pod_uid: String,
    /// Its claims.
    pub claims: Vec<ClaimId>,
    /// ID of the member; 0 when it could not be told, and nothing was touched.
    pub member: u64,
    /// The pod of the new member, where the old one moves; absent where the disk is lost.
    pub guest: Option<String>,
    /// Names of the guest's claims.
    pub guest_claims: Vec<String>,
}

/// A claim: another one of the same name is not meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClaimId {
    /// Name.
    pub name: String,
    /// UID.
    pub uid: String,
}
