//! The seam to the outside: a client of the Kubernetes API, wires into its network, hands on its machines, its
//! volumes, its metrics and the clock. Two makers: [`live`] and [`embedded`]. Decides nothing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::UnboundedSender;

use crate::evidence::{Attempt, WorldName};
use crate::scenario::{CommandPair, FailureMode, Probe};

pub mod agent;
mod causes;
mod clock;
mod digest;
mod direct;
pub mod embedded;
mod embedded_agents;
pub mod live;
mod open_loop;
mod proxy;

pub(crate) use causes::causes;
pub use clock::Clock;
pub use digest::{digest_of, sha256};
pub(crate) use open_loop::{attempt, open_loop, time_left};

/// A cluster, as a run needs it.
#[derive(Clone)]
pub struct World {
    /// Which one.
    pub name: WorldName,
    /// Its API. Without automatic retries.
    pub client: kube::Client,
    /// The clock.
    pub clock: Clock,
    /// Its network.
    pub network: Arc<dyn Network>,
    /// What speaks to agents in it.
    pub agents: Arc<dyn Agents>,
    /// Its machines.
    pub machines: Arc<dyn Machines>,
    /// Its volumes.
    pub volumes: Arc<dyn Volumes>,
    /// Its metrics, when there are any.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// Whether it can still be trusted.
    pub breaks: Breaks,
}

impl World {
    /// Returns, with the reason, when nothing that this world does from then on can be trusted. A live cluster tells its troubles
    /// in its answers, and never breaks in this sense.
    pub async fn broken(&self) -> String {
        match &self.breaks.0 {
            Some(broken) => broken().await,
            None => std::future::pending().await,
        }
    }
}

/// Waits for the end of a world by a fault of our own.
type Broken = dyn Fn() -> BoxFuture<'static, String> + Send + Sync;

/// How it is heard that a world broke; never, by default.
#[derive(Clone, Default)]
pub struct Breaks(Option<Arc<Broken>>);

impl Breaks {
    /// `broken` returns the reason when it did.
    #[must_use]
    pub fn new(broken: impl Fn() -> BoxFuture<'static, String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(broken)))
    }
}

impl World {
    /// The objects among these manifests that this cluster keeps and does not act on: `Ingress web`. A live cluster says itself
    /// what it serves; whether something acts on an object there, nobody can ask.
    #[must_use]
    pub fn not_modelled(&self, manifests: &[serde_json::Value]) -> Vec<String> {
        match self.name {
            WorldName::Embedded => embedded::not_modelled(manifests),
            WorldName::Live { .. } => Vec::new(),
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where traffic comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vantage {
    /// Where Driftproof runs (on the embedded cluster: the API server's proxy).
    Outside,
    /// Inside a pod.
    Pod {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
    },
}

/// Where traffic goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port of a Service, by number or name.
    Service {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// Number or name.
        port: String,
    },
    /// A port of one pod, by number or name.
    Pod {
        /// Namespace.
        namespace: String,
        /// Name.
        name: String,
        /// Number or name.
        port: String,
    },
    /// A URL, or `host:port`.
    Url(String),
}

/// An HTTP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// Method, in capitals.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Names and values of headers beside those that every request has.
    pub headers: &'a [(String, String)],
    /// Body; empty for none.
    pub body: &'a str,
}

impl<'a> Call<'a> {
    /// A request without a body.
    #[must_use]
    pub const fn bare(method: &'a str, path: &'a str) -> Self {
        Self { method, path, headers: &[], body: "" }
    }
}

/// An answer over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: String,
    /// The pod that answered, when it can be told.
    pub pod: Option<String>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Nothing listens, or the Service has no endpoint: definitely not delivered.
    #[error("refused: {0}")]
    Refused(String),
    /// The connection broke: it may have been delivered.
    #[error("broken: {0}")]
    Broken(String),
    /// No answer in time: it may have been delivered.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// It could not be sent: the API server, through which it goes, is away. Says nothing of the service.
    #[error("could not be sent: {0}")]
    Blind(String),
    /// This world cannot send from there or to there.
    #[error("cannot be tried here: {0}")]
    Unsupported(String),
}

/// The network. Implemented by the embedded cluster and by a live one.
pub trait Network: Send + Sync {
    /// Sends one HTTP request on a new connection.
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        call: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>>;

    /// Opens a stream of bytes from where Driftproof runs to a pod, or to `host:port`. An error means that nothing was sent.
    fn stream<'a>(&'a self, to: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>>;

    /// Opens a connection.
    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>>;
}

