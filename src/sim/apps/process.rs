//! The life of a process as the kubelet drives it: started, serving, signalled, exited, killed.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::{App, Config, Phase, Process, ProcessId, State, Work, kv, ports};
use crate::{Event, Kind, Object};

/// Exit code of work that SIGTERM interrupts before it is done: it has not succeeded.
const INTERRUPTED: i32 = 143;

impl State {
    /// A container's process has started (called by the kubelet).
    pub fn app_started(&mut self, uid: &str, container: &str) {
        let Some(sandbox) = self.kubelet.sandboxes.get(uid) else { return };
        let Some(pod) = self.store.find(Kind::Pod, &sandbox.namespace, &sandbox.name).cloned() else { return };
        if pod.uid() != uid {
            return;
        }
        self.app_killed(uid, container);
        let (config, broken) = match Config::read(&pod, &self.settings.timings) {
            Ok(config) => (config, None),
            Err(message) => (Config::plain(&self.settings.timings), Some(message)),
        };
        let Some((process, ending)) = process(uid, container, &pod, config) else { return };
        self.apps.sequence += 1;
        let id = self.apps.sequence;
        self.apps.by_pod.entry(uid.to_owned()).or_default().insert(container.to_owned(), id);
        let config = process.config.clone();
        self.apps.processes.insert(id, process);
        if let Some(message) = broken {
            complain(self, &pod, &message);
            return self.after(config.start, Event::App(Work::Exit(id, 2)));
        }
        if let Some((after, code)) = ending {
            self.after(after, Event::App(Work::Exit(id, code)));
        }
        self.after(config.start, Event::App(Work::Serve(id)));
    }

    /// SIGTERM: the application ends by itself and then calls `container_exited` (called by the kubelet).
    pub fn app_signalled(&mut self, uid: &str, container: &str) {
        let id = self.apps.by_pod.get(uid).and_then(|containers| containers.get(container)).copied();
        let Some((id, process)) = id.and_then(|id| Some((id, self.apps.processes.get_mut(&id)?))) else {
            return self.container_exited(uid, container, 0);
        };
        if matches!(process.phase, Phase::Draining | Phase::Closing) {
            return;
        }
        let serving = process.phase == Phase::Serving;
        process.phase = if serving && !process.config.close_at_once { Phase::Draining } else { Phase::Closing };
        let (stop, app, code) = (process.config.stop, process.app, process.interrupted_code);
        self.after(stop, Event::App(Work::Exit(id, code)));
        if serving {
            if app == App::Kv {
                kv::retire(self, id);
            }
            self.app_changed(uid);
        }
    }

    /// The process is gone without a goodbye: SIGKILL, or the machine lost power (called by the kubelet).
    pub fn app_killed(&mut self, uid: &str, container: &str) {
        let id = self.apps.by_pod.get(uid).and_then(|containers| containers.get(container)).copied();
        if let Some(id) = id {
            remove(self, id);
        }
    }

    /// Whether this process still runs.
    #[must_use]
    pub fn process_runs(&self, process: ProcessId) -> bool {
        self.apps.processes.contains_key(&process)
    }
}

/// A process that starts, and when and how it will end by itself.
fn process(uid: &str, container: &str, object: &Object, config: Config) -> Option<(Process, Option<(Duration, i32)>)> {
    let pod = object.typed::<Pod>();
    let spec = pod.spec.as_ref()?;
    let init = spec.init_containers.iter().flatten().find(|known| known.name == container);
    let runs_once = init.is_some_and(|init| init.restart_policy.as_deref() != Some("Always"));
    let mine = init.or_else(|| spec.containers.iter().find(|known| known.name == container))?;
    let first = spec.containers.iter().find(|known| !ports::declared(known).is_empty()).or(spec.containers.first());
    let is_first = first.is_some_and(|first| first.name == container);
    let ports = ports::of(mine, spec);
    let app = match config.app {
        _ if runs_once => App::Idle,
        Some(App::Kv) if is_first => App::Kv,
        Some(App::Idle) => App::Idle,
        Some(App::Http | App::Kv) | None if ports.is_empty() => App::Idle,
        Some(App::Http | App::Kv) | None => App::Http,
    };
    let job = object.value().pointer("/metadata/ownerReferences/0/kind").and_then(|kind| kind.as_str()) == Some("Job");
    let interrupted_code = if runs_once || job { INTERRUPTED } else { 0 };
    let silent = runs_once || config.app == Some(App::Idle);
    let ending = if runs_once {
        Some((config.start, 0))
    } else if let Some(after) = config.crash_after {
        Some((after, config.exit_code))
    } else if job {
        Some((config.run_for, 0))
    } else {
        None
    };
    let process = Process {
        uid: uid.to_owned(),
        container: container.to_owned(),
        namespace: object.text("/metadata/namespace").to_owned(),
        pod: object.text("/metadata/name").to_owned(),
        app,
        config: Arc::new(config),
        ports: if silent { Vec::new() } else { ports },
        interrupted_code,
        serves_services: !silent && ports::serves_services(mine, spec),
        phase: Phase::Starting,
        since: Duration::ZERO,
    };
    Some((process, ending))
}

fn complain(state: &mut State, pod: &Object, message: &str) {
    let namespace = pod.text("/metadata/namespace");
    let name = pod.text("/metadata/name");
    let event = json!({
        "metadata": { "namespace": namespace, "generateName": format!("{name}.") },
        "type": "Warning", "reason": "BadAnnotation", "message": message,
        "involvedObject": { "kind": "Pod", "namespace": namespace, "name": name, "uid": pod.uid() },
        "firstTimestamp": state.time(), "lastTimestamp": state.time(), "count": 1,
    });
    // An event that cannot be stored is lost, as in a real cluster.
    let _ = state.create(Kind::Event, event);
}

/// Start-up is over.
pub(super) fn serve(state: &mut State, id: ProcessId) {
    let now = state.now;
    let Some(process) = state.apps.processes.get_mut(&id) else { return };
    if process.phase != Phase::Starting {
        return;
    }
    process.phase = Phase::Serving;
    process.since = now;
    let (uid, app, config) = (process.uid.clone(), process.app, process.config.clone());
    if app == App::Kv {
        kv::open(state, id);
    }
    let unready = (!config.unready_for.is_zero()).then_some(config.unready_for);
    for after in [unready, config.unhealthy_after, config.hang_after].into_iter().flatten() {
        state.after(after, Event::App(Work::Turn(id)));
    }
    state.app_changed(&uid);
}

/// Health may have changed by the clock alone.
pub(super) fn turn(state: &mut State, id: ProcessId) {
    if let Some(process) = state.apps.processes.get(&id) {
        let uid = process.uid.clone();
        state.app_changed(&uid);
    }
}

/// The process ends by itself.
pub(super) fn exit(state: &mut State, id: ProcessId, code: i32) {
    if let Some(process) = remove(state, id) {
        state.container_exited(&process.uid, &process.container, code);
    }
}

fn remove(state: &mut State, id: ProcessId) -> Option<Process> {
    let process = state.apps.processes.remove(&id)?;
    if let Some(containers) = state.apps.by_pod.get_mut(&process.uid) {
        containers.remove(&process.container);
        if containers.is_empty() {
            state.apps.by_pod.remove(&process.uid);
        }
    }
    if process.app == App::Kv {
        kv::close(state, id);
    }
    state.process_gone(id);
    Some(process)
}
