//! Agents on the embedded cluster: an open loop whose traffic starts in the agent's pod. It is heard only while a stream
//! to that pod would work, and given up as on a live cluster. Does not know the simulation: it asks where a pod is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinHandle};

use super::{Agents, Bytes, Clock, Heard, Network, NetworkError, Place, Vantage, attempt, open_loop, time_left};
use crate::evidence::{Attempt, Outcome};
use crate::scenario::Probe;

/// How often it is looked whether a stream would work.
const LOOK: Duration = Duration::from_secs(1);
/// An agent that was not reached for so long is given up, as on a live cluster.
const LOST_AFTER: Duration = Duration::from_secs(100);

/// What the runner could know of an agent's pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A stream to it works.
    Here,
    /// It runs, and cannot be reached.
    Away,
    /// It does not run any more, and nobody knows.
    Off,
    /// The API says that it ended.
    Gone,
}

type Look = dyn Fn(&str, &str) -> Reach + Send + Sync;

/// All agents of one cluster.
pub(super) struct Embedded {
    pub(super) clock: Clock,
    pub(super) network: Arc<dyn Network>,
    pub(super) look: Arc<Look>,
    pub(super) joined: Mutex<BTreeMap<(String, String), Agent>>,
}

/// One agent.
pub(super) struct Agent {
    ear: Arc<Ear>,
    probes: BTreeMap<usize, (oneshot::Sender<()>, JoinHandle<()>)>,
    watching: AbortHandle,
}

/// What the agent has said, heard or not.
struct Ear {
    vantage: Vantage,
    heard: UnboundedSender<Heard>,
    look: Arc<Look>,
    backlog: Mutex<Option<Vec<Attempt>>>,
}

impl Ear {
    fn reach(&self) -> Reach {
        match &self.vantage {
            Vantage::Outside => Reach::Here,
            Vantage::Pod { namespace, name } => (self.look)(namespace, name),
        }
    }

    fn backlog(&self) -> MutexGuard<'_, Option<Vec<Attempt>>> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, heard: Heard) {
        let _ = self.heard.send(heard);
    }

    /// What a process that does not run any more would have said is not said.
    fn say(&self, attempt: Attempt) {
        if matches!(self.reach(), Reach::Off | Reach::Gone) {
            return;
        }
        match &mut *self.backlog() {
            Some(backlog) => backlog.push(attempt),
            None => self.tell(Heard::Attempt(attempt)),
        }
    }

    /// Looks after the stream until the agent is given up.
    async fn watch(self: Arc<Self>, clock: Clock, name: String) {
        let mut away: Option<Duration> = None;
        loop {
            clock.sleep(LOOK).await;
            let now = clock.elapsed();
            match (self.reach(), away) {
                (Reach::Here, None) => {}
                (Reach::Here, Some(since)) => {
                    away = None;
                    let lasted = humantime::format_duration(now.saturating_sub(since));
                    let what = format!("agent {name}: its stream was broken for {lasted} and resumed");
                    self.tell(Heard::Gap { what, recovered: true });
                    self.tell(Heard::Blind(None));
                    for attempt in self.backlog().take().unwrap_or_default() {
                        self.tell(Heard::Attempt(attempt));
                    }
                }
                (Reach::Away | Reach::Off, None) => {
                    away = Some(now);
                    self.backlog().get_or_insert_default();
                    self.tell(Heard::Blind(Some("its stream is broken".to_owned())));
                }
                (Reach::Away | Reach::Off, Some(since)) => {
                    if now.saturating_sub(since) >= LOST_AFTER {
                        let limit = humantime::format_duration(LOST_AFTER);
                        return self.tell(Heard::Lost(format!("agent {name}: not reached for {limit}")));
                    }
                }
                (Reach::Gone, _) => return self.tell(Heard::Lost(format!("agent {name}: its pod ended"))),
            }
        }
    }
}

impl Embedded {
    fn joined(&self) -> MutexGuard<'_, BTreeMap<(String, String), Agent>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, key: &(String, String), index: usize, probe: &Probe, to: &Place) -> Result<(), String> {
        let mut joined = self.joined();
        let agent = joined.get_mut(key).ok_or_else(|| format!("agent {}/{} was not met", key.0, key.1))?;
        let (stop, stopped) = oneshot::channel();
        let loops = Loop { ear: agent.ear.clone(), network: self.network.clone(), clock: self.clock, index };
        let task = tokio::spawn(loops.drive(probe.clone(), to.clone(), stopped));
        agent.probes.insert(index, (stop, task));
        Ok(())
    }
}

