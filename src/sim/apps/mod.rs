//! Simulated applications in the pods: a plain HTTP service, and a key-value store with leader and followers.
//! Which one a pod runs is said by its annotations (`embedded.driftproof.dev/app`).

use tokio::sync::oneshot;

use super::network::{Answer, Request};
use super::{Change, State};

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {}

impl State {
    /// A container's process has started (called by the kubelet).
    pub fn app_started(&mut self, _uid: &str, _container: &str) {}
    /// SIGTERM: the application ends by itself and then calls `container_exited` (called by the kubelet).
    pub fn app_signalled(&mut self, uid: &str, container: &str) {
        self.container_exited(uid, container, 0);
    }
    /// The process is gone without a goodbye: SIGKILL, or the machine lost power (called by the kubelet).
    pub fn app_killed(&mut self, _uid: &str, _container: &str) {}
    /// Delivers a request to the application behind a pod's port (called by the network, policies already applied).
    pub fn app_request(&mut self, _uid: &str, _port: u16, _request: Request, reply: oneshot::Sender<Answer>) {
        let _ = reply.send(Answer::Refused);
    }
    /// Whether a process listens on a pod's port.
    pub fn app_listens(&self, _uid: &str, _port: u16) -> bool {
        false
    }
    /// The answer to a probe of the kubelet at this instant: HTTP status of a GET, `None` when nothing answers.
    pub fn app_probe(&mut self, _uid: &str, _container: &str, _port: u16, _path: &str) -> Option<u16> {
        None
    }
    /// The exit code of a command of a kubelet probe or preStop hook: 0 unless the application is broken.
    pub fn app_exec(&mut self, _uid: &str, _container: &str, _command: &[String]) -> i32 {
        0
    }
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(_state: &mut State, _change: &Change) {}

/// Does one piece of work.
pub fn handle(_state: &mut State, work: Work) {
    match work {}
}