/// A stream of bytes in both directions; closed when dropped.
pub type Bytes = Box<dyn Stream>;

/// What [`Bytes`] are.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// An open connection; closed when dropped.
pub trait Connection: Send + Sync {
    /// Whether traffic still passes: one round trip.
    fn round_trip(&self, timeout: Duration) -> BoxFuture<'_, Result<(), NetworkError>>;
}

/// How the pods that act on nodes are started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeAgent {
    /// Image with this program as its entry point.
    pub image: String,
    /// Namespace that allows privileged pods.
    pub namespace: String,
}

/// What makes a node fail in a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// The world itself: [`Machines::fail`] and [`Machines::restore`].
    Hands,
    /// A pod on the node.
    Agent(NodeAgent),
}

/// The machines under the nodes. Implemented by the embedded cluster and by pairs of commands.
pub trait Machines: Send + Sync {
    /// How nodes are made to fail here; asked before anything is touched. A taint needs no machine and is not asked for.
    ///
    /// # Errors
    /// What is missing, and what to do.
    fn means(&self, mode: FailureMode, command: Option<&CommandPair>) -> Result<Means, String>;

    /// Makes a node fail. `command` is for worlds that have nothing else.
    fn fail<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        mode: FailureMode,
        command: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Brings it back; idempotent.
    fn restore<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        mode: FailureMode,
        command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// The volumes in pods.
pub trait Volumes: Send + Sync {
    /// SHA-256 over the sorted paths and contents below a mount path, and the number of files.
    fn digest<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<(String, u64), String>>;

    /// Writes a file below a mount path.
    fn write<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
        file: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<(), String>>;
}

/// Pods that carry Driftproof's own agent, from which traffic starts as from any client in the cluster. The run creates
/// and removes the pods; this speaks to what runs in them.
pub trait Agents: Send + Sync {
    /// The image that carries the agent.
    fn image(&self) -> &str;

    /// Whether traffic from inside needs an agent here. Where it does not, every pod is a vantage by itself.
    fn needed(&self) -> bool;

    /// Makes a pod of somebody else a vantage as well as this world can, before anything is injected.
    ///
    /// # Errors
    /// Why it cannot be one.
    fn lend<'a>(&'a self, namespace: &'a str, pod: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Meets the agent in a running pod, which is a vantage from then on. What it tells goes to `heard`.
    ///
    /// # Errors
    /// Why it cannot be met.
    fn join<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        heard: UnboundedSender<Heard>,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Starts an open-loop probe in the agent of a pod.
    ///
    /// # Errors
    /// Why it cannot be started.
    fn probe<'a>(
        &'a self,
        vantage: (&'a str, &'a str),
        index: usize,
        probe: &'a Probe,
        to: &'a Place,
    ) -> BoxFuture<'a, Result<(), String>>;

    /// Stops a probe. Returns when all of its attempts were heard, or never will be.
    fn stop<'a>(&'a self, namespace: &'a str, pod: &'a str, index: usize) -> BoxFuture<'a, ()>;

    /// Opens a stream of bytes from an agent's pod to a place inside the cluster, which the agent then may reach. An error means
    /// that nothing was sent.
    fn stream<'a>(&'a self, vantage: (&'a str, &'a str), to: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>>;

    /// Whether an agent that was met can be spoken to now.
    fn reached(&self, vantage: (&str, &str)) -> bool;

    /// Takes leave of an agent, which then ends.
    fn leave<'a>(&'a self, namespace: &'a str, pod: &'a str) -> BoxFuture<'a, ()>;
}

/// What is heard of an agent. Times are the run's.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// An attempt of a probe ended.
    Attempt(Attempt),
    /// The agent's clock minus the run's, and how far the truth may be away. Microseconds.
    Clock {
        /// The agent's clock minus the run's.
        offset: i64,
        /// Half of the shortest round trip.
        error: u64,
    },
    /// Something limits what was heard.
    Gap {
        /// What, for people.
        what: String,
        /// Whether nothing was lost.
        recovered: bool,
    },
    /// The agent cannot be heard, and why; or it can again.
    Blind(Option<String>),
    /// It will not be heard any more.
    Lost(String),
}

/// Prometheus.
pub trait Metrics: Send + Sync {
    /// Every sample of an instant query, or of a range query over the last `range` when a step is given. `Err` says why there is none.
    fn query<'a>(
        &'a self,
        expr: &'a str,
        range: Option<(Duration, Duration)>,
    ) -> BoxFuture<'a, Result<Vec<f64>, String>>;
}
