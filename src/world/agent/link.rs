//! The runner's end of one agent: orders go in, answers and news come out, over as many streams as it takes.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::offset::Estimate;
use super::outbox::Outbox;
use super::protocol::{Answer, Ask, News, Order};
use super::talk;
use crate::evidence::Attempt;
use crate::world::{Clock, Connection, Heard, NetworkError, Reply};

/// Orders that are not yet acknowledged. More than the agent could ever be behind with.
const ORDERS: usize = 100_000;
/// An answer may be late by this much, for its way through the cluster.
const SLACK: Duration = Duration::from_secs(5);
/// Watching a held connection takes the agent a few seconds.
const TRIP: Duration = Duration::from_secs(4);

/// One stream to the agent.
pub(in crate::world) struct Line {
    /// What the agent says.
    pub(in crate::world) input: Box<dyn AsyncRead + Send + Unpin>,
    /// What it is told.
    pub(in crate::world) output: Box<dyn AsyncWrite + Send + Unpin>,
    /// Kept as long as the stream is used.
    pub(in crate::world) keep: Box<dyn Any + Send>,
}

/// Why there is no stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::world) struct DialError {
    /// For people.
    pub(in crate::world) reason: String,
    /// Whether there never will be one.
    pub(in crate::world) hopeless: bool,
}

/// Opens a stream to the agent.
pub(in crate::world) type Dial = Box<dyn Fn() -> BoxFuture<'static, Result<Line, DialError>> + Send + Sync>;

/// The runner's end. Ends with a goodbye when dropped.
#[derive(Debug)]
pub(in crate::world) struct Link {
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// What the link and its streams share.
pub(super) struct Desk {
    pub(super) clock: Clock,
    pub(super) name: String,
    pub(super) bell: Notify,
    inner: Mutex<Inner>,
    heard: mpsc::UnboundedSender<Heard>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("name", &self.name).finish_non_exhaustive()
    }
}

pub(super) struct Inner {
    pub(super) orders: Outbox<Order>,
    /// The last news that was heard.
    pub(super) after: u64,
    pub(super) estimate: Option<Estimate>,
    pub(super) bye: bool,
    next: u64,
    /// Places to which the agent's relay may lead.
    allowed: BTreeSet<String>,
    waiting: BTreeMap<u64, oneshot::Sender<Answer>>,
    stopping: BTreeMap<usize, oneshot::Sender<()>>,
    met: Option<oneshot::Sender<Result<(), String>>>,
    lost: Option<String>,
}

impl Link {
    /// Begins to dial. What is heard goes to `heard`.
    ///
    /// # Errors
    /// When the agent cannot be met.
    pub(in crate::world) async fn start(
        clock: Clock,
        name: String,
        dial: Dial,
        heard: mpsc::UnboundedSender<Heard>,
    ) -> Result<Self, String> {
        let (met, meeting) = oneshot::channel();
        let inner = Inner {
            orders: Outbox::new(ORDERS),
            after: 0,
            estimate: None,
            bye: false,
            next: 0,
            allowed: BTreeSet::new(),
            waiting: BTreeMap::new(),
            stopping: BTreeMap::new(),
            met: Some(met),
            lost: None,
        };
        let desk = Arc::new(Desk { clock, name, bell: Notify::new(), inner: Mutex::new(inner), heard });
        let link = Self { task: tokio::spawn(talk::run(desk.clone(), dial)), desk };
        match meeting.await {
            Ok(Ok(())) => Ok(link),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err(format!("agent {}: its stream ended", link.desk.name)),
        }
    }

    /// Starts an open-loop probe.
    pub(in crate::world) fn probe(&self, probe: usize, ask: Ask, rate: f64) {
        self.desk.order(Order::Start { probe, ask, rate });
    }

    /// Stops a probe, and returns when all of its attempts were heard, or never will be.
    pub(in crate::world) async fn stop(&self, probe: usize) {
        let (stopped, stopping) = oneshot::channel();
        {
            let mut inner = self.desk.lock();
            if inner.lost.is_some() {
                return;
            }
            inner.stopping.insert(probe, stopped);
        }
        self.desk.order(Order::Stop { probe });
        let _ = stopping.await;
    }

    /// One attempt, of any answer.
    pub(in crate::world) async fn attempt(&self, ask: Ask) -> Result<Reply, NetworkError> {
        let timeout = Duration::from_micros(ask.timeout);
        let (_, answer) = self.ask(timeout, |id| Order::Try { id, ask }).await;
        let status = read(answer, timeout)?.unwrap_or_default();
        Ok(Reply { status, body: String::new(), pod: None })
    }

    /// Opens a connection that the agent holds.
    pub(in crate::world) async fn open(&self, to: String, timeout: Duration) -> Result<HeldThere, NetworkError> {
        let (id, answer) = self.ask(timeout, |id| Order::Open { id, to, timeout: micros(timeout) }).await;
        read(answer, timeout)?;
        Ok(HeldThere { desk: self.desk.clone(), connection: id })
    }

