//! Requests and probes at an application's door: who listens, what a path's health says, and which application
//! deals with the rest.

use std::time::Duration;

use super::command::is_idle;
use super::{App, Phase, Process, ProcessId, State, Work, http, kv};
use crate::Event;
use crate::network::{CallId, Request};

/// How a process feels by its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Well,
    Unready,
    Unhealthy,
    Hanging,
}

impl Process {
    fn listens(&self) -> bool {
        matches!(self.phase, Phase::Serving | Phase::Draining)
    }

    fn mood(&self, now: Duration) -> Mood {
        let age = now.saturating_sub(self.since);
        let past = |limit: Option<Duration>| limit.is_some_and(|limit| age >= limit);
        if past(self.config.hang_after) {
            Mood::Hanging
        } else if past(self.config.unhealthy_after) {
            Mood::Unhealthy
        } else if age < self.config.unready_for {
            Mood::Unready
        } else {
            Mood::Well
        }
    }
}

impl State {
    /// The process that listens on a pod's port.
    #[must_use]
    pub fn app_listener(&self, uid: &str, port: u16) -> Option<ProcessId> {
        let containers = self.apps.by_pod.get(uid)?;
        let find = |holds: &dyn Fn(&Process) -> bool| {
            let listens = |id: &&ProcessId| self.apps.processes.get(id).is_some_and(|one| one.listens() && holds(one));
            containers.values().find(listens).copied()
        };
        find(&|process| process.ports.contains(&port))
            .or_else(|| find(&|process| process.serves_services && self.targeted(uid, port)))
    }

    /// Whether a process listens on a pod's port.
    #[must_use]
    pub fn app_listens(&self, uid: &str, port: u16) -> bool {
        self.app_listener(uid, port).is_some()
    }

    /// Delivers a request to a process (called by the network, policies already applied). The application answers
    /// with [`State::answer`].
    pub fn app_request(&mut self, process: ProcessId, call: CallId, request: Request) {
        let Some(known) = self.apps.processes.get(&process) else { return };
        let latency = known.config.latency;
        self.apps.requests.insert(call, request);
        self.after(latency, Event::App(Work::Deal(process, call)));
    }

    /// The answer to a probe of the kubelet at this instant: HTTP status of a GET, `None` when nothing answers.
    pub fn app_probe(&mut self, uid: &str, container: &str, port: u16, path: &str) -> Option<u16> {
        let id = *self.apps.by_pod.get(uid)?.get(container)?;
        // A probe may name a port that another container of the pod declares.
        let id = if self.apps.processes.get(&id)?.ports.contains(&port) { id } else { self.app_listener(uid, port)? };
        let process = self.apps.processes.get(&id)?;
        if !process.listens() || process.mood(self.now) == Mood::Hanging {
            return None;
        }
        Some(health(self, process, id, path.split('?').next().unwrap_or_default()).unwrap_or(200))
    }

    /// The exit code of a command of a kubelet probe or preStop hook: 137 when there is no process; 0 for `sleep` and
    /// `true`, alone or in a shell; a command that speaks of `ready` (`pg_isready`, `cat /tmp/ready`) follows
    /// `/readyz`; any other fails while the application starts, hangs or is unhealthy.
    pub fn app_exec(&mut self, uid: &str, container: &str, command: &[String]) -> i32 {
        let id = self.apps.by_pod.get(uid).and_then(|containers| containers.get(container));
        let Some((id, process)) = id.and_then(|id| Some((*id, self.apps.processes.get(id)?))) else { return 137 };
        if is_idle(command) {
            return 0;
        }
        let mood = process.mood(self.now);
        if process.phase == Phase::Starting || mood == Mood::Hanging {
            return 1;
        }
        let asks_ready = command.iter().any(|word| word.contains("ready"));
        let path = if asks_ready { "/readyz" } else { "/healthz" };
        i32::from(!matches!(health(self, process, id, path), None | Some(200)))
    }
}

/// The status of the health paths; `None` when the path is the application's own affair.
fn health(state: &State, process: &Process, id: ProcessId, path: &str) -> Option<u16> {
    let mood = process.mood(state.now);
    match path {
        "/healthz" => Some(if mood == Mood::Unhealthy { 500 } else { 200 }),
        _ if mood == Mood::Unready => Some(503),
        "/readyz" if process.app == App::Kv && !kv::ready(state, id) => Some(503),
        "/readyz" => Some(200),
        _ => None,
    }
}

/// A request's time has passed.
pub(super) fn deal(state: &mut State, id: ProcessId, call: CallId) {
    let Some(request) = state.apps.requests.remove(&call) else { return };
    let Some(process) = state.apps.processes.get(&id) else { return };
    if process.mood(state.now) == Mood::Hanging {
        return state.leave_unanswered(call);
    }
    let path = request.path.split('?').next().unwrap_or_default();
    if let Some(status) = health(state, process, id, path) {
        let body = http::body(&process.pod);
        return state.answer(call, status, body);
    }
    match process.app {
        App::Kv => kv::request(state, id, call, &request),
        App::Http | App::Idle => http::request(state, id, call, &request),
    }
}
