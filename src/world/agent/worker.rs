//! Does an agent's orders: open-loop probes, single attempts, connections that are held. Knows no stream.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::protocol::{Answer, Ask, News, Order};
use super::relay::Relay;
use super::serve::Desk;
use crate::evidence::Outcome;
use crate::scenario::ProbeKind;
use crate::world::direct::{self, Held};
use crate::world::open_loop::{open_loop, outcome_of_error, outcome_of_reply, time_left};
use crate::world::{Call, Clock, NetworkError};

/// Connections held at a time; more are refused.
const HELD: usize = 256;

type Connections = Arc<Mutex<BTreeMap<u64, Arc<Held>>>>;

/// What is under way.
#[derive(Debug)]
pub(super) struct Worker {
    clock: Clock,
    desk: Arc<Desk>,
    http: reqwest::Client,
    seen: u64,
    probes: BTreeMap<usize, oneshot::Sender<()>>,
    connections: Connections,
    relay: Relay,
    tasks: JoinSet<()>,
}

impl Worker {
    pub(super) fn new(clock: Clock, desk: Arc<Desk>) -> Result<Self, String> {
        // No proxy may stand between. An image without certificates of authorities can still speak HTTP; HTTPS then fails, and
        // says why.
        let http = direct::client(reqwest::ClientBuilder::no_proxy);
        let http = http.or_else(|_| direct::client(|plain| plain.no_proxy().tls_certs_only([])));
        let http = http.map_err(|reason| format!("HTTP client: {reason}"))?;
        let connections = Connections::default();
        let (probes, relay, tasks) = (BTreeMap::new(), Relay::default(), JoinSet::new());
        Ok(Self { clock, desk, http, seen: 0, probes, connections, relay, tasks })
    }

    /// The last order that was taken.
    pub(super) const fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes an order; one that was taken before is sent again only because its acknowledgement was lost.
    pub(super) fn take(&mut self, n: u64, order: Order) {
        while self.tasks.try_join_next().is_some() {}
        if n <= self.seen {
            return;
        }
        self.seen = n;
        let (clock, desk, http) = (self.clock, self.desk.clone(), self.http.clone());
        match order {
            Order::Start { probe, ask, rate } => self.start(probe, ask, rate),
            Order::Stop { probe } => match self.probes.remove(&probe) {
                Some(stop) => drop(stop),
                None => desk.tell(News::Stopped { probe }),
            },
            Order::Try { id, ask } => {
                self.tasks.spawn(async move {
                    let answer = once(&http, &ask, clock, clock.elapsed()).await;
                    desk.tell(News::Done { id, answer: answer_of(answer.map(Passed::status)) });
                });
            }
            Order::Open { id, to, timeout } => {
                let connections = self.connections.clone();
                self.tasks.spawn(async move {
                    let answer = hold(&connections, id, &to, Duration::from_micros(timeout)).await;
                    desk.tell(News::Done { id, answer: answer_of(answer.map(|()| None)) });
                });
            }
            Order::Trip { id, connection, timeout: _ } => {
                let held = lock(&self.connections).get(&connection).cloned();
                self.tasks.spawn(async move {
                    let answer = match held {
                        Some(held) => held.watch().await,
                        None => Err(NetworkError::Unsupported(format!("no connection {connection} is held"))),
                    };
                    desk.tell(News::Done { id, answer: answer_of(answer.map(|()| None)) });
                });
            }
            Order::Close { connection } => drop(lock(&self.connections).remove(&connection)),
            Order::Relay { id, to } => {
                let answer = self.relay.allow(to).map_or_else(Answer::Unsupported, |()| Answer::Passed(None));
                desk.tell(News::Done { id, answer });
            }
        }
    }

    fn start(&mut self, probe: usize, ask: Ask, rate: f64) {
        let (stop, stopped) = oneshot::channel::<()>();
        self.probes.insert(probe, stop);
        let (clock, desk, http) = (self.clock, self.desk.clone(), self.http.clone());
        self.tasks.spawn(async move {
            let attempt = |_, due| {
                let (http, ask) = (http.clone(), ask.clone());
                async move { outcome(once(&http, &ask, clock, due).await, &ask) }
            };
            let record = |due: Duration, outcome: Result<Outcome, String>| {
                let outcome = outcome.unwrap_or_else(|reason| Outcome::Error { reason });
                let took = micros(clock.elapsed().saturating_sub(due));
                desk.tell(News::Attempt { probe, due: micros(due), took, outcome });
            };
            // Dropped or sent, both mean stop.
            let probing = open_loop(clock, rate, attempt, record, async { drop(stopped.await) });
            // A panic goes to standard error. That the probe is silent from then on is seen in its attempts; whoever stops it must
            // not wait for it.
            let _ = AssertUnwindSafe(Box::pin(probing)).catch_unwind().await;
            desk.tell(News::Stopped { probe });
        });
    }
}

/// What came back.
enum Passed {
    Reply(crate::world::Reply),
    Connection,
}

impl Passed {
    fn status(self) -> Option<u16> {
        match self {
            Self::Reply(reply) => Some(reply.status),
            Self::Connection => None,
        }
    }
}

async fn once(http: &reqwest::Client, ask: &Ask, clock: Clock, due: Duration) -> Result<Passed, NetworkError> {
    let timeout = time_left(clock, Duration::from_micros(ask.timeout), due);
    match ask.kind {
        ProbeKind::Http => direct::fetch(http, &ask.to, Call::bare("GET", &ask.path), timeout).await.map(Passed::Reply),
        ProbeKind::Tcp => direct::open(&ask.to, timeout).await.map(|_| Passed::Connection),
    }
}

fn outcome(result: Result<Passed, NetworkError>, ask: &Ask) -> Result<Outcome, String> {
    match result {
        Ok(Passed::Reply(reply)) => outcome_of_reply(Ok(reply), &ask.status),
        Ok(Passed::Connection) => Ok(Outcome::Ok { pod: None }),
        Err(error) => outcome_of_error(&error),
    }
}

async fn hold(connections: &Connections, id: u64, to: &str, timeout: Duration) -> Result<(), NetworkError> {
    if lock(connections).len() >= HELD {
        return Err(NetworkError::Unsupported(format!("{HELD} connections are held already")));
    }
    let held = direct::open(to, timeout).await?;
    lock(connections).insert(id, Arc::new(held));
    Ok(())
}

fn answer_of(result: Result<Option<u16>, NetworkError>) -> Answer {
    match result {
        Ok(status) => Answer::Passed(status),
        Err(NetworkError::Refused(why)) => Answer::Refused(why),
        Err(NetworkError::Broken(why)) => Answer::Broken(why),
        Err(NetworkError::Timeout(_)) => Answer::Timeout,
        Err(NetworkError::Unsupported(why) | NetworkError::Blind(why)) => Answer::Unsupported(why),
    }
}

fn lock(connections: &Connections) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Held>>> {
    connections.lock().unwrap_or_else(PoisonError::into_inner)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
