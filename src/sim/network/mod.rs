//! The network: Services, pod addresses and NetworkPolicies decide what reaches what, for new and for
//! established connections. Never looks inside a message: that is `apps`'.

use tokio::sync::oneshot;

use super::{Change, State};

/// Where a message comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vantage {
    /// Outside of the pods' network, through the API server's proxy on the control plane.
    Outside,
    /// A process on a node, such as its kubelet.
    Node(String),
    /// Inside a pod.
    Pod {
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        name: String,
    },
}

/// Where a message goes to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// A Service port, by name or number: any ready endpoint.
    Service {
        /// Namespace of the Service.
        namespace: String,
        /// Name of the Service.
        name: String,
        /// Port name or number.
        port: String,
    },
    /// A port of one pod, by name or number.
    Pod {
        /// Namespace of the pod.
        namespace: String,
        /// Name of the pod.
        name: String,
        /// Port name or number.
        port: String,
    },
    /// An address: a pod IP or a cluster IP.
    Address {
        /// IPv4 address.
        ip: String,
        /// Port number.
        port: u16,
    },
}

/// A request to an application.
#[derive(Clone, Debug, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct Request {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Body.
    pub body: String,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An application's answer, and the pod that gave it.
    Response {
        /// HTTP status.
        status: u16,
        /// Body.
        body: String,
        /// Name of the pod that answered.
        pod: String,
    },
    /// Nothing listens there, or the Service has no endpoint.
    Refused,
    /// The connection broke.
    Reset,
    /// Nothing will ever come back: the caller waits for its own timeout.
    Silent,
}

/// An open connection.
pub type ConnectionId = u64;

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {}

impl State {
    /// Sends one request on a new connection; the answer comes through `reply` after the network's and the application's time.
    pub fn send(&mut self, _from: &Vantage, _to: &Destination, _request: Request, reply: oneshot::Sender<Answer>) {
        let _ = reply.send(Answer::Refused);
    }
    /// Opens a connection; `Err` carries `Refused`, `Reset` or `Silent`.
    pub fn connect(
        &mut self,
        _from: &Vantage,
        _to: &Destination,
        reply: oneshot::Sender<Result<ConnectionId, Answer>>,
    ) {
        let _ = reply.send(Err(Answer::Refused));
    }
    /// Sends one request on an open connection.
    pub fn send_on(&mut self, _connection: ConnectionId, _request: Request, reply: oneshot::Sender<Answer>) {
        let _ = reply.send(Answer::Reset);
    }
    /// Closes a connection.
    pub fn close(&mut self, _connection: ConnectionId) {}
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(_state: &mut State, _change: &Change) {}

/// Does one piece of work.
pub fn handle(_state: &mut State, work: Work) {
    match work {}
}
