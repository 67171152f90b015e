//! The network: Services, pod addresses and network policies decide what reaches what, for new and for
//! established connections. Never looks inside a message: that is `apps`'.
//!
//! | file | what |
//! |---|---|
//! | `proxy` | kube-proxy: each Service's endpoints as the nodes know them, `proxy_sync` late |
//! | `resolve` | from a `Vantage` and a `Destination` to machines and addresses |
//! | `listen` | who listens at an address of a pod or of a machine |
//! | `packet` | may a packet pass now: machines, cables, policies |
//! | `call` | requests under way |
//! | `connection` | connections that stay open |
//! | `pods` | labels and named ports of pods, as the nodes know them |
//! | `enforce` | network policies begin to count `policy_sync` after they changed |
//! | `policy` | the rules of NetworkPolicy, as a pure function |

mod call;
mod connection;
mod enforce;
mod listen;
mod packet;
mod pods;
pub mod policy;
mod proxy;
mod resolve;

#[cfg(test)]
pub(super) mod bench;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::apps::ProcessId;
use super::{Change, Key, State};

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
    /// An address: a pod IP, a cluster IP or a node's, where host ports and node ports are.
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

/// A request under way.
pub type CallId = u64;

/// Address of the control plane, from which `Vantage::Outside` speaks.
pub const CONTROL_PLANE_IP: &str = "192.168.0.1";

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// A request reaches the machine it was sent to.
    Arrive(CallId),
    /// An answer reaches the caller.
    Return(CallId),
    /// A process ended: the machine's farewell reaches the other end of a connection.
    Hangup(ConnectionId),
    /// The nodes' proxies follow a Service's endpoints.
    SyncService(Key),
    /// The nodes enforce a NetworkPolicy as it is now.
    SyncPolicy(Key),
    /// A pod object is gone: forget its labels once its sandbox is gone too.
    Forget(String),
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    services: proxy::Services,
    policies: policy::Policies,
    pods: pods::Pods,
    calls: BTreeMap<CallId, call::Call>,
    /// Calls that a process has received and not yet answered.
    in_flight: BTreeMap<ProcessId, BTreeSet<CallId>>,
    connections: BTreeMap<ConnectionId, connection::Connection>,
    connections_of: BTreeMap<ProcessId, BTreeSet<ConnectionId>>,
    /// The last call or connection number.
    sequence: u64,
}

/// Starts timers and creates what a fresh cluster has.
pub fn boot(_state: &mut State) {}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    pods::on_change(state, change);
    proxy::on_change(state, change);
    enforce::on_change(state, change);
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Arrive(call) => call::arrive(state, call),
        Work::Return(call) => call::hand_back(state, call),
        Work::Hangup(connection) => connection::hang_up(state, connection),
        Work::SyncService(key) => proxy::sync(state, &key),
        Work::SyncPolicy(key) => enforce::sync(state, &key),
        Work::Forget(uid) => pods::forget(state, uid),
    }
}
