//! Asks the probes of running containers and acts on their results. A probe that passes rests until the application
//! changes (`app_changed`), then it is asked again at the phase it would have had: results are those of steady asking.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Container as Spec, Probe as ProbeSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::container::SlotState;
use super::pod_worker::PodWorker;
use super::probe::{Probe, Role};
use super::{PodStep, kill};
use crate::State;

/// The spec of a container of a pod.
pub(super) fn container_spec<'a>(worker: &'a PodWorker, name: &str) -> Option<&'a Spec> {
    let spec = worker.spec();
    spec.containers.iter().chain(spec.init_containers.iter().flatten()).find(|container| container.name == name)
}

/// A port by its number or its name.
pub(super) fn port(spec: &Spec, port: &IntOrString) -> Option<u16> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => {
            let mut ports = spec.ports.iter().flatten();
            let named = ports.find(|port| port.name.as_deref() == Some(name)).map(|port| port.container_port);
            named.and_then(|number| u16::try_from(number).ok()).or_else(|| name.parse().ok())
        }
    }
}

/// A container has started: its probes begin anew.
pub(super) fn arm(state: &mut State, uid: &str, name: &str) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let added = worker.added;
    let Some(slot) = worker.slot_mut(name) else { return };
    for probe in &mut slot.probes {
        probe.reset();
        probe.anchor(added);
    }
    slot.started = slot.probes.iter().all(|probe| probe.role != Role::Startup);
    slot.ready = slot.started && slot.probes.iter().all(|probe| probe.role != Role::Readiness);
    schedule_all(state, uid, name);
}

/// Arms those probes of a running container that are to be asked: the startup probe alone until it has passed.
fn schedule_all(state: &mut State, uid: &str, name: &str) {
    let now = state.now;
    let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name)) else { return };
    let SlotState::Running { since } = slot.state else { return };
    let started = slot.started;
    let mut due = Vec::new();
    for probe in slot.probes.iter_mut().filter(|probe| (probe.role != Role::Startup) == started) {
        if probe.next.is_none_or(|next| next < now) {
            due.push((probe.arm(since, now), probe.role));
        }
    }
    for (at, role) in due {
        state.pod_after(at.saturating_sub(now), uid, PodStep::Probe { container: name.to_owned(), role });
    }
}

/// A new kubelet process takes up the probes of a pod's running containers.
pub(super) fn resume(state: &mut State, uid: &str) {
    let names: Vec<_> = state.kubelet.workers.get(uid).map(names).unwrap_or_default();
    for name in names {
        schedule_all(state, uid, &name);
    }
}

fn names(worker: &PodWorker) -> Vec<String> {
    worker.slots.iter().filter(|slot| slot.is_running()).map(|slot| slot.name.clone()).collect()
}

impl State {
    /// The health of a pod's application changed: its resting probes are asked again from their next tick on
    /// (called by `apps`).
    pub fn app_changed(&mut self, uid: &str) {
        if self.kubelet.workers.get(uid).is_some_and(|worker| worker.known) {
            resume(self, uid);
        }
    }
}

/// Asks the readiness probes of containers that are not ready yet at once, as the kubelet does on each relist.
pub(super) fn trigger_readiness(state: &mut State, uid: &str) {
    let now = state.now;
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    for name in names(worker) {
        let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(&name)) else { return };
        let SlotState::Running { since } = slot.state else { continue };
        if !slot.started || slot.ready {
            continue;
        }
        let Some(probe) = slot.probes.iter_mut().find(|probe| probe.role == Role::Readiness) else { continue };
        probe.anchor(now);
        probe.next = Some(now);
        if probe.may_ask(since, now) {
            due(state, uid, &name, Role::Readiness);
        } else {
            probe.next = None;
            schedule_all(state, uid, &name);
        }
    }
}

/// A probe is due, unless it was armed anew or its container is gone.
pub(super) fn due(state: &mut State, uid: &str, name: &str, role: Role) {
    let now = state.now;
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    let ending = worker.termination.is_some();
    let runs = state.kubelet_runs(&worker.node);
    let Some(slot) = worker.slot(name).filter(|slot| slot.is_running() && slot.unseen.is_none()) else { return };
    let Some(probe) = slot.probes.iter().find(|probe| probe.role == role) else { return };
    // Liveness and startup probes end with the pod's life; readiness is asked to the last.
    let stopped = role != Role::Readiness && (ending || slot.killing.is_some());
    if probe.next != Some(now) || !runs || stopped {
        return;
    }
    let answer = ask(state, uid, name, role);
    if let Err(why) = &answer {
        let kind = match role {
            Role::Startup => "Startup",
            Role::Readiness => "Readiness",
            Role::Liveness => "Liveness",
        };
        state.pod_event(uid, "Warning", "Unhealthy", &format!("{kind} probe failed: {why}"));
    }
    let Some(probe) = probe_mut(state, uid, name, role) else { return };
    probe.next = None;
    let changed = probe.record(answer.is_ok());
    if let Some(passed) = changed {
        act(state, uid, name, role, passed);
    }
    if probe_mut(state, uid, name, role).is_some_and(|probe| !probe.settled()) {
        schedule_all(state, uid, name);
    }
    rest(state, uid, name);
}

