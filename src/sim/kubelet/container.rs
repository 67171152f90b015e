//! The containers of a pod: in which order they start, what their ends lead to, and the facts of each.
//! Never pulls, probes or signals: those have their own files.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container as Spec, Pod};

use super::crash_loop::Backoff;
use super::kill::Killing;
use super::pod_worker::{PodWorker, Stage};
use super::probe::Probe;
use super::{Container, PodStep, environment, holding, hook, image, image_puller, pleg, prober, sandbox, termination};
use crate::{Object, State};

/// How long an init container works when its pod does not say (`embedded.driftproof.dev/init-duration`).
const INIT_DURATION: Duration = Duration::from_millis(500);
/// From the end of a process until its worker, which waits for it, goes on.
const REAPED_AFTER: Duration = Duration::from_millis(5);
/// Exit code of a process that was killed with SIGKILL.
pub(super) const KILLED: i32 = 137;

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Runs to its end before the others.
    Init,
    /// An init container that goes on running (`restartPolicy: Always`).
    Sidecar,
    /// Does the pod's work.
    Main,
}

/// The end of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exit {
    pub(super) code: i32,
    pub(super) reason: &'static str,
    pub(super) started: Duration,
    pub(super) finished: Duration,
    pub(super) id: String,
}

/// A container as its kubelet knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    /// Not started in this sandbox yet.
    Created,
    /// Held back, and why.
    Waiting { reason: &'static str, message: String },
    /// Its process runs.
    Running { since: Duration },
    /// Its process ended.
    Exited(Exit),
}

/// What a kubelet knows of one container.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) role: Role,
    pub(super) state: SlotState,
    /// The run before the present state.
    pub(super) last: Option<Exit>,
    /// An end that the kubelet has not noticed yet.
    pub(super) unseen: Option<Exit>,
    /// How often a process was started.
    pub(super) launches: u32,
    /// Number of the present run; raised by each start and each end.
    pub(super) run: u64,
    pub(super) id: String,
    pub(super) image_id: String,
    /// The startup probe has passed.
    pub(super) started: bool,
    /// The readiness probe passes.
    pub(super) ready: bool,
    /// Its process runs since then, and its postStart hook still does: the kubelet does not take it for running yet.
    pub(super) hook: Option<Duration>,
    pub(super) killing: Option<Killing>,
    pub(super) crash: Backoff,
    /// When the kubelet looks again after an end that it may not follow by a start yet.
    pub(super) next_look: Option<Duration>,
    pub(super) pull: Backoff,
    pub(super) probes: Vec<Probe>,
}

impl Slot {
    fn new(spec: &Spec, role: Role) -> Self {
        Self {
            name: spec.name.clone(),
            image: spec.image.clone().unwrap_or_default(),
            role,
            state: SlotState::Created,
            last: None,
            unseen: None,
            launches: 0,
            run: 0,
            id: String::new(),
            image_id: String::new(),
            started: false,
            ready: false,
            hook: None,
            killing: None,
            crash: Backoff::default(),
            next_look: None,
            pull: Backoff::default(),
            probes: Probe::of(spec),
        }
    }

    /// Whether the kubelet takes its process for running.
    pub(super) fn is_running(&self) -> bool {
        matches!(self.state, SlotState::Running { .. })
    }

    /// Records an end; the kubelet notices later.
    pub(super) fn end(&mut self, exit: Exit) {
        self.run += 1;
        self.killing = None;
        self.unseen = Some(exit);
    }

    /// The kubelet notices an end. Returns whether there was one.
    pub(super) fn absorb(&mut self) -> bool {
        let Some(exit) = self.unseen.take() else { return false };
        self.state = SlotState::Exited(exit);
        self.started = false;
        self.ready = false;
        true
    }

    /// Lets it run again from the start, as init containers do in a new sandbox.
    pub(super) fn again(&mut self) {
        if let SlotState::Exited(exit) = &self.state {
            self.last = Some(exit.clone());
        }
        self.state = SlotState::Created;
    }

    /// What a new kubelet process does not know of it.
    pub(super) fn forget_process(&mut self) {
        self.killing = None;
        if let Some(since) = self.hook.take() {
            // The hook is not run again.
            self.state = SlotState::Running { since };
            self.started = self.probes.iter().all(|probe| probe.role != super::probe::Role::Startup);
            self.ready = self.started && self.probes.iter().all(|probe| probe.role != super::probe::Role::Readiness);
        }
        self.crash = Backoff::default();
        self.next_look = None;
        self.pull = Backoff::default();
        for probe in &mut self.probes {
            probe.next = None;
        }
    }

    /// When the run before ended, for the back-off.
    pub(super) fn ended(&self) -> Option<Duration> {
        match &self.state {
            SlotState::Exited(exit) => Some(exit.finished),
            SlotState::Waiting { .. } => self.last.as_ref().map(|exit| exit.finished),
            SlotState::Created | SlotState::Running { .. } => None,
        }
    }

