// NOTE FROM THE LEAD: see LEAD-NOTE.md at the root of this worktree: somebody else writes this room now; do only src/sim/scheduler.
//! Volumes: claims bound to volumes, attaching and detaching, and what each volume holds.

pub(in crate::sim) mod binding;

use std::collections::BTreeMap;

use super::{Change, State};

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {}

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
}

/// Whether a pod's volumes can be mounted on its node now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mountable {
    /// All of them: volume by mount path of the first container that mounts it, else by `/volumes/<name>`.
    Ready(BTreeMap<String, VolumeId>),
    /// Not yet, and why, as the kubelet's event would say. The room tells the kubelet when it changes.
    Waiting(String),
}

impl State {
    /// Whether the pod's volumes are bound and attached to its node (asked by the kubelet before it starts a pod).
    pub fn mountable(&self, _pod: &k8s_openapi::api::core::v1::Pod) -> Mountable {
        Mountable::Ready(BTreeMap::new())
    }
    /// The kubelet has unmounted this pod's volumes: its containers are gone (allows a detach).
    pub fn unmounted(&mut self, _uid: &str) {}
    /// Throws away a pod's scratch directories.
    pub fn drop_scratch(&mut self, _uid: &str) {}
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(_state: &mut State, _change: &Change) {}

/// Does one piece of work.
pub fn handle(_state: &mut State, work: Work) {
    match work {}
}