fn probe_mut<'a>(state: &'a mut State, uid: &str, name: &str, role: Role) -> Option<&'a mut Probe> {
    let slot = state.kubelet.workers.get_mut(uid)?.slot_mut(name)?;
    slot.probes.iter_mut().find(|probe| probe.role == role)
}

/// Lets settled probes rest: what `schedule_all` armed for them beside the one that was due is void.
fn rest(state: &mut State, uid: &str, name: &str) {
    let Some(slot) = state.kubelet.workers.get_mut(uid).and_then(|worker| worker.slot_mut(name)) else { return };
    for probe in slot.probes.iter_mut().filter(|probe| probe.settled()) {
        probe.next = None;
    }
}

fn act(state: &mut State, uid: &str, name: &str, role: Role, passed: bool) {
    let Some(worker) = state.kubelet.workers.get_mut(uid) else { return };
    let grace = worker.grace();
    let own = container_spec(worker, name).and_then(|spec| probe_spec(spec, role));
    let own =
        own.and_then(|spec| spec.termination_grace_period_seconds).and_then(|seconds| u64::try_from(seconds).ok());
    let grace = own.map_or(grace, Duration::from_secs);
    let Some(slot) = worker.slot_mut(name) else { return };
    match (role, passed) {
        (Role::Readiness, _) => slot.ready = passed,
        (Role::Startup, true) => {
            slot.started = true;
            slot.ready = slot.probes.iter().all(|probe| probe.role != Role::Readiness);
            schedule_all(state, uid, name);
            trigger_readiness(state, uid);
            state.pod_after_once(Duration::ZERO, uid, PodStep::Sync);
        }
        (Role::Liveness, true) => {}
        (Role::Startup | Role::Liveness, false) => {
            let kind = if role == Role::Startup { "startup" } else { "liveness" };
            let message = format!("Container {name} failed {kind} probe, will be restarted");
            kill::begin(state, uid, name, grace, &message);
        }
    }
    state.pod_after_once(Duration::ZERO, uid, PodStep::Report);
}

fn probe_spec(spec: &Spec, role: Role) -> Option<&ProbeSpec> {
    match role {
        Role::Startup => spec.startup_probe.as_ref(),
        Role::Readiness => spec.readiness_probe.as_ref(),
        Role::Liveness => spec.liveness_probe.as_ref(),
    }
}

/// Asks one probe. `Err` carries what the kubelet's event says.
fn ask(state: &mut State, uid: &str, name: &str, role: Role) -> Result<(), String> {
    let Some(worker) = state.kubelet.workers.get(uid) else { return Ok(()) };
    let Some((spec, probe)) =
        container_spec(worker, name).and_then(|spec| Some((spec.clone(), probe_spec(spec, role)?.clone())))
    else {
        return Ok(());
    };
    let ip = worker.ip.clone();
    let number = |wanted: &IntOrString| port(&spec, wanted).ok_or_else(|| "couldn't find port".to_owned());
    if let Some(get) = &probe.http_get {
        let port = number(&get.port)?;
        let path = get.path.as_deref().unwrap_or("/");
        return http_get(state, uid, name, &ip, port, path);
    }
    if let Some(exec) = &probe.exec {
        let command = exec.command.as_deref().unwrap_or_default();
        let code = state.app_exec(uid, name, command);
        return if code == 0 { Ok(()) } else { Err(format!("command {command:?} exited with code {code}")) };
    }
    let port = match (&probe.tcp_socket, &probe.grpc) {
        (Some(socket), _) => number(&socket.port)?,
        (None, Some(grpc)) => u16::try_from(grpc.port).map_err(|_| "port out of range".to_owned())?,
        (None, None) => return Ok(()),
    };
    if state.app_listens(uid, port) {
        Ok(())
    } else {
        Err(format!("dial tcp {ip}:{port}: connect: connection refused"))
    }
}

fn http_get(state: &mut State, uid: &str, name: &str, ip: &str, port: u16, path: &str) -> Result<(), String> {
    match state.app_probe(uid, name, port, path) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("HTTP probe failed with statuscode: {status}")),
        None if state.app_listens(uid, port) => Err(format!(
            "Get \"http://{ip}:{port}{path}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )),
        None => Err(format!("Get \"http://{ip}:{port}{path}\": dial tcp {ip}:{port}: connect: connection refused")),
    }
}
