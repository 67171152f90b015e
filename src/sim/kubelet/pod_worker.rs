//! The kubelet's worker of each pod: what it knows of it, when it looks at it, and in which stage it is.
//! Each stage's own work is in the file of its name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::container::Slot;
use super::termination::Termination;
use super::{PodStep, Work, admission, container, prober, sandbox, termination, volume_manager};
use crate::storage::VolumeId;
use crate::{Event, Key, Kind, Object, State};

/// From a change of a pod in the API until its kubelet acts on it.
pub(super) const OBSERVE_DELAY: Duration = Duration::from_millis(20);

/// How far a pod is on its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Its volumes are not all attached.
    Volumes,
    /// Its volumes are being mounted.
    Mounting,
    /// Its sandbox is being created.
    Sandbox,
    /// Its sandbox runs; containers are started, run, or are restarted.
    Running,
    /// All containers have ended for good by the restart policy.
    Finished,
    /// Its containers were ended because it is deleted.
    Ended,
}

/// What a kubelet knows of one pod.
#[derive(Debug)]
pub(super) struct PodWorker {
    /// Namespace and name.
    pub(super) key: Key,
    /// Node of the kubelet.
    pub(super) node: String,
    /// The pod as this kubelet saw it last; a kubelet that is cut off does not see newer ones.
    pub(super) pod: Arc<Object>,
    /// Raised when earlier plans for the pod are void.
    pub(super) epoch: u64,
    /// The present kubelet process has seen the pod.
    pub(super) known: bool,
    /// How far it is.
    pub(super) stage: Stage,
    /// Its containers: init ones first, each group in the order of the spec.
    pub(super) slots: Vec<Slot>,
    /// The container that is being pulled or started: one at a time.
    pub(super) busy: Option<String>,
    /// All init containers are done in this sandbox.
    pub(super) initialised: bool,
    /// When the kubelet first saw it: the phase of its probes, and `status.startTime`.
    pub(super) added: Duration,
    /// Its address, once it has had a sandbox.
    pub(super) ip: String,
    /// What is mounted where.
    pub(super) mounts: BTreeMap<String, VolumeId>,
    /// How long it waits before it asks for its volumes again, and since when it waits.
    pub(super) volumes: volume_manager::Waiting,
    /// Set when it is being ended.
    pub(super) termination: Option<Termination>,
}

impl PodWorker {
    /// The pod's typed view.
    pub(super) fn spec(&self) -> &k8s_openapi::api::core::v1::PodSpec {
        static EMPTY: std::sync::OnceLock<k8s_openapi::api::core::v1::PodSpec> = std::sync::OnceLock::new();
        self.pod.typed::<Pod>().spec.as_ref().unwrap_or_else(|| EMPTY.get_or_init(Default::default))
    }

    /// A container's state.
    pub(super) fn slot(&self, name: &str) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }

    /// A container's state, to change it.
    pub(super) fn slot_mut(&mut self, name: &str) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.name == name)
    }

    /// The pod's grace in seconds: of its deletion, else of its spec.
    pub(super) fn grace(&self) -> Duration {
        let seconds = deletion_grace(&self.pod)
            .or_else(|| self.spec().termination_grace_period_seconds.and_then(|seconds| u64::try_from(seconds).ok()));
        Duration::from_secs(seconds.unwrap_or(30))
    }
}

fn deletion_grace(pod: &Object) -> Option<u64> {
    pod.value().pointer("/metadata/deletionGracePeriodSeconds")?.as_u64()
}

/// How a kubelet learns that a pod object is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// By its watch: a deletion without grace.
    Watched,
    /// By listing after it was away.
    Listed,
}

impl State {
    /// Records an Event of a pod as its kubelet knows it, also when the object is gone, unless its kubelet cannot.
    pub(super) fn pod_event(&mut self, uid: &str, event_type: &str, reason: &str, message: &str) {
        let Some(worker) = self.kubelet.workers.get(uid) else { return };
        if self.can_report(&worker.node) {
            let (key, pod) = (worker.key.clone(), worker.pod.clone());
            self.event_about(Kind::Pod, &key, Some(&pod), [event_type, reason, "kubelet", message]);
        }
    }

    /// Lets a step of a pod happen later.
    pub(super) fn pod_after(&mut self, delay: Duration, uid: &str, step: PodStep) {
        self.after(delay, Event::Kubelet(Work::Pod { uid: uid.to_owned(), step }));
    }

    /// Lets a step of a pod happen later, unless the same one waits already.
    pub(super) fn pod_after_once(&mut self, delay: Duration, uid: &str, step: PodStep) {
        self.after_once(delay, Event::Kubelet(Work::Pod { uid: uid.to_owned(), step }));
    }
}

