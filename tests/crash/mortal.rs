//! A runner that can die: from a chosen moment on nothing that it does reaches the cluster any more. Its tasks stay where
//! they are, waiting for ever, which is what a cluster sees of a killed process.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftproof::evidence::{Log, Sink};
use driftproof::scenario::{CommandPair, FailureMode};
use driftproof::world::{
    Bytes, Call, Connection, Machines, Means, Network, NetworkError, Place, Reply, Vantage, World,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::client::Body;
use tokio::sync::Notify;

/// Counts the moments at which a runner may die, and kills it at one of them.
#[derive(Default)]
pub(crate) struct Fate {
    moment: AtomicUsize,
    death: Option<usize>,
    names: Mutex<Vec<String>>,
    died: Notify,
}

impl Fate {
    /// Death at this moment, counted from 0; never without one.
    pub(crate) fn at(death: Option<usize>) -> Arc<Self> {
        Arc::new(Self { death, ..Self::default() })
    }

    /// A moment passes. Whether the runner still lives after it.
    fn pass(&self, name: impl Into<String>) -> bool {
        let moment = self.moment.fetch_add(1, Ordering::SeqCst);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.into());
        if Some(moment) == self.death {
            self.died.notify_waiters();
        }
        self.lives()
    }

    fn lives(&self) -> bool {
        self.death.is_none_or(|death| self.moment.load(Ordering::SeqCst) <= death)
    }

    /// Returns when the runner is dead.
    pub(crate) async fn death(&self) {
        loop {
            let died = self.died.notified();
            if !self.lives() {
                return;
            }
            died.await;
        }
    }

    /// What the moments were.
    pub(crate) fn names(&self) -> Vec<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The same world, seen by a runner that can die.
pub(crate) fn world(world: &World, fate: &Arc<Fate>) -> World {
    let (client, watching) = (world.client.clone(), fate.clone());
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, fate) = (client.clone(), watching.clone());
        async move { send(client, &fate, request).await }
    });
    let machines = Arc::new(Mortal { machines: world.machines.clone(), fate: fate.clone() });
    let network = Arc::new(Wires { network: world.network.clone(), fate: fate.clone() });
    World { client: kube::Client::new(service, "default"), machines, network, ..world.clone() }
}

async fn send(client: kube::Client, fate: &Fate, request: Request<Body>) -> Result<Response<Body>, tower::BoxError> {
    let changes = request.method() != Method::GET && !request.uri().path().contains("/selfsubject");
    let name = format!("{} {}", request.method(), request.uri().path());
    if !fate.lives() || (changes && !fate.pass(format!("before {name}"))) {
        return std::future::pending().await;
    }
    let response = client.send(request).await?;
    if !fate.lives() || (changes && !fate.pass(format!("after {name}"))) {
        return std::future::pending().await;
    }
    Ok(response)
}

/// Requests to pods. Those that ask an etcd what is so are no moments: there are too many, and nothing hangs on them.
struct Wires {
    network: Arc<dyn Network>,
    fate: Arc<Fate>,
}

impl Network for Wires {
    fn http<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        call: Call<'a>,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Reply, NetworkError>> {
        async move {
            let asks = call.path.ends_with("/member/list") || call.path.ends_with("/status");
            let changes = call.path.starts_with("/v3/") && !asks;
            if !self.fate.lives() || (changes && !self.fate.pass(format!("before {}", call.path))) {
                return std::future::pending().await;
            }
            let reply = self.network.http(from, to, call, timeout).await;
            if !self.fate.lives() || (changes && !self.fate.pass(format!("after {}", call.path))) {
                return std::future::pending().await;
            }
            reply
        }
        .boxed()
    }

    fn stream<'a>(&'a self, to: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        self.network.stream(to)
    }

    fn connect<'a>(
        &'a self,
        from: &'a Vantage,
        to: &'a Place,
        timeout: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Connection>, NetworkError>> {
        self.network.connect(from, to, timeout)
    }
}

struct Mortal {
    machines: Arc<dyn Machines>,
    fate: Arc<Fate>,
}

impl Mortal {
    async fn around<T>(&self, what: String, deed: impl Future<Output = T>) -> T {
        if !self.fate.lives() || !self.fate.pass(format!("before {what}")) {
            return std::future::pending().await;
        }
        let done = deed.await;
        if self.fate.pass(format!("after {what}")) { done } else { std::future::pending().await }
    }
}

impl Machines for Mortal {
    fn means(&self, mode: FailureMode, command: Option<&CommandPair>) -> Result<Means, String> {
        self.machines.means(mode, command)
    }

    fn fail<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        mode: FailureMode,
        command: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.around(format!("failing {node}"), self.machines.fail(node, ip, mode, command)).boxed()
    }

    fn restore<'a>(
        &'a self,
        node: &'a str,
        ip: &'a str,
        mode: FailureMode,
        command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        self.around(format!("restoring {node}"), self.machines.restore(node, ip, mode, command)).boxed()
    }
}

/// A journal whose every record is a moment.
pub(crate) fn log(fate: &Arc<Fate>) -> Log {
    Log::new(Box::new(Journal(fate.clone())))
}

struct Journal(Arc<Fate>);

impl Sink for Journal {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let record: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
        let word = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        // What was merely seen or tried is no step of the run.
        if matches!(word("type").as_str(), "stage" | "creating" | "plan" | "fault" | "end") {
            self.0.pass(format!("record {} {}{}", word("type"), word("life"), word("stage")));
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