    /// The exit code of the newest end, when it does not run.
    fn exit_code(&self) -> Option<i32> {
        match &self.state {
            SlotState::Exited(exit) => Some(exit.code),
            SlotState::Waiting { .. } => self.last.as_ref().map(|exit| exit.code),
            SlotState::Created | SlotState::Running { .. } => None,
        }
    }
}

/// The containers of a pod, none of them started.
pub(super) fn slots(pod: &Object) -> Vec<Slot> {
    let Some(spec) = &pod.typed::<Pod>().spec else { return Vec::new() };
    let init = spec.init_containers.iter().flatten().map(|container| {
        let sidecar = container.restart_policy.as_deref() == Some("Always");
        Slot::new(container, if sidecar { Role::Sidecar } else { Role::Init })
    });
    init.chain(spec.containers.iter().map(|container| Slot::new(container, Role::Main))).collect()
}

/// Whether a container of a pod was started before, as its status tells.
pub(super) fn has_run(pod: &Object) -> bool {
    let status = pod.typed::<Pod>().status.as_ref();
    let statuses = status.into_iter().flat_map(|status| status.container_statuses.iter().flatten());
    statuses.into_iter().any(|container| container.container_id.is_some())
}

/// What a pod's containers ask for next.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// Start these, one after the other.
    Start(Vec<String>),
    /// Nothing to do until something happens.
    Wait,
    /// All have ended for good.
    Finish,
}

fn plan(worker: &mut PodWorker) -> Plan {
    let policy = worker.spec().restart_policy.clone().unwrap_or_else(|| "Always".to_owned());
    let restarts = |code: i32| policy == "Always" || (policy == "OnFailure" && code != 0);
    if !worker.initialised {
        for slot in worker.slots.iter().filter(|slot| slot.role != Role::Main) {
            match (slot.role, slot.exit_code()) {
                (Role::Init, Some(0)) if matches!(slot.state, SlotState::Exited(_)) => {}
                (Role::Init, Some(code)) if code != 0 && policy == "Never" => return Plan::Finish,
                (Role::Sidecar, None) if slot.is_running() && slot.started => {}
                (_, None) if slot.is_running() => return Plan::Wait,
                (Role::Init | Role::Sidecar | Role::Main, _) => return Plan::Start(vec![slot.name.clone()]),
            }
        }
        worker.initialised = true;
    }
    let wanted = |slot: &&Slot| match (slot.role, slot.exit_code()) {
        (Role::Init, _) => false,
        (Role::Main, Some(code)) => restarts(code),
        (Role::Sidecar, _) | (Role::Main, None) => !slot.is_running(),
    };
    let over = |slot: &Slot| slot.exit_code().is_some_and(|code| !restarts(code));
    if worker.slots.iter().filter(|slot| slot.role == Role::Main).all(over) {
        return Plan::Finish;
    }
    let names: Vec<_> = worker.slots.iter().filter(wanted).map(|slot| slot.name.clone()).collect();
    if names.is_empty() { Plan::Wait } else { Plan::Start(names) }
}

/// Notices ends, then starts what is to be started.
pub(super) fn sync(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let mut ended = false;
    for slot in &mut worker.slots {
        ended |= slot.absorb();
    }
    if ended {
        state.pod_after_once(Duration::ZERO, uid, PodStep::Report);
    }
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    if worker.busy.is_some() || worker.stage != Stage::Running {
        return;
    }
    match plan(worker) {
        Plan::Wait => {}
        Plan::Finish => termination::finish(state, uid),
        Plan::Start(names) => {
            for name in names {
                if start(state, uid, &name) {
                    return;
                }
            }
        }
    }
}

/// Begins to start a container. False when a back-off holds it.
fn start(state: &mut State, uid: &str, name: &str) -> bool {
    if holding::back_off(state, uid, name) {
        return false;
    }
    match image_puller::ensure(state, uid, name) {
        image_puller::Answer::Present if lacks_environment(state, uid, name) => return false,
        image_puller::Answer::Present => begin_launch(state, uid, name),
        image_puller::Answer::Queued => {}
        image_puller::Answer::Held => return false,
    }
    if let Some(worker) = state.kubelet.workers.get_mut(uid) {
        worker.busy = Some(name.to_owned());
    }
    true
}

/// Whether a container cannot be created for what its environment is taken from; then it is held.
fn lacks_environment(state: &mut State, uid: &str, name: &str) -> bool {
    let Some(worker) = state.kubelet.workers.get(uid) else { return false };
    let spec = prober::container_spec(worker, name);
    let why = spec.and_then(|spec| environment::missing(&state.store, &worker.key.namespace, spec));
    let Some(why) = why else { return false };
    state.pod_event(uid, "Warning", "Failed", &format!("Error: {why}"));
    holding::hold(state, uid, name, "CreateContainerConfigError", why);
    true
}

