//! The end of a pod: its containers are ended, its sandbox and volumes go, then its deletion is confirmed to the API.
//! Never confirms anything while a container still runs.

use std::time::Duration;

use super::container::{self, Role};
use super::pod_worker::{self, Removal, Stage};
use super::{PodStep, kill, machine, sandbox, status_manager};
use crate::registry::DeleteOptions;
use crate::{Kind, State};

/// Unmounting the volumes of a pod whose containers are gone, and cleaning up after it (measured: 0.5 s, median of 32).
const UNMOUNT: Duration = Duration::from_millis(500);

/// A pod that is being ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Termination {
    grace: Duration,
    /// Its object is gone already.
    removed: bool,
}

/// A pod's deletion was seen. A second one with a shorter grace shortens it.
pub(super) fn begin(state: &mut State, uid: &str, grace: Duration) {
    start(state, uid, Termination { grace, removed: false });
}

/// A pod's object is gone although its containers may run.
pub(super) fn begin_removed(state: &mut State, uid: &str, removal: Removal) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    let grace = match removal {
        Removal::Watched => kill::MINIMUM_GRACE,
        Removal::Listed => worker.grace(),
    };
    start(state, uid, Termination { grace, removed: true });
}

fn start(state: &mut State, uid: &str, wanted: Termination) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    worker.known = true;
    match &mut worker.termination {
        None => {
            worker.termination = Some(wanted);
            worker.epoch += 1;
            worker.busy = None;
            for slot in &mut worker.slots {
                slot.absorb();
            }
        }
        Some(termination) => {
            let shorter = wanted.grace < termination.grace;
            termination.removed |= wanted.removed;
            termination.grace = termination.grace.min(wanted.grace);
            if worker.stage != Stage::Ended && !shorter {
                return;
            }
        }
    }
    if worker.stage == Stage::Ended {
        return schedule_unmount(state, uid);
    }
    end_containers(state, uid);
    sync(state, uid);
}

/// Ends the running containers: sidecars only when the others are gone.
fn end_containers(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    let Some(Termination { grace, .. }) = worker.termination else { return };
    let running = container::running(state, uid);
    let is_sidecar = |name: &String| worker.slot(name).is_some_and(|slot| slot.role == Role::Sidecar);
    let (sidecars, others): (Vec<_>, Vec<_>) = running.into_iter().partition(is_sidecar);
    let next = if others.is_empty() { sidecars } else { others };
    for name in next {
        kill::begin(state, uid, &name, grace, &format!("Stopping container {name}"));
    }
}

/// Goes on with the end: the sandbox goes when no container runs any more.
pub(super) fn sync(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let mut ended = false;
    for slot in &mut worker.slots {
        ended |= slot.absorb();
    }
    if worker.stage == Stage::Ended {
        return;
    }
    if !container::running(state, uid).is_empty() {
        if ended {
            end_containers(state, uid);
            state.pod_after_once(Duration::ZERO, uid, PodStep::Report);
        }
        return;
    }
    if let Some(worker) = state.kubelet.workers.get_mut(uid) {
        worker.stage = Stage::Ended;
    }
    leave_node(state, uid);
}

/// All containers of a pod have ended for good by its restart policy.
pub(super) fn finish(state: &mut State, uid: &str) {
    let running = container::running(state, uid);
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    if running.is_empty() {
        worker.stage = Stage::Finished;
        return leave_node(state, uid);
    }
    let grace = worker.grace();
    for name in running {
        kill::begin(state, uid, &name, grace, &format!("Stopping container {name}"));
    }
}

fn leave_node(state: &mut State, uid: &str) {
    sandbox::remove(state, uid);
    status_manager::report(state, uid);
    schedule_unmount(state, uid);
}

fn schedule_unmount(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    let reconstructed =
        state.kubelet.kubelets.get(&worker.node).map_or(Duration::ZERO, |kubelet| kubelet.reconstructed_at);
    let epoch = worker.epoch;
    // A pod that an earlier process of this kubelet knew waits until its volumes are known again.
    let earlier = worker.added + machine::RECONSTRUCTION < reconstructed;
    let at = if earlier { reconstructed.max(state.now + UNMOUNT) } else { state.now + UNMOUNT };
    state.pod_after_once(at.saturating_sub(state.now), uid, PodStep::Unmount { epoch });
}

/// The volumes are unmounted: scratch is thrown away, and a deletion is confirmed.
pub(super) fn unmount(state: &mut State, uid: &str, epoch: u64) {
    let Some(worker) = state.kubelet.workers.get(uid).filter(|worker| worker.epoch == epoch) else { return };
    if !worker.known || !state.kubelet_runs(&worker.node) {
        return;
    }
    let (key, reachable) = (worker.key.clone(), state.can_report(&worker.node));
    let ended = worker.stage == Stage::Ended;
    let removed = worker.termination.is_some_and(|termination| termination.removed);
    state.unmounted(uid);
    state.drop_scratch(uid);
    if !ended || (!reachable && !removed) {
        return;
    }
    pod_worker::forget(state, uid);
    if !removed {
        let options = DeleteOptions { grace_seconds: Some(0), uid: Some(uid.to_owned()), ..DeleteOptions::default() };
        state.kubelet.writing = true;
        // An object that is gone or was replaced under the same name needs no confirmation.
        drop(state.delete(Kind::Pod, &key, &options));
        state.kubelet.writing = false;
    }
}
