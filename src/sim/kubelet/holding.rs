//! Containers that are held back: by the back-off of their ends, or by an image that is not there. What a person sees
//! of it comes when the kubelet looks again, not when the container ends. Never starts anything.

use std::time::Duration;

use super::PodStep;
use super::container::SlotState;
use super::probe::Role;
use crate::State;

/// kubelet `backOffPeriod`: a worker that met a back-off looks again after this long, plus up to a half of it.
const RETRY: Duration = Duration::from_secs(10);
/// From the end of a container until its readiness probe has it looked at again (measured: 0.7 to 1 s).
const PROBE_LOOK: Duration = Duration::from_secs(1);

/// Whether the back-off of its ends holds a container that is to be started. The end itself is told first; that it is
/// held back, only at the next look.
pub(super) fn back_off(state: &mut State, uid: &str, name: &str) -> bool {
    let now = state.now;
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return true };
    let key = worker.key.clone();
    let Some(slot) = worker.slot_mut(name) else { return true };
    let Some(ended) = slot.ended() else { return false };
    let held = slot.crash.holds(ended, now);
    if held.is_none() && slot.next_look.is_none() {
        return false;
    }
    if matches!(slot.state, SlotState::Exited(_)) && slot.next_look.is_none_or(|next| now < next) {
        look_again(state, uid, name);
        return true;
    }
    slot.next_look = None;
    let seconds = humantime::format_duration(held.unwrap_or_default());
    let message =
        format!("back-off {seconds} restarting failed container={name} pod={}_{}({uid})", key.name, key.namespace);
    if held.is_some() {
        hold(state, uid, name, "CrashLoopBackOff", message);
    } else {
        wait_as(state, uid, name, "CrashLoopBackOff", message);
    }
    let told = format!("Back-off restarting failed container {name} in pod {}_{}({uid})", key.name, key.namespace);
    state.pod_event(uid, "Warning", "BackOff", &told);
    held.is_some()
}

/// Plans the look at which the kubelet finds that an ended container is held back: a readiness probe that changes its
/// mind brings it about, else the worker's own retry.
fn look_again(state: &mut State, uid: &str, name: &str) {
    let now = state.now;
    let delay = state.jitter(RETRY, RETRY / 2);
    let slot = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name));
    let Some(slot) = slot.filter(|slot| slot.next_look.is_none()) else { return };
    let probed = slot.probes.iter().any(|probe| probe.role == Role::Readiness);
    let delay = if probed { PROBE_LOOK } else { delay };
    slot.next_look = Some(now + delay);
    state.pod_after_once(delay, uid, PodStep::Retry);
}

/// Shows why a container waits, and looks at it again after the retry period.
pub(super) fn hold(state: &mut State, uid: &str, name: &str, reason: &'static str, message: String) {
    wait_as(state, uid, name, reason, message);
    let delay = state.jitter(RETRY, RETRY / 2);
    state.pod_after_once(delay, uid, PodStep::Retry);
}

/// Shows why a container waits.
pub(super) fn wait_as(state: &mut State, uid: &str, name: &str, reason: &'static str, message: String) {
    let slot = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name));
    if let Some(slot) = slot {
        if let SlotState::Exited(exit) = &slot.state {
            slot.last = Some(exit.clone());
        }
        slot.state = SlotState::Waiting { reason, message };
    }
    state.pod_after_once(Duration::ZERO, uid, PodStep::Report);
}