/// The image has been pulled: the process starts soon, or its worker goes on with the next.
pub(super) fn image_arrived(state: &mut State, uid: &str, name: &str) {
    if !lacks_environment(state, uid, name) {
        return begin_launch(state, uid, name);
    }
    if let Some(worker) = state.kubelet.workers.get_mut(uid) {
        worker.busy = None;
    }
    pleg::relist_soon(state, uid);
}

/// The image is there: the process starts soon.
fn begin_launch(state: &mut State, uid: &str, name: &str) {
    let Some(epoch) = state.kubelet.workers.get(uid).map(|worker| worker.epoch) else { return };
    let delay = state.settings.timings.container_start.mul_f64(1.0 - sandbox::SHARE);
    state.pod_after(delay, uid, PodStep::Launch { epoch, container: name.to_owned() });
}

/// A container's process starts.
pub(super) fn launch(state: &mut State, uid: &str, epoch: u64, name: &str) {
    let now = state.now;
    let local = &mut state.kubelet;
    let Some(worker) = local.workers.get_mut(uid) else { return };
    let Some(sandbox) = local.sandboxes.get_mut(uid) else { return };
    if worker.epoch != epoch || worker.busy.as_deref() != Some(name) {
        return;
    }
    let annotation = worker.pod.annotation("embedded.driftproof.dev/init-duration");
    let work = annotation.and_then(|text| humantime::parse_duration(text).ok()).unwrap_or(INIT_DURATION);
    let Some(slot) = worker.slot_mut(name) else { return };
    if let Some(ended) = slot.ended() {
        slot.crash.next(ended, now);
    }
    if let SlotState::Exited(exit) = &slot.state {
        slot.last = Some(exit.clone());
    }
    slot.next_look = None;
    slot.launches += 1;
    slot.run += 1;
    slot.id = image::container_id(uid, name, slot.launches);
    slot.image_id = image::image_id(&slot.image);
    slot.hook = Some(now);
    let (run, role, restarts) = (slot.run, slot.role, slot.launches - 1);
    let container = Container { image: slot.image.clone(), running: true, restarts };
    sandbox.containers.insert(name.to_owned(), container);
    state.pod_event(uid, "Normal", "Created", &format!("Created container: {name}"));
    state.pod_event(uid, "Normal", "Started", &format!("Started container {name}"));
    match role {
        Role::Init => state.pod_after(work, uid, PodStep::InitDone { container: name.to_owned(), run }),
        Role::Sidecar | Role::Main => state.app_started(uid, name),
    }
    if !hook::begin_post_start(state, uid, name) {
        hook::post_start_over(state, uid, name, run, true);
    }
}

/// An init container has done its work.
pub(super) fn init_done(state: &mut State, uid: &str, name: &str, run: u64) {
    let slot = state.kubelet.workers.get(uid).and_then(|worker| worker.slot(name));
    if slot.is_some_and(|slot| slot.run == run) {
        state.container_exited(uid, name, 0);
    }
}

/// Names of the containers of a pod whose processes run.
pub(super) fn running(state: &State, uid: &str) -> Vec<String> {
    let containers = state.kubelet.sandboxes.get(uid).map(|sandbox| &sandbox.containers).into_iter().flatten();
    containers.filter(|(_, container)| container.running).map(|(name, _)| name.clone()).collect()
}

/// Takes a container's process away. False when there was none.
pub(super) fn stop(state: &mut State, uid: &str, name: &str) -> bool {
    let container = state.kubelet.sandboxes.get_mut(uid).and_then(|sandbox| sandbox.containers.get_mut(name));
    container.is_some_and(|container| std::mem::replace(&mut container.running, false))
}

impl State {
    /// A container's process ended by itself or after a signal (called by `apps`).
    pub fn container_exited(&mut self, uid: &str, container: &str, exit_code: i32) {
        if !stop(self, uid, container) {
            return;
        }
        let now = self.now;
        let Some(worker) = self.kubelet.workers.get_mut(uid) else { return };
        let Some(slot) = worker.slot_mut(container) else { return };
        let hooked = slot.hook.take();
        let SlotState::Running { since } = hooked.map_or(slot.state.clone(), |since| SlotState::Running { since })
        else {
            return;
        };
        let reason = if exit_code == 0 { "Completed" } else { "Error" };
        let awaited = slot.killing.is_some();
        slot.end(Exit { code: exit_code, reason, started: since, finished: now, id: slot.id.clone() });
        if hooked.is_some() {
            worker.busy = None;
            self.pod_event(uid, "Warning", "FailedPostStartHook", "PostStartHook failed");
        }
        if awaited {
            self.pod_after_once(REAPED_AFTER, uid, PodStep::Sync);
        } else {
            pleg::relist_soon(self, uid);
        }
    }

    /// Kills a container's process from outside of the kubelet, which then acts by the restart policy.
    pub fn kill_container(&mut self, uid: &str, container: &str) {
        if running(self, uid).iter().any(|name| name == container) {
            self.app_killed(uid, container);
            self.container_exited(uid, container, KILLED);
        }
    }
}
