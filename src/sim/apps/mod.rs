//! Simulated applications in the pods: a plain HTTP service, and a key-value store with leader and followers.
//! Never decides what reaches an application (`network`) or when a container starts (`kubelet`).
//!
//! A pod chooses its application, and how it behaves, by annotations `embedded.driftproof.dev/…`. Durations are
//! written as `500ms`, `2s`, `1m`. A value that cannot be read ends the container at its start with exit code 2
//! and a Warning event `BadAnnotation` on the pod.
//!
//! | annotation | meaning | default |
//! |---|---|---|
//! | `app` | `http`, `kv` or `none` | `http` when a container has a port, else `none` |
//! | `app-start` | from the container's start until it serves | `timings.app_start` |
//! | `app-stop` | from SIGTERM until it exits | `timings.app_stop` |
//! | `stop-mode` | after SIGTERM: `serve` until the exit, or `close` the port at once | `serve` |
//! | `latency` | time that an answer takes | `2ms` |
//! | `unready-for` | from serving on, `/readyz` and every path but `/healthz` answer 503 for so long | `0s` |
//! | `unhealthy-after` | from serving on, `/healthz` answers 500 after so long | never |
//! | `hang-after` | from serving on, it accepts and never answers after so long | never |
//! | `crash-after` | from its start, the process ends after so long | never |
//! | `exit-code` | exit code of that end | `1` |
//! | `run-for` | a container of a Job ends with 0 after so long | `1s` |
//! | `replication` | `kv`: `sync` (a majority has it before it is acknowledged) or `async` | `sync` |
//! | `data` | `kv`: mount path where the data is kept; memory only when it is not a mounted volume | memory |
//! | `async-lag` | `kv`: how far asynchronous replication lags behind | `500ms` |
//! | `election-timeout` | `kv`: without a leader for so long, another one is sought | `2s` |
//! | `request-timeout` | `kv`: a request that is not settled by then is answered 504 | `1s` |
//! | `members` | `kv`: `pods` (each pod of the workload is one) or `explicit` (added and removed by an API, as those of etcd) | `pods` |
//! | `bugs` | `kv`: planted bugs, comma-separated: `stale-reads`, `lost-writes`, `two-leaders`, `duplicate-writes`, `swallowed-members` | none |
//!
//! In a pod of several containers each serves its own ports: those that it declares, that its probes and hooks name,
//! and, where it declares none, that Services name (`ports`). The store is the first container that declares any.

pub(crate) mod command;
mod config;
mod http;
pub mod kv;
pub(crate) mod ports;
mod process;
mod request;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use config::Config;

use super::network::{CallId, Request};
use super::{Change, State};

/// A running process; a container that is started again gets another one.
pub type ProcessId = u64;

/// Work of this room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A process has started up and begins to serve.
    Serve(ProcessId),
    /// A process ends by itself with this exit code.
    Exit(ProcessId, i32),
    /// The health of a process may have changed by its configuration.
    Turn(ProcessId),
    /// A request has had its time and is dealt with.
    Deal(ProcessId, CallId),
    /// The key-value store.
    Kv(kv::Work),
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    processes: BTreeMap<ProcessId, Process>,
    by_pod: BTreeMap<String, BTreeMap<String, ProcessId>>,
    requests: BTreeMap<CallId, Request>,
    kv: kv::Local,
    sequence: u64,
}

/// The application that a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum App {
    /// A plain HTTP service.
    Http,
    /// A replica of the key-value store.
    Kv,
    /// Something that listens nowhere.
    Idle,
}

/// One process.
#[derive(Debug)]
struct Process {
    uid: String,
    container: String,
    namespace: String,
    pod: String,
    app: App,
    config: Arc<Config>,
    ports: Vec<u16>,
    /// Exit code after SIGTERM.
    interrupted_code: i32,
    /// Whether it also listens on the target ports of Services that select its pod (see `ports`).
    serves_services: bool,
    phase: Phase,
    /// When it began to serve.
    since: Duration,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not yet serving.
    Starting,
    /// Serving.
    Serving,
    /// SIGTERM has come; it serves until it exits.
    Draining,
    /// SIGTERM has come; it accepts nothing new.
    Closing,
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    kv::on_change(state, change);
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Serve(process) => process::serve(state, process),
        Work::Exit(process, code) => process::exit(state, process, code),
        Work::Turn(process) => process::turn(state, process),
        Work::Deal(process, call) => request::deal(state, process, call),
        Work::Kv(work) => kv::handle(state, work),
    }
}
