//! The handle by which the outside holds an embedded cluster: its API client, its machines and its wires.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::api::ApiServer;
use super::engine::Shared;
use super::network::{Answer, ConnectionId, Destination, Request, Vantage};
use super::{Kind, Settings, State};

/// A running embedded cluster. Cheap to clone; it ends with the tokio runtime that it was started on.
#[derive(Clone, Debug)]
pub struct Cluster {
    shared: Shared,
}

impl Cluster {
    /// Boots a cluster on the current (paused, single-threaded) tokio runtime.
    #[must_use]
    pub fn start(settings: Settings, seed: u64) -> Self {
        let mut state = State::new(settings, seed);
        state.boot();
        let shared = Shared::new(state, Instant::now());
        tokio::spawn(shared.clone().drive());
        Self { shared }
    }

    /// Looks at or changes the state at the present instant.
    pub fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        self.shared.with(act)
    }

    /// Returns when a panic has left the cluster half-changed: nothing that it does from then on can be trusted.
    pub async fn broken(&self) {
        self.shared.broken().await;
    }

    /// A client of the cluster's API, with `default` as its default namespace. Must be called inside the runtime.
    #[must_use]
    pub fn client(&self) -> kube::Client {
        kube::Client::new(ApiServer::new(self.shared.clone()), "default")
    }

    /// Sends one request on a new connection. Never resolves when nothing comes back: put a timeout around it.
    pub async fn request(&self, from: Vantage, to: Destination, request: Request) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.with(|state| state.send(&from, &to, request, reply));
        heard(answer.await.unwrap_or(Answer::Silent)).await
    }

    /// Opens a connection. Never resolves when nothing comes back: put a timeout around it.
    ///
    /// # Errors
    /// `Refused` or `Reset`.
    pub async fn connect(&self, from: Vantage, to: Destination) -> Result<ConnectionId, Answer> {
        let (reply, answer) = oneshot::channel();
        self.with(|state| state.connect(&from, &to, reply));
        match answer.await.unwrap_or(Err(Answer::Silent)) {
            Ok(connection) => Ok(connection),
            Err(answer) => Err(heard(answer).await),
        }
    }

    /// Sends one request on an open connection. Never resolves when nothing comes back: put a timeout around it.
    pub async fn send_on(&self, connection: ConnectionId, request: Request) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.with(|state| state.send_on(connection, request, reply));
        heard(answer.await.unwrap_or(Answer::Silent)).await
    }

    /// Closes a connection.
    pub fn close(&self, connection: ConnectionId) {
        self.with(|state| state.close(connection));
    }

    /// Cuts a machine's power.
    pub fn power_off(&self, node: &str) {
        self.with(|state| state.power_off(node));
    }

    /// Switches a machine on again.
    pub fn power_on(&self, node: &str) {
        self.with(|state| state.power_on(node));
    }

    /// Kills a machine's kubelet; its containers go on running.
    pub fn kill_kubelet(&self, node: &str) {
        self.with(|state| state.kill_kubelet(node));
    }

    /// Starts a machine's kubelet again.
    pub fn start_kubelet(&self, node: &str) {
        self.with(|state| state.start_kubelet(node));
    }

    /// Unplugs a machine from the network.
    pub fn cut_network(&self, node: &str) {
        self.with(|state| state.cut_network(node));
    }

    /// Plugs it in again.
    pub fn join_network(&self, node: &str) {
        self.with(|state| state.join_network(node));
    }

    /// The files of the volume that is mounted at a path in a running pod, by path. `None` when the pod has no sandbox
    /// or nothing is mounted there.
    #[must_use]
    pub fn volume(&self, namespace: &str, pod: &str, path: &str) -> Option<BTreeMap<String, String>> {
        self.shared.look(|state| {
            let uid = state.store.find(Kind::Pod, namespace, pod)?.uid();
            let volume = state.kubelet.sandboxes.get(uid)?.mounts.get(path)?;
            Some(state.storage.contents.get(volume).cloned().unwrap_or_default())
        })
    }

    /// Writes a file into the volume mounted at a path in a pod; false when none is.
    #[must_use]
    pub fn write_volume(&self, namespace: &str, pod: &str, path: &str, file: &str, content: &str) -> bool {
        self.shared.with(|state| {
            let Some(uid) = state.store.find(Kind::Pod, namespace, pod).map(|pod| pod.uid().to_owned()) else {
                return false;
            };
            let Some(volume) = state.kubelet.sandboxes.get(&uid).and_then(|sandbox| sandbox.mounts.get(path)).cloned()
            else {
                return false;
            };
            state.storage.contents.entry(volume).or_default().insert(file.to_owned(), content.to_owned());
            true
        })
    }
}

/// An answer that can be heard; silence lasts for ever.
async fn heard(answer: Answer) -> Answer {
    match answer {
        Answer::Silent => std::future::pending().await,
        Answer::Response { .. } | Answer::Refused | Answer::Reset => answer,
    }
}
