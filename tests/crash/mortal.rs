//! A runner to which something happens at a chosen moment. One that dies reaches the cluster no more: its tasks stay where
//! they are, waiting for ever, which is what a cluster sees of a killed process. One that is stopped hears Ctrl-C; one that
//! panics does so in whatever part of it makes the call.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
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
use tokio::sync::{Notify, watch};

/// What happens to a runner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    #[default]
    Nothing,
    /// It is killed.
    Death,
    /// Ctrl-C.
    Stop,
    /// A panic in the part that makes the call. A record is no call: there it is put off to the next one.
    Panic,
}

/// Counts the moments at which something may happen to a runner, and lets it happen at one of them.
pub(crate) struct Fate {
    moment: AtomicUsize,
    turn: Turn,
    at: usize,
    /// Whether the panic is still to come.
    panics: AtomicBool,
    names: Mutex<Vec<String>>,
    died: Notify,
    stop: watch::Sender<bool>,
    lines: Mutex<Vec<u8>>,
}

impl Fate {
    /// Lets this happen at this moment, counted from 0.
    pub(crate) fn at(turn: Turn, at: usize) -> Arc<Self> {
        Arc::new(Self {
            moment: AtomicUsize::new(0),
            turn,
            at,
            panics: AtomicBool::new(turn == Turn::Panic),
            names: Mutex::default(),
            died: Notify::new(),
            stop: watch::Sender::new(false),
            lines: Mutex::default(),
        })
    }

    /// The signal to heal and end.
    pub(crate) fn stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// The evidence so far.
    pub(crate) fn evidence(&self) -> String {
        String::from_utf8_lossy(&self.lines.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    /// A moment passes. Whether the runner still lives after it.
    fn pass(&self, name: impl Into<String>) -> bool {
        let moment = self.moment.fetch_add(1, Ordering::SeqCst);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.into());
        if moment == self.at {
            match self.turn {
                Turn::Death => self.died.notify_waiters(),
                Turn::Stop => drop(self.stop.send(true)),
                Turn::Nothing | Turn::Panic => {}
            }
        }
        self.lives()
    }

    /// A moment of a call passes.
    fn pass_call(&self, name: String) -> bool {
        let lives = self.pass(name);
        let due = self.moment.load(Ordering::SeqCst) > self.at;
        assert!(!due || !self.panics.swap(false, Ordering::SeqCst), "planted");
        lives
    }

    fn lives(&self) -> bool {
        self.turn != Turn::Death || self.moment.load(Ordering::SeqCst) <= self.at
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
    if !fate.lives() || (changes && !fate.pass_call(format!("before {name}"))) {
        return std::future::pending().await;
    }
    let response = client.send(request).await?;
    if !fate.lives() || (changes && !fate.pass_call(format!("after {name}"))) {
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
            if !self.fate.lives() || (changes && !self.fate.pass_call(format!("before {}", call.path))) {
                return std::future::pending().await;
            }
            let reply = self.network.http(from, to, call, timeout).await;
            if !self.fate.lives() || (changes && !self.fate.pass_call(format!("after {}", call.path))) {
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
        if !self.fate.lives() || !self.fate.pass_call(format!("before {what}")) {
            return std::future::pending().await;
        }
        let done = deed.await;
        if self.fate.pass_call(format!("after {what}")) { done } else { std::future::pending().await }
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
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
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
