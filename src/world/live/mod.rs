//! A live cluster, named by its kubeconfig context. There is no "current context": what is not named is not touched.

mod agents;
mod exec;
mod forward;
mod machines;
mod metrics;
mod network;
mod volumes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};

pub use agents::AgentOptions;

use super::{Breaks, Clock, Metrics, NodeAgent, World, causes};
use crate::evidence::WorldName;

/// Which live cluster, and what may be done there.
#[derive(Clone, Debug)]
pub struct Options {
    /// The kubeconfig context.
    pub context: String,
    /// The kubeconfig file; `$KUBECONFIG` or `~/.kube/config` when absent.
    pub kubeconfig: Option<PathBuf>,
    /// Prometheus, for `[[query]]`.
    pub prometheus: Option<String>,
    /// Whether commands of scenario files may run on this machine.
    pub allow_commands: bool,
    /// The pods that act on nodes.
    pub node_agent: NodeAgent,
    /// What carries agents.
    pub agents: AgentOptions,
}

/// Why a live cluster cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read or does not have the context.
    #[error("context {context}: {reason}")]
    Config {
        /// The context that was asked for.
        context: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The API server does not answer.
    #[error("context {context}: the API server does not answer: {reason}")]
    Unreachable {
        /// The context that was asked for.
        context: String,
        /// Why.
        reason: String,
    },
    /// No client for probes by URL can be made here.
    #[error("client for URLs: {0}")]
    Client(String),
    /// The Prometheus URL is unusable.
    #[error("--prometheus: {0}")]
    Prometheus(String),
}

/// A server that works answers the first, small question within this time.
const FIRST_ANSWER: Duration = Duration::from_secs(10);
/// No answer is waited for longer. Watches ask to be closed after 290 s, and must not be cut off before.
const SILENCE: Duration = Duration::from_secs(295);

/// Connects to a live cluster and asks for its version.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(options: &Options) -> Result<World, ConnectError> {
    let client = client(options).await?;
    let unreachable = |reason| ConnectError::Unreachable { context: options.context.clone(), reason };
    let version = tokio::time::timeout(FIRST_ANSWER, client.apiserver_version())
        .await
        .map_err(|_| unreachable(format!("nothing within {}", humantime::format_duration(FIRST_ANSWER))))?
        .map_err(|error| unreachable(causes(&error)))?;
    let metrics: Option<Arc<dyn Metrics>> = match &options.prometheus {
        Some(url) => Some(Arc::new(metrics::Prometheus::new(url).map_err(ConnectError::Prometheus)?)),
        None => None,
    };
    let clock = Clock::of_this_machine();
    let inside = Arc::new(agents::Attached::new(client.clone(), clock, options.agents.clone()));
    Ok(World {
        name: WorldName::Live { context: options.context.clone(), version: version.git_version },
        client: client.clone(),
        clock,
        network: Arc::new(network::Live::new(client.clone(), inside.clone()).map_err(ConnectError::Client)?),
        agents: inside,
        machines: Arc::new(machines::Commands {
            allowed: options.allow_commands,
            agent: options.node_agent.clone(),
            limit: machines::COMMAND_LIMIT,
        }),
        volumes: Arc::new(volumes::Exec { client }),
        metrics,
        breaks: Breaks::default(),
    })
}

async fn client(options: &Options) -> Result<kube::Client, ConnectError> {
    let wrong = |error: &dyn std::fmt::Display| ConnectError::Config {
        context: options.context.clone(),
        reason: format!("{error}; `kubectl config get-contexts` lists the contexts of a kubeconfig"),
    };
    let kubeconfig = match &options.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    }
    .map_err(|error| wrong(&error))?;
    let choice = KubeConfigOptions { context: Some(options.context.clone()), ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &choice).await.map_err(|error| wrong(&error))?;
    // kube's own retry turns a refused eviction into minutes of silence; the run decides what is tried again.
    config.default_retry = false;
    config.read_timeout = Some(SILENCE);
    kube::Client::try_from(config).map_err(|error| wrong(&error))
}
