//! The lifecycle hooks of a container: `postStart`, which holds its start, and `preStop`, which holds its end.
//! Never ends a container by itself unless its `postStart` failed.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Lifecycle, LifecycleHandler};

use super::container::{self, SlotState};
use super::{PodStep, kill, pleg, prober};
use crate::State;
use crate::apps::{command, ports};

/// How long a hook takes, and whether it ends well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    takes: Duration,
    succeeds: bool,
}

/// Which hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    PostStart,
    PreStop,
}

impl Moment {
    fn handler(self, lifecycle: &Lifecycle) -> Option<&LifecycleHandler> {
        match self {
            Self::PostStart => lifecycle.post_start.as_ref(),
            Self::PreStop => lifecycle.pre_stop.as_ref(),
        }
    }

    /// The annotation that says how long a hook takes whose command does not tell.
    const fn annotation(self) -> &'static str {
        match self {
            Self::PostStart => "embedded.driftproof.dev/poststart-duration",
            Self::PreStop => "embedded.driftproof.dev/prestop-duration",
        }
    }
}

/// Runs a container's `preStop` hook. Returns how long it takes; nothing when there is none.
pub(super) fn pre_stop(state: &mut State, uid: &str, name: &str) -> Duration {
    let Some(run) = run(state, uid, name, Moment::PreStop) else { return Duration::ZERO };
    if !run.succeeds {
        state.pod_event(uid, "Warning", "FailedPreStopHook", "PreStopHook failed");
    }
    run.takes
}

/// Begins a container's `postStart` hook. False when it has none.
pub(super) fn begin_post_start(state: &mut State, uid: &str, name: &str) -> bool {
    let Some(Run { takes, succeeds }) = run(state, uid, name, Moment::PostStart) else { return false };
    let slot = state.kubelet.workers.get(uid).and_then(|worker| worker.slot(name));
    let Some(run) = slot.map(|slot| slot.run) else { return false };
    state.pod_after(takes, uid, PodStep::Hooked { container: name.to_owned(), run, succeeds });
    true
}

/// A `postStart` hook is over: the container counts as running, or is killed.
pub(super) fn post_start_over(state: &mut State, uid: &str, name: &str, run: u64, succeeds: bool) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let grace = worker.grace();
    let ending = worker.termination.is_some();
    let Some(slot) = worker.slot_mut(name).filter(|slot| slot.run == run) else { return };
    let Some(since) = slot.hook.take() else { return };
    slot.state = SlotState::Running { since };
    worker.busy = None;
    if succeeds {
        prober::arm(state, uid, name);
    } else {
        state.pod_event(uid, "Warning", "FailedPostStartHook", "PostStartHook failed");
        if !ending {
            kill::begin(state, uid, name, grace, "FailedPostStartHook");
        }
    }
    pleg::relist_soon(state, uid);
    container::sync(state, uid);
}

fn run(state: &mut State, uid: &str, name: &str, moment: Moment) -> Option<Run> {
    let worker = state.kubelet.workers.get(uid)?;
    let stated = worker.pod.annotation(moment.annotation());
    let stated = stated.and_then(|text| humantime::parse_duration(text).ok());
    let spec = prober::container_spec(worker, name)?.clone();
    let handler = moment.handler(spec.lifecycle.as_ref()?)?;
    if let Some(exec) = &handler.exec {
        let command = exec.command.as_deref().unwrap_or_default();
        let takes = stated.unwrap_or_else(|| command::sleep_time(command));
        // Whatever prepares an application may run before it serves.
        let code = match moment {
            Moment::PostStart => command::stated_exit_code(command),
            Moment::PreStop => state.app_exec(uid, name, command),
        };
        return Some(Run { takes, succeeds: code == 0 });
    }
    let takes = stated.unwrap_or_default();
    if let Some(get) = &handler.http_get {
        // One try, and only an answer counts, whatever its status. Another host is taken to answer.
        let port = prober::port(&spec, &get.port).unwrap_or_default();
        let path = get.path.as_deref().unwrap_or("/");
        let own = ports::is_own_host(get.host.as_deref());
        return Some(Run { takes, succeeds: !own || state.app_probe(uid, name, port, path).is_some() });
    }
    if let Some(sleep) = &handler.sleep {
        let takes = Duration::from_secs(u64::try_from(sleep.seconds).unwrap_or_default());
        return Some(Run { takes, succeeds: true });
    }
    // `tcpSocket`, which the API still takes, is no hook: the kubelet cannot run it.
    Some(Run { takes: Duration::ZERO, succeeds: false })
}
