//! Image pulls, one after the other on each node (kubelet `serializeImagePulls`), and their back-off.

use std::time::Duration;

use super::container::SlotState;
use super::{PodStep, Work, container, holding, image, pleg};
use crate::{Event, State};

/// Asking the registry whether the image on the disk is still the right one.
const MANIFEST_CHECK: Duration = Duration::from_millis(100);
/// Until the registry answers that it does not have the image.
const REFUSAL: Duration = Duration::from_millis(500);

/// A pull that runs or waits for its turn.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    uid: String,
    epoch: u64,
    container: String,
    image: String,
    size: u64,
    missing: bool,
    requested: Duration,
    begun: Duration,
}

/// What a container that is to start finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The image is on the disk.
    Present,
    /// It is being pulled, or waits for its turn.
    Queued,
    /// It will not be pulled now.
    Held,
}

/// Sees to it that a container's image is there, by its pull policy.
pub(super) fn ensure(state: &mut State, uid: &str, name: &str) -> Answer {
    let now = state.now;
    let default_size = state.settings.timings.image_size;
    let Some(worker) = state.kubelet.workers.get(uid) else { return Answer::Held };
    let Some(slot) = worker.slot(name) else { return Answer::Held };
    let node = worker.node.clone();
    let image = slot.image.clone();
    let spec = super::prober::container_spec(worker, name);
    let policy = spec.and_then(|spec| spec.image_pull_policy.as_deref());
    let policy = policy.unwrap_or_else(|| image::default_policy(&image)).to_owned();
    let preloaded = state.settings.images_preloaded && policy == "Never" && !image::missing(&worker.pod);
    let present = preloaded || state.kubelet.machines.get(&node).is_some_and(|one| one.images.contains(&image));
    let held = slot.pull.holds(slot.pull.updated(), now);
    let pull = Pull {
        uid: uid.to_owned(),
        epoch: worker.epoch,
        container: name.to_owned(),
        size: image::size(&worker.pod, name).unwrap_or(default_size),
        missing: image::missing(&worker.pod),
        image: image.clone(),
        requested: now,
        begun: now,
    };
    if present && policy != "Always" {
        let message = format!("Container image \"{image}\" already present on machine");
        state.pod_event(uid, "Normal", "Pulled", &message);
        return Answer::Present;
    }
    if policy == "Never" {
        let message = format!("Container image \"{image}\" is not present with pull policy of Never");
        state.pod_event(uid, "Warning", "ErrImageNeverPull", &message);
        fail(state, uid, "ErrImageNeverPull");
        holding::hold(state, uid, name, "ErrImageNeverPull", message);
        return Answer::Held;
    }
    if held.is_some() {
        let message = format!("Back-off pulling image \"{image}\"");
        state.pod_event(uid, "Normal", "BackOff", &message);
        fail(state, uid, "ImagePullBackOff");
        holding::hold(state, uid, name, "ImagePullBackOff", message);
        return Answer::Held;
    }
    state.pod_event(uid, "Normal", "Pulling", &format!("Pulling image \"{image}\""));
    let Some(kubelet) = state.kubelet.kubelets.get_mut(&node) else { return Answer::Held };
    kubelet.pulls.push_back(pull);
    if kubelet.pulls.len() == 1 {
        begin(state, &node);
    }
    Answer::Queued
}

fn fail(state: &mut State, uid: &str, reason: &str) {
    state.pod_event(uid, "Warning", "Failed", &format!("Error: {reason}"));
}

/// Begins the pull at the head of a node's queue.
fn begin(state: &mut State, node: &str) {
    let now = state.now;
    let bandwidth = state.settings.timings.pull_bandwidth.max(1);
    let local = &mut state.kubelet;
    let (Some(kubelet), Some(machine)) = (local.kubelets.get_mut(node), local.machines.get(node)) else { return };
    let Some(pull) = kubelet.pulls.front_mut() else { return };
    pull.begun = now;
    let duration = if pull.missing {
        REFUSAL
    } else if machine.images.contains(&pull.image) {
        MANIFEST_CHECK
    } else {
        Duration::from_millis(pull.size.saturating_mul(1000) / bandwidth)
    };
    kubelet.pull += 1;
    let work = Work::Pulled { node: node.to_owned(), pull: kubelet.pull };
    state.after(duration, Event::Kubelet(work));
}

/// A pull has come to its end. On a machine that is cut off it hangs until the network is back.
pub(super) fn pulled(state: &mut State, node: &str, number: u64) {
    let local = &mut state.kubelet;
    let (Some(kubelet), Some(machine)) = (local.kubelets.get_mut(node), local.machines.get_mut(node)) else { return };
    if kubelet.pull != number || !machine.network {
        return;
    }
    let Some(pull) = kubelet.pulls.pop_front() else { return };
    if !pull.missing {
        machine.images.insert(pull.image.clone());
    }
    begin(state, node);
    let waits =
        state.kubelet.workers.get(&pull.uid).is_some_and(|worker| {
            worker.epoch == pull.epoch && worker.busy.as_deref() == Some(pull.container.as_str())
        });
    if !waits {
        return;
    }
    if pull.missing { refused(state, &pull) } else { arrived(state, &pull) }
}

fn arrived(state: &mut State, pull: &Pull) {
    let took = humantime::format_duration(state.now.saturating_sub(pull.begun));
    let waited = humantime::format_duration(state.now.saturating_sub(pull.requested));
    let message = format!(
        "Successfully pulled image \"{}\" in {took} ({waited} including waiting). Image size: {} bytes.",
        pull.image, pull.size
    );
    state.pod_event(&pull.uid, "Normal", "Pulled", &message);
    if let Some(slot) = state.kubelet.workers.get_mut(&pull.uid).and_then(|worker| worker.slot_mut(&pull.container)) {
        slot.pull = super::crash_loop::Backoff::default();
        if matches!(slot.state, SlotState::Waiting { .. }) && slot.last.is_none() {
            slot.state = SlotState::Created;
        }
    }
    container::image_arrived(state, &pull.uid, &pull.container);
}

fn refused(state: &mut State, pull: &Pull) {
    let (uid, image, now) = (&pull.uid, &pull.image, state.now);
    if let Some(worker) = state.kubelet.workers.get_mut(uid) {
        worker.busy = None;
        if let Some(slot) = worker.slot_mut(&pull.container) {
            slot.pull.next(now, now);
        }
    }
    let why = format!("failed to resolve reference \"{image}\": {image}: not found");
    state.pod_event(uid, "Warning", "Failed", &format!("Failed to pull image \"{image}\": {why}"));
    fail(state, uid, "ErrImagePull");
    holding::wait_as(state, uid, &pull.container, "ErrImagePull", why);
    pleg::relist_soon(state, uid);
    state.pod_after_once(Duration::from_secs(10), uid, PodStep::Retry);
}

/// The kubelet process is gone, and with it its pulls.
pub(super) fn abort(state: &mut State, node: &str) {
    if let Some(kubelet) = state.kubelet.kubelets.get_mut(node) {
        kubelet.pulls.clear();
        kubelet.pull += 1;
    }
}

/// The network is back: the pull at the head of the queue starts again.
pub(super) fn resume(state: &mut State, node: &str) {
    begin(state, node);
}
