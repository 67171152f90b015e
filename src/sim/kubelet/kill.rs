//! Ending one container: preStop hook, SIGTERM, and SIGKILL when the grace is over.
//! Never decides whether it is started again.

use std::time::Duration;

use super::container::{self, KILLED, Role};
use super::{PodStep, hook};
use crate::State;

/// kubelet `minimumGracePeriodInSeconds`: what is left for SIGTERM however long the hook took.
pub(super) const MINIMUM_GRACE: Duration = Duration::from_secs(2);
/// Exit code of an init container that was ended with SIGTERM.
const TERMINATED: i32 = 143;

/// A container that is being ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Killing {
    deadline: Duration,
    signalled: bool,
}

/// Begins to end a container, or shortens the grace of one that is being ended.
pub(super) fn begin(state: &mut State, uid: &str, name: &str, grace: Duration, message: &str) {
    let now = state.now;
    let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name)) else { return };
    let run = slot.run;
    let container = name.to_owned();
    if let Some(killing) = &mut slot.killing {
        let deadline = now + grace.max(MINIMUM_GRACE);
        if deadline < killing.deadline {
            killing.deadline = deadline;
            state.pod_after(deadline.saturating_sub(now), uid, PodStep::Kill { container, run });
        }
        return;
    }
    state.pod_event(uid, "Normal", "Killing", message);
    let hook = if grace.is_zero() { grace } else { hook::pre_stop(state, uid, name).min(grace) };
    let whole = hook + grace.saturating_sub(hook).max(MINIMUM_GRACE);
    let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name)) else { return };
    slot.killing = Some(Killing { deadline: now + whole, signalled: false });
    state.pod_after(whole, uid, PodStep::Kill { container: container.clone(), run });
    if hook.is_zero() {
        signal(state, uid, name, run);
    } else {
        state.pod_after(hook, uid, PodStep::Signal { container, run });
    }
}

/// SIGTERM.
pub(super) fn signal(state: &mut State, uid: &str, name: &str, run: u64) {
    let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name)) else { return };
    let role = slot.role;
    let Some(killing) = slot.killing.as_mut().filter(|killing| !killing.signalled) else { return };
    if slot.run != run {
        return;
    }
    killing.signalled = true;
    match role {
        Role::Init => state.container_exited(uid, name, TERMINATED),
        Role::Sidecar | Role::Main => state.app_signalled(uid, name),
    }
}

/// SIGKILL, when the grace is over and the process still runs.
pub(super) fn kill(state: &mut State, uid: &str, name: &str, run: u64) {
    let now = state.now;
    let Some(slot) = state.kubelet.workers.get(uid).and_then(|worker| worker.slot(name)) else { return };
    if slot.run != run || slot.killing.is_none_or(|killing| killing.deadline > now) {
        return;
    }
    if container::running(state, uid).iter().any(|running| running == name) {
        state.app_killed(uid, name);
        state.container_exited(uid, name, KILLED);
    }
}
