//! What cannot be done through the Kubernetes API: switches of machines, a killed process, a connection between pods.
//! Two makers: the embedded cluster and the testbed. The body knows this trait only.

use futures::future::BoxFuture;

use crate::case::Switch;

/// A pod by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PodName {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// An address and a TCP port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Door {
    pub(crate) ip: String,
    pub(crate) port: u16,
}

/// Hands on machines and processes. Errors say what failed, on what.
pub(crate) trait Hands: Send + Sync {
    /// Throws a switch of a machine; one that is thrown already stays.
    fn switch<'a>(&'a self, node: &'a str, switch: Switch) -> BoxFuture<'a, Result<(), String>>;

    /// Kills the process of a pod's container with SIGKILL.
    fn kill_container<'a>(&'a self, pod: &'a PodName, container: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Tries a connection from inside a pod to each door. A door is open when a process behind it answered.
    fn connect<'a>(&'a self, from: &'a PodName, to: &'a [Door]) -> BoxFuture<'a, Result<Vec<bool>, String>>;
}

/// A cluster that a case can run on.
pub(crate) struct Arm {
    pub(crate) client: kube::Client,
    pub(crate) hands: Box<dyn Hands>,
}
