//! Machines and what runs on them: the physical truth, which the API objects only follow.
//! A container goes on running on a machine that is cut off, also when its pod object is long gone.

use std::collections::{BTreeMap, BTreeSet};

use super::storage::VolumeId;
use super::{Change, Event, Key, Kind, State};

mod admission;
mod container;
mod crash_loop;
mod environment;
mod heartbeat;
mod holding;
mod hook;
mod image;
mod image_puller;
mod kill;
mod machine;
mod pleg;
mod pod_conditions;
mod pod_status;
mod pod_worker;
mod probe;
mod prober;
mod registration;
mod sandbox;
mod status_manager;
mod termination;
mod volume_manager;

#[cfg(test)]
mod tests;

use machine::Kubelet;
use pod_worker::PodWorker;

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A node's lease is due.
    RenewLease {
        /// Node name.
        node: String,
    },
    /// A node's status is due although nothing changed.
    ReportNode {
        /// Node name.
        node: String,
    },
    /// A machine, its kubelet or its network comes back.
    Machine {
        /// Node name.
        node: String,
        /// Void when the machine's own has moved on since.
        epoch: u64,
        /// What happens.
        step: MachineStep,
    },
    /// The pull at the head of a node's queue has come to its end.
    Pulled {
        /// Node name.
        node: String,
        /// Number of the pull on this node.
        pull: u64,
    },
    /// A pod of a node changed in the API, and the kubelet's watch brings it.
    Observe {
        /// Node name.
        node: String,
        /// Key of the pod.
        key: Key,
    },
    /// A step of one pod.
    Pod {
        /// UID of the pod.
        uid: String,
        /// What happens.
        step: PodStep,
    },
}

/// How a machine comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MachineStep {
    /// The machine has booted and its kubelet runs.
    Booted,
    /// The kubelet reaches the API again: lease and node status first.
    Report,
    /// The kubelet has listed its pods.
    CatchUp,
}

/// What happens to one pod on its node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodStep {
    /// Its worker looks at it.
    Sync,
    /// Its worker looks at it again after a back-off.
    Retry,
    /// The kubelet notices what the container runtime did since the last relist (PLEG).
    Relist,
    /// Its status is written to the API.
    Report,
    /// Its volumes are asked for again.
    AwaitVolumes {
        /// Epoch of the worker.
        epoch: u64,
    },
    /// Its volumes are mounted.
    Mounted {
        /// Epoch of the worker.
        epoch: u64,
    },
    /// Its sandbox runs.
    SandboxUp {
        /// Epoch of the worker.
        epoch: u64,
    },
    /// A container's process starts.
    Launch {
        /// Epoch of the worker.
        epoch: u64,
        /// Name of the container.
        container: String,
    },
    /// The postStart hook of a container is over.
    Hooked {
        /// Name of the container.
        container: String,
        /// Number of the run.
        run: u64,
        /// Whether it ended well.
        succeeds: bool,
    },
    /// An init container has done its work.
    InitDone {
        /// Name of the container.
        container: String,
        /// Number of the run.
        run: u64,
    },
    /// A probe is due.
    Probe {
        /// Name of the container.
        container: String,
        /// Which of its probes.
        role: probe::Role,
    },
    /// The preStop hook is over: SIGTERM.
    Signal {
        /// Name of the container.
        container: String,
        /// Number of the run.
        run: u64,
    },
    /// The grace is over: SIGKILL.
    Kill {
        /// Name of the container.
        container: String,
        /// Number of the run.
        run: u64,
    },
    /// The volumes of an ended pod are unmounted.
    Unmount {
        /// Epoch of the worker.
        epoch: u64,
    },
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// Machines by node name.
    pub machines: BTreeMap<String, Machine>,
    /// Sandboxes by pod UID.
    pub sandboxes: BTreeMap<String, Sandbox>,
    /// Pod UID by pod IP.
    pub by_ip: BTreeMap<String, String>,
    /// What each node's kubelet knows, by node name.
    kubelets: BTreeMap<String, Kubelet>,
    /// What a kubelet knows of each of its pods, by UID.
    workers: BTreeMap<String, PodWorker>,
    /// A kubelet is writing: what it changes itself it need not observe.
    writing: bool,
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

/// Starts timers and creates what a fresh cluster has.
pub fn boot(state: &mut State) {
    for (index, spec) in state.settings.nodes.clone().into_iter().enumerate() {
        machine::install(state, index, &spec);
        registration::register(state, &spec.name);
        heartbeat::start(state, &spec.name, index);
    }
}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    if change.kind != Kind::Pod || state.kubelet.writing {
        return;
    }
    let node = change.new.text("/spec/nodeName");
    if !state.kubelet.machines.contains_key(node) {
        return;
    }
    let work = Work::Observe { node: node.to_owned(), key: change.key.clone() };
    state.after_once(pod_worker::OBSERVE_DELAY, Event::Kubelet(work));
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::RenewLease { node } => heartbeat::lease_due(state, &node),
        Work::ReportNode { node } => heartbeat::status_due(state, &node),
        Work::Machine { node, epoch, step } => machine::step(state, &node, epoch, step),
        Work::Pulled { node, pull } => image_puller::pulled(state, &node, pull),
        Work::Observe { node, key } => pod_worker::observe(state, &node, &key, pod_worker::Removal::Watched),
        Work::Pod { uid, step } => pod_step(state, &uid, step),
    }
}

fn pod_step(state: &mut State, uid: &str, step: PodStep) {
    match step {
        PodStep::Sync | PodStep::Retry => pod_worker::sync(state, uid),
        PodStep::Relist => pleg::relist(state, uid),
        PodStep::Report => status_manager::report(state, uid),
        PodStep::AwaitVolumes { epoch } => volume_manager::retry(state, uid, epoch),
        PodStep::Mounted { epoch } => volume_manager::mounted(state, uid, epoch),
        PodStep::SandboxUp { epoch } => sandbox::up(state, uid, epoch),
        PodStep::Launch { epoch, container } => container::launch(state, uid, epoch, &container),
        PodStep::Hooked { container, run, succeeds } => hook::post_start_over(state, uid, &container, run, succeeds),
        PodStep::InitDone { container, run } => container::init_done(state, uid, &container, run),
        PodStep::Probe { container, role } => prober::due(state, uid, &container, role),
        PodStep::Signal { container, run } => kill::signal(state, uid, &container, run),
        PodStep::Kill { container, run } => kill::kill(state, uid, &container, run),
        PodStep::Unmount { epoch } => termination::unmount(state, uid, epoch),
    }
}