    /// Lets connections to the agent's relay lead to this place.
    pub(in crate::world) async fn allow(&self, to: &str) -> Result<(), NetworkError> {
        if self.desk.lock().allowed.contains(to) {
            return Ok(());
        }
        let (_, answer) = self.ask(Duration::ZERO, |id| Order::Relay { id, to: to.to_owned() }).await;
        read(answer, SLACK)?;
        self.desk.lock().allowed.insert(to.to_owned());
        Ok(())
    }

    async fn ask(&self, timeout: Duration, order: impl FnOnce(u64) -> Order) -> (u64, Answer) {
        self.desk.ask(timeout, order).await
    }

    /// Tells the agent to end.
    pub(in crate::world) async fn leave(&self) {
        self.desk.lock().bye = true;
        self.desk.bell.notify_one();
        let clock = self.desk.clock;
        let deadline = clock.elapsed() + SLACK;
        while !self.task.is_finished() && clock.elapsed() < deadline {
            clock.sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection that the agent holds.
#[derive(Debug)]
pub(in crate::world) struct HeldThere {
    desk: Arc<Desk>,
    connection: u64,
}

impl Connection for HeldThere {
    fn round_trip(&self, timeout: Duration) -> BoxFuture<'_, Result<(), NetworkError>> {
        async move {
            let connection = self.connection;
            let order = |id| Order::Trip { id, connection, timeout: micros(timeout) };
            let (_, answer) = self.desk.ask(timeout + TRIP, order).await;
            read(answer, timeout).map(drop)
        }
        .boxed()
    }
}

impl Drop for HeldThere {
    fn drop(&mut self) {
        self.desk.order(Order::Close { connection: self.connection });
    }
}

fn read(answer: Answer, timeout: Duration) -> Result<Option<u16>, NetworkError> {
    match answer {
        Answer::Passed(status) => Ok(status),
        Answer::Refused(why) => Err(NetworkError::Refused(why)),
        Answer::Broken(why) => Err(NetworkError::Broken(why)),
        Answer::Timeout => Err(NetworkError::Timeout(timeout)),
        Answer::Unsupported(why) => Err(NetworkError::Unsupported(why)),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

impl Desk {
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, heard: Heard) {
        let _ = self.heard.send(heard);
    }

    fn order(&self, order: Order) {
        self.lock().orders.push(order);
        self.bell.notify_one();
    }

    /// An agent that cannot be asked says nothing of the network: that is no timeout.
    async fn ask(&self, timeout: Duration, order: impl FnOnce(u64) -> Order) -> (u64, Answer) {
        let (waiting, answer) = oneshot::channel();
        let id = {
            let mut inner = self.lock();
            inner.next += 1;
            let id = inner.next;
            if let Some(reason) = &inner.lost {
                return (id, Answer::Unsupported(reason.clone()));
            }
            inner.waiting.insert(id, waiting);
            inner.orders.push(order(id));
            id
        };
        self.bell.notify_one();
        let answered = tokio::time::timeout(timeout + SLACK, answer).await;
        self.lock().waiting.remove(&id);
        let silent = || Answer::Unsupported(format!("agent {} does not answer", self.name));
        (id, answered.ok().and_then(Result::ok).unwrap_or_else(silent))
    }

    /// The agent has said hello for the first time, and its clock is known.
    pub(super) fn met(&self) {
        if let Some(met) = self.lock().met.take() {
            let _ = met.send(Ok(()));
        }
    }

    /// Takes one piece of news, whose number was already looked at.
    pub(super) fn take(&self, news: News) {
        match news {
            News::Attempt { probe, due, took, outcome } => {
                let Some(estimate) = self.lock().estimate else { return };
                self.tell(Heard::Attempt(Attempt { probe, due: estimate.to_run(due), took, outcome }));
            }
            News::Stopped { probe } => drop(self.lock().stopping.remove(&probe)),
            News::Done { id, answer } => {
                if let Some(waiting) = self.lock().waiting.remove(&id) {
                    let _ = waiting.send(answer);
                }
            }
        }
    }

    /// The agent will not be heard again.
    pub(super) fn lost(&self, reason: &str) {
        let reason = format!("agent {}: {reason}", self.name);
        let mut inner = self.lock();
        if inner.bye {
            return;
        }
        inner.lost = Some(reason.clone());
        for (_, waiting) in std::mem::take(&mut inner.waiting) {
            let _ = waiting.send(Answer::Unsupported(reason.clone()));
        }
        inner.stopping.clear();
        match inner.met.take() {
            Some(met) => drop(met.send(Err(reason))),
            None => self.tell(Heard::Lost(reason)),
        }
    }
}