/// Compares what the API says of a pod with what the kubelet knows, and starts what follows.
pub(super) fn observe(state: &mut State, node: &str, key: &Key, removal: Removal) {
    if !state.can_report(node) {
        return;
    }
    let object = state.store.get(Kind::Pod, key).filter(|pod| pod.text("/spec/nodeName") == node).cloned();
    let uid = object.as_ref().map(|pod| pod.uid().to_owned()).unwrap_or_default();
    for gone in known(state, node).filter(|(_, known)| known == key).map(|(uid, _)| uid).collect::<Vec<_>>() {
        if gone != uid {
            termination::begin_removed(state, &gone, removal);
        }
    }
    let Some(object) = object else { return };
    if let Some(worker) = state.kubelet.workers.get_mut(&uid) {
        worker.pod = object.clone();
        worker.known = true;
        if object.is_terminating() {
            let grace = worker.grace();
            termination::begin(state, &uid, grace);
        }
        state.pod_after_once(Duration::ZERO, &uid, PodStep::Report);
    } else {
        admit(state, node, key, &object);
    }
}

/// Takes a pod that the kubelet has not seen before.
fn admit(state: &mut State, node: &str, key: &Key, object: &Arc<Object>) {
    let uid = object.uid().to_owned();
    let terminal = ["Succeeded", "Failed"].contains(&object.text("/status/phase"));
    let confirmed = deletion_grace(object) == Some(0);
    if confirmed || (terminal && !object.is_terminating()) {
        return;
    }
    if !object.is_terminating() && admission::reject(state, node, key, object) {
        return;
    }
    let worker = PodWorker {
        key: key.clone(),
        node: node.to_owned(),
        epoch: 0,
        known: true,
        stage: Stage::Volumes,
        slots: container::slots(object),
        busy: None,
        initialised: false,
        added: state.now,
        ip: String::new(),
        mounts: BTreeMap::new(),
        volumes: volume_manager::Waiting::new(state.now),
        termination: None,
        pod: object.clone(),
    };
    let grace = worker.grace();
    state.kubelet.workers.insert(uid.clone(), worker);
    if let Some(kubelet) = state.kubelet.kubelets.get_mut(node) {
        kubelet.pods.insert(uid.clone());
    }
    if object.is_terminating() {
        termination::begin(state, &uid, grace);
    } else {
        state.pod_after_once(Duration::ZERO, &uid, PodStep::Report);
        sync(state, &uid);
    }
}

/// Does what the pod's stage asks for next. Safe to call at any time.
pub(super) fn sync(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    if !worker.known || !state.kubelet_runs(&worker.node) {
        return;
    }
    if worker.termination.is_some() {
        return termination::sync(state, uid);
    }
    match worker.stage {
        Stage::Volumes => volume_manager::sync(state, uid),
        Stage::Mounting | Stage::Sandbox | Stage::Ended => {}
        Stage::Running | Stage::Finished => container::sync(state, uid),
    }
}

/// The kubelet of a node has listed its pods: it catches up with whatever changed while it was away.
pub(super) fn catch_up(state: &mut State, node: &str) {
    if !state.can_report(node) {
        return;
    }
    let mut keys: Vec<Key> = state.store.pods_on(node).map(|(key, _)| key.clone()).collect();
    keys.extend(known(state, node).map(|(_, key)| key));
    keys.sort();
    keys.dedup();
    for key in keys {
        observe(state, node, &key, Removal::Listed);
    }
    for (uid, _) in known(state, node).collect::<Vec<_>>() {
        if let Some(worker) = state.kubelet.workers.get_mut(&uid) {
            worker.known = true;
        }
        sync(state, &uid);
        prober::resume(state, &uid);
        state.pod_after_once(Duration::ZERO, &uid, PodStep::Report);
    }
}

/// The kubelet process of a node is gone, and with it all that it planned.
pub(super) fn forget_process(state: &mut State, node: &str) {
    for (uid, _) in known(state, node).collect::<Vec<_>>() {
        let Some(worker) = state.kubelet.workers.get_mut(&uid) else { continue };
        worker.epoch += 1;
        worker.known = false;
        worker.busy = None;
        worker.termination = None;
        for slot in &mut worker.slots {
            slot.forget_process();
        }
        match worker.stage {
            Stage::Mounting => worker.stage = Stage::Volumes,
            Stage::Sandbox => {
                worker.stage = Stage::Volumes;
                sandbox::remove(state, &uid);
            }
            Stage::Volumes | Stage::Running | Stage::Finished | Stage::Ended => {}
        }
    }
}

/// Forgets a pod for good.
pub(super) fn forget(state: &mut State, uid: &str) {
    if let Some(worker) = state.kubelet.workers.remove(uid)
        && let Some(kubelet) = state.kubelet.kubelets.get_mut(&worker.node)
    {
        kubelet.pods.remove(uid);
    }
}

/// The pods that a node's kubelet works on.
pub(super) fn known<'a>(state: &'a State, node: &str) -> impl Iterator<Item = (String, Key)> + 'a {
    let uids = state.kubelet.kubelets.get(node).map(|kubelet| &kubelet.pods).into_iter().flatten();
    uids.filter_map(|uid| state.kubelet.workers.get(uid).map(|worker| (uid.clone(), worker.key.clone())))
}
