//! Volumes: claims bound to volumes, attaching and detaching, and what each volume holds.
//! Never decides where a pod goes: the scheduler does, with the rules in `binding`.

mod attach_detach;
mod attachment;
pub(crate) mod binding;
mod boot;
mod index;
mod mounts;
mod protection;
mod provisioner;
mod pv_controller;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};

use super::{Key, State};

pub use boot::boot;
pub use watch::on_change;

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Compares a claim with what it should be bound to.
    Claim(Key),
    /// Compares a volume, by name, with its claim.
    Volume(String),
    /// A volume for a claim has been made.
    Provisioned(Key),
    /// Claims of the pod's own (`ephemeral` volumes) are created.
    Ephemeral(Key),
    /// Compares where a volume is attached with where it should be.
    Attachments(String),
    /// A volume is attached to a node now.
    Attached(String, String),
    /// A volume is detached from a node now.
    Detached(String, String),
    /// A volume has waited long enough for a node's kubelet.
    Overdue(String, String),
    /// The node of this name told which volumes are in use: no longer this one by the pod with this UID.
    Unused(String, String, String),
    /// The pod's kubelet should ask for its volumes again.
    Wake(Key),
}

/// One place where bytes are kept, and with what they are lost.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VolumeId {
    /// A persistent network volume, by PersistentVolume name: follows the pod.
    Persistent(String),
    /// A local PersistentVolume, by name: stays on its node.
    Local(String),
    /// A directory of a node: stays with the node.
    HostPath {
        /// Node name.
        node: String,
        /// Path on the node.
        path: String,
    },
    /// A scratch directory of a pod: lost with the pod.
    EmptyDir {
        /// Pod UID.
        pod: String,
        /// Volume name.
        name: String,
    },
    /// A ConfigMap, Secret, projected or other read-only volume.
    ReadOnly {
        /// Pod UID.
        pod: String,
        /// Volume name.
        name: String,
    },
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// Files by path, for each volume.
    pub contents: BTreeMap<VolumeId, BTreeMap<String, String>>,
    /// Pods by what their volumes need: claims, configuration maps and secrets.
    users: index::Users,
    /// Claims that have no volume yet.
    unbound: BTreeSet<Key>,
    /// Claims whose volume is being made.
    provisioning: BTreeSet<Key>,
    /// Where network volumes are attached, by volume and node.
    attachments: BTreeMap<(String, String), attachment::Attachment>,
    /// Network volumes that a pod's kubelet has mounted, by pod UID.
    mounted: BTreeMap<String, attachment::Mounted>,
    /// Pods by UID and volume whose wait for another node was told already.
    told: BTreeSet<(String, String)>,
}

/// Whether a pod's volumes can be mounted on its node now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mountable {
    /// All of them: volume by each mount path of a container, or by `/volumes/<name>` when none mounts it.
    Ready(BTreeMap<String, VolumeId>),
    /// Not yet, and why, as the kubelet's event would say. The room tells the kubelet when it changes.
    Waiting(String),
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Claim(claim) => pv_controller::sync_claim(state, &claim),
        Work::Volume(volume) => pv_controller::sync_volume(state, &volume),
        Work::Provisioned(claim) => provisioner::provisioned(state, &claim),
        Work::Ephemeral(pod) => provisioner::ephemeral(state, &pod),
        Work::Attachments(volume) | Work::Overdue(volume, _) => attach_detach::reconcile(state, &volume),
        Work::Attached(volume, node) => attach_detach::attached(state, &volume, &node),
        Work::Detached(volume, node) => attach_detach::detached(state, &volume, &node),
        Work::Unused(node, volume, pod) => attach_detach::unused(state, &node, &volume, &pod),
        Work::Wake(pod) => state.volumes_changed(&pod),
    }
}