/// One probe in one agent.
struct Loop {
    ear: Arc<Ear>,
    network: Arc<dyn Network>,
    clock: Clock,
    index: usize,
}

impl Loop {
    async fn drive(self, probe: Probe, to: Place, stop: oneshot::Receiver<()>) {
        let clock = self.clock;
        let sent = |_, due| {
            let timeout = time_left(clock, probe.timeout, due);
            attempt(&*self.network, &self.ear.vantage, &to, &probe, timeout)
        };
        let record = |due: Duration, outcome: Result<Outcome, String>| {
            let outcome = outcome.unwrap_or_else(|reason| Outcome::Error { reason });
            let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let took = micros(clock.elapsed().saturating_sub(due));
            self.ear.say(Attempt { probe: self.index, due: micros(due), took, outcome });
        };
        // Dropped or sent, both mean stop.
        open_loop(clock, probe.rate, sent, record, async { drop(stop.await) }).await;
    }
}

fn key(namespace: &str, pod: &str) -> (String, String) {
    (namespace.to_owned(), pod.to_owned())
}

impl Agents for Embedded {
    fn image(&self) -> &'static str {
        concat!("driftproof:", env!("CARGO_PKG_VERSION"))
    }

    fn needed(&self) -> bool {
        false
    }

    fn lend<'a>(&'a self, _namespace: &'a str, _pod: &'a str) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }

    fn join<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        heard: UnboundedSender<Heard>,
    ) -> BoxFuture<'a, Result<(), String>> {
        if (self.look)(namespace, pod) != Reach::Here {
            return std::future::ready(Err(format!("agent {namespace}/{pod}: not reached"))).boxed();
        }
        let vantage = Vantage::Pod { namespace: namespace.to_owned(), name: pod.to_owned() };
        let ear = Arc::new(Ear { vantage, heard, look: self.look.clone(), backlog: Mutex::new(None) });
        let watching = tokio::spawn(ear.clone().watch(self.clock, format!("{namespace}/{pod}"))).abort_handle();
        self.joined().insert(key(namespace, pod), Agent { ear, probes: BTreeMap::new(), watching });
        std::future::ready(Ok(())).boxed()
    }

    fn probe<'a>(
        &'a self,
        vantage: (&'a str, &'a str),
        index: usize,
        probe: &'a Probe,
        to: &'a Place,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(self.start(&key(vantage.0, vantage.1), index, probe, to)).boxed()
    }

    fn stop<'a>(&'a self, namespace: &'a str, pod: &'a str, index: usize) -> BoxFuture<'a, ()> {
        async move {
            let stopped = self.joined().get_mut(&key(namespace, pod)).and_then(|agent| agent.probes.remove(&index));
            if let Some((stop, task)) = stopped {
                drop(stop);
                let panicked = task.await.is_err_and(|error| error.is_panic());
                if let Some(agent) = self.joined().get(&key(namespace, pod)).filter(|_| panicked) {
                    let what = format!("agent {namespace}/{pod}: probe {index} broke off (a panic of driftproof)");
                    agent.ear.tell(Heard::Gap { what, recovered: false });
                }
            }
        }
        .boxed()
    }

    fn stream<'a>(&'a self, _: (&'a str, &'a str), _: &'a Place) -> BoxFuture<'a, Result<Bytes, NetworkError>> {
        let why = "the embedded cluster speaks HTTP only".to_owned();
        std::future::ready(Err(NetworkError::Unsupported(why))).boxed()
    }

    fn reached(&self, vantage: (&str, &str)) -> bool {
        (self.look)(vantage.0, vantage.1) == Reach::Here
    }

    fn leave<'a>(&'a self, namespace: &'a str, pod: &'a str) -> BoxFuture<'a, ()> {
        if let Some(agent) = self.joined().remove(&key(namespace, pod)) {
            agent.watching.abort();
            agent.probes.values().for_each(|(_, task)| task.abort());
        }
        std::future::ready(()).boxed()
    }
}
