//! Agents on a live cluster: reached through the `attach` subresource of their pods. A pod of somebody else becomes a
//! vantage by the tools that its containers have, or by an ephemeral container when the user allows it.

mod address;
mod attach;
mod ephemeral;
mod tools;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;

use super::forward;
use crate::scenario::{Probe, ProbeKind};
use crate::world::agent::{Ask, Link, RELAY_PORT, hail};
use crate::world::{Agents, Bytes, Clock, Connection, Heard, NetworkError, Place, Reply};

/// Namespace and name of a pod.
type Key = (String, String);

/// What carries agents, and what is allowed.
#[derive(Clone, Debug)]
pub struct AgentOptions {
    /// The image, as the cluster's nodes find it.
    pub image: String,
    /// Whether ephemeral containers may be added to the target's pods, where they stay until the pods end.
    pub allow_ephemeral: bool,
}

/// All vantages inside one cluster.
pub(super) struct Attached {
    client: kube::Client,
    clock: Clock,
    options: AgentOptions,
    links: Mutex<BTreeMap<Key, Arc<Link>>>,
    /// Pods whose own tools can open connections.
    lent: Mutex<BTreeMap<Key, String>>,
}

fn key(namespace: &str, pod: &str) -> Key {
    (namespace.to_owned(), pod.to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Attached {
    pub(super) fn new(client: kube::Client, clock: Clock, options: AgentOptions) -> Self {
        Self { client, clock, options, links: Mutex::default(), lent: Mutex::default() }
    }

    fn link(&self, key: &Key) -> Option<Arc<Link>> {
        lock(&self.links).get(key).cloned()
    }

    /// One HTTP request from a pod.
    pub(super) async fn http(
        &self,
        from: (&str, &str),
        to: &Place,
        path: &str,
        timeout: Duration,
    ) -> Result<Reply, NetworkError> {
        let link = self.link(&key(from.0, from.1)).ok_or_else(|| not_a_vantage(from))?;
        let to = address::of(&self.client, to).await.map_err(NetworkError::Unsupported)?;
        let ask = Ask {
            kind: ProbeKind::Http,
            to: address::url(&to),
            path: path.to_owned(),
            status: Vec::new(),
            timeout: micros(timeout),
        };
        link.attempt(ask).await
    }

    /// Opens a connection from a pod.
    pub(super) async fn connect(
        &self,
        from: (&str, &str),
        to: &Place,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, NetworkError> {
        let key = key(from.0, from.1);
        let address = address::of(&self.client, to).await.map_err(NetworkError::Unsupported)?;
        if let Some(link) = self.link(&key) {
            let held = link.open(address, timeout).await?;
            return Ok(Box::new(held));
        }
        let container = lock(&self.lent).get(&key).cloned().ok_or_else(|| not_a_vantage(from))?;
        tools::connect(&self.client, from, &container, &address, timeout).await?;
        Ok(Box::new(Once))
    }

    async fn lend_tools(&self, namespace: &str, pod: &str) -> Result<(), String> {
        let key = key(namespace, pod);
        if self.link(&key).is_some() || lock(&self.lent).contains_key(&key) {
            return Ok(());
        }
        let missing = match tools::find(&self.client, namespace, pod).await {
            Ok(container) => {
                lock(&self.lent).insert(key, container);
                return Ok(());
            }
            Err(missing) => missing,
        };
        if !self.options.allow_ephemeral {
            return Err(format!("{missing}; --allow-ephemeral-containers would bring the agent into the pod"));
        }
        let container = ephemeral::add(&self.client, self.clock, namespace, pod, &self.options.image).await?;
        // What it tells between canaries is of no interest: each canary says whether it could be tried.
        let (heard, _) = tokio::sync::mpsc::unbounded_channel();
        let dial = attach::dial(self.client.clone(), key.clone(), Some(container));
        let link = Link::start(self.clock, format!("{namespace}/{pod}"), dial, heard).await?;
        lock(&self.links).insert(key, Arc::new(link));
        Ok(())
    }
}

fn not_a_vantage((namespace, pod): (&str, &str)) -> NetworkError {
    NetworkError::Unsupported(format!("no agent and no tool for connections in pod {namespace}/{pod}"))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A connection that was opened by a tool and is closed already.
struct Once;

impl Connection for Once {
    fn round_trip(&self, _: Duration) -> BoxFuture<'_, Result<(), NetworkError>> {
        let reason = "a container's own tools cannot hold a connection".to_owned();
        std::future::ready(Err(NetworkError::Unsupported(reason))).boxed()
    }
}

impl Agents for Attached {
    fn image(&self) -> &str {
        &self.options.image
    }

    fn needed(&self) -> bool {
        true
    }

    fn lend<'a>(&'a self, namespace: &'a str, pod: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.lend_tools(namespace, pod).boxed()
    }

    fn join<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        heard: UnboundedSender<Heard>,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let key = key(namespace, pod);
            let dial = attach::dial(self.client.clone(), key.clone(), None);
            let link = Link::start(self.clock, format!("{namespace}/{pod}"), dial, heard).await?;
            lock(&self.links).insert(key, Arc::new(link));
            Ok(())
        }
        .boxed()
    }

    fn probe<'a>(
        &'a self,
        vantage: (&'a str, &'a str),
        index: usize,
        probe: &'a Probe,
        to: &'a Place,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let link = self.link(&key(vantage.0, vantage.1)).ok_or_else(|| not_a_vantage(vantage).to_string())?;
            let address = address::of(&self.client, to).await?;
            let to = match probe.kind {
                ProbeKind::Http => address::url(&address),
                ProbeKind::Tcp => address,
            };
            let timeout = micros(probe.timeout);
            let (path, status) = (probe.path.clone(), probe.status.clone());
            link.probe(index, Ask { kind: probe.kind, to, path, status, timeout }, probe.rate);
            Ok(())
        }
        .boxed()
    }

    fn stop<'a>(&'a self, namespace: &'a str, pod: &'a str, index: usize) -> BoxFuture<'a, ()> {
        async move {
            if let Some(link) = self.link(&key(namespace, pod)) {
                link.stop(index).await;
            }
        }
        .boxed()
    }

    fn stream<'a>(&'a self, vantage: (&'a str, &'a str), to: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        async move {
            let link = self.link(&key(vantage.0, vantage.1)).ok_or_else(|| not_a_vantage(vantage))?;
            let address = address::of(&self.client, to).await.map_err(NetworkError::Refused)?;
            link.allow(&address).await?;
            let port = RELAY_PORT.to_string();
            hail(forward::open(&self.client, vantage.0, vantage.1, &port).await?, &address).await
        }
        .boxed()
    }

    fn reached(&self, vantage: (&str, &str)) -> bool {
        self.link(&key(vantage.0, vantage.1)).is_some()
    }

    fn leave<'a>(&'a self, namespace: &'a str, pod: &'a str) -> BoxFuture<'a, ()> {
        async move {
            let link = lock(&self.links).remove(&key(namespace, pod));
            if let Some(link) = link {
                link.leave().await;
            }
        }
        .boxed()
    }
}
