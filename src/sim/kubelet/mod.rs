//! Machines and what runs on them: the physical truth, which the API objects only follow.
//! A container goes on running on a machine that is cut off, also when its pod object is long gone.

use std::collections::{BTreeMap, BTreeSet};

use super::storage::VolumeId;
use super::{Change, State};

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// Machines by node name.
    pub machines: BTreeMap<String, Machine>,
    /// Sandboxes by pod UID.
    pub sandboxes: BTreeMap<String, Sandbox>,
    /// Pod UID by pod IP.
    pub by_ip: BTreeMap<String, String>,
}

/// One machine.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Node name.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// Switched on.
    pub powered: bool,
    /// The kubelet runs.
    pub kubelet: bool,
    /// Its network cable is plugged in.
    pub network: bool,
    /// Images on its disk.
    pub images: BTreeSet<String>,
}

/// One pod as it really runs on a machine.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    /// UID of the pod.
    pub uid: String,
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub name: String,
    /// Node that it runs on.
    pub node: String,
    /// Its address.
    pub ip: String,
    /// Containers by name.
    pub containers: BTreeMap<String, Container>,
    /// Mounted volumes by mount path.
    pub mounts: BTreeMap<String, VolumeId>,
}

/// One container as it really is.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Image reference.
    pub image: String,
    /// Whether its process runs.
    pub running: bool,
    /// How often it was started again.
    pub restarts: u32,
}

impl State {
    /// Cuts a machine's power: everything on it stops at once, nothing is reported.
    pub fn power_off(&mut self, _node: &str) {}
    /// Switches a machine on again; its kubelet runs after `timings.boot`.
    pub fn power_on(&mut self, _node: &str) {}
    /// Kills the kubelet; containers go on running.
    pub fn kill_kubelet(&mut self, _node: &str) {}
    /// Starts the kubelet again.
    pub fn start_kubelet(&mut self, _node: &str) {}
    /// Unplugs a machine from the network: its pods run on, unreachable from elsewhere.
    pub fn cut_network(&mut self, _node: &str) {}
    /// Plugs it in again.
    pub fn join_network(&mut self, _node: &str) {}
    /// A container's process ended by itself or after a signal (called by `apps`).
    pub fn container_exited(&mut self, _uid: &str, _container: &str, _exit_code: i32) {}
    /// An application began or ceased to serve or to be ready, so that probes should look again (called by `apps`).
    pub fn app_changed(&mut self, _uid: &str) {}
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(_state: &mut State, _change: &Change) {}

/// Does one piece of work.
pub fn handle(_state: &mut State, work: Work) {
    match work {}
}
