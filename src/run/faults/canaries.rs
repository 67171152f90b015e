//! Traffic that tells whether a cut took effect: tried before, during and after, on new connections and on ones that were
//! open before. Tells what it saw, and what it could not see; proves nothing by itself.

use std::fmt;
use std::time::Duration;

use crate::evidence::Connection;
use crate::plan::{Canary, PodTarget};
use crate::scenario::Direction;
use crate::world::{self, Call, NetworkError, Place, Vantage};

use super::super::context::Context;

/// One try waits this long for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(1);
/// An API server that is away is waited for this long.
const BLIND_LIMIT: Duration = Duration::from_secs(600);
/// Pause between two tries while it is away.
const PAUSE: Duration = Duration::from_millis(500);

/// A canary with what was found before the cut.
pub(super) struct Line {
    canary: Canary,
    /// Seen from the pods that are cut off.
    pub(super) direction: Direction,
    /// Whether a new connection passed.
    pub(super) before: Result<(), NetworkError>,
    /// A connection that was open before the cut, or why there is none.
    open: Result<Box<dyn world::Connection>, NetworkError>,
}

/// All canaries of a step.
pub(in crate::run) struct Opened {
    pub(super) lines: Vec<Line>,
    /// What the cut should block.
    pub(super) direction: Direction,
}

impl Opened {
    /// Those that passed before.
    pub(super) fn usable(&self) -> Vec<&Line> {
        self.lines.iter().filter(|line| line.before.is_ok()).collect()
    }
}

impl Line {
    pub(super) fn path(&self) -> String {
        Path(&self.canary).to_string()
    }
}

struct Path<'a>(&'a Canary);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.from {
            Some(pod) => write!(f, "{pod} → {}:{}", self.0.to, self.0.port),
            None => write!(f, "outside → {}:{}", self.0.to, self.0.port),
        }
    }
}

/// What was seen of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Passes,
    Blocked,
    /// It could not be tried, or its end says nothing of the cut.
    Unknown(String),
}

/// One connection that was tried.
#[derive(Clone, Debug)]
pub(super) struct Tried {
    pub(super) path: String,
    pub(super) direction: Direction,
    pub(super) connection: Connection,
    pub(super) seen: Seen,
    /// Through the API server's proxy, which keeps connections open and uses them again: what passes may be an old one.
    pub(super) proxied: bool,
}

/// Whether established connections are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Established {
    Tried,
    Left,
}

/// Tries every canary, and keeps one connection of each open. `pods` are those that will be cut off.
pub(in crate::run) async fn open(
    context: &Context,
    canaries: &[Canary],
    pods: &[PodTarget],
    direction: Direction,
) -> Opened {
    let lines = canaries.iter().map(|canary| async move {
        let before = match ready(context, canary).await {
            Ok(()) => attempt(context, canary).await.0,
            Err(reason) => Err(NetworkError::Unsupported(reason)),
        };
        let open = match &before {
            Ok(()) => establish(context, canary).await,
            Err(error) => Err(error.clone()),
        };
        Line { canary: canary.clone(), direction: crosses(canary, pods, direction), before, open }
    });
    Opened { lines: futures::future::join_all(lines).await, direction }
}

/// Which direction of the cut a canary tries. Between two pods that are both cut off it is the one that is asked for; of
/// both it shows the way in, and nothing of the way out.
fn crosses(canary: &Canary, pods: &[PodTarget], cut: Direction) -> Direction {
    let is_cut = |pod: &PodTarget| pods.iter().any(|other| other.uid == pod.uid);
    let outward = canary.from.as_ref().is_some_and(is_cut);
    match (cut, is_cut(&canary.to), outward) {
        (Direction::Egress, _, true) | (_, false, _) => Direction::Egress,
        (_, true, _) => Direction::Ingress,
    }
}

/// Whether traffic can start where the canary starts.
async fn ready(context: &Context, canary: &Canary) -> Result<(), String> {
    match &canary.from {
        None => Ok(()),
        Some(pod) => context.world.agents.lend(&pod.namespace, &pod.name).await,
    }
}

fn ends(canary: &Canary) -> (Vantage, Place) {
    let from = match &canary.from {
        None => Vantage::Outside,
        Some(pod) => Vantage::Pod { namespace: pod.namespace.clone(), name: pod.name.clone() },
    };
    let (namespace, name) = (canary.to.namespace.clone(), canary.to.name.clone());
    (from, Place::Pod { namespace, name, port: canary.port.clone() })
}

/// Sends over a new connection. An API server that is away blocks everything and proves nothing: it is waited for.
async fn attempt(context: &Context, canary: &Canary) -> (Result<(), NetworkError>, bool) {
    let deadline = context.clock().elapsed() + BLIND_LIMIT;
    loop {
        match send(context, canary).await {
            (Err(NetworkError::Blind(_)), _) if context.clock().elapsed() < deadline => {
                context.clock().sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

/// Where connections cannot be opened, an HTTP answer of any status is as good; whether it came through a proxy.
async fn send(context: &Context, canary: &Canary) -> (Result<(), NetworkError>, bool) {
    let (from, to) = ends(canary);
    match context.world.network.connect(&from, &to, ANSWER).await {
        Ok(_) => (Ok(()), false),
        Err(NetworkError::Unsupported(_)) => (
            context.world.network.http(&from, &to, Call::bare("GET", "/"), ANSWER).await.map(drop),
            from == Vantage::Outside,
        ),
        Err(error) => (Err(error), false),
    }
}

async fn establish(context: &Context, canary: &Canary) -> Result<Box<dyn world::Connection>, NetworkError> {
    let (from, to) = ends(canary);
    let connection = context.world.network.connect(&from, &to, ANSWER).await?;
    connection.round_trip(ANSWER).await.map(|()| connection)
}

/// Tries all canaries that passed before and whose pods still run; `None` when there is none left.
pub(super) async fn look(context: &Context, opened: &Opened, established: Established) -> Option<Vec<Tried>> {
    let usable = opened.usable();
    let alive: Vec<&Line> = usable
        .into_iter()
        .filter(|line| runs(context, &line.canary.to) && line.canary.from.as_ref().is_none_or(|pod| runs(context, pod)))
        .collect();
    if alive.is_empty() {
        return None;
    }
    let results = alive.into_iter().map(|line| async move {
        let (result, proxied) = attempt(context, &line.canary).await;
        let tried = |connection, seen, proxied| Tried {
            path: line.path(),
            direction: line.direction,
            connection,
            seen,
            proxied,
        };
        let mut results = vec![tried(Connection::New, seen(result), proxied)];
        if established == Established::Tried {
            let seen = match &line.open {
                Ok(open) => seen(open.round_trip(ANSWER).await),
                Err(error) => Seen::Unknown(error.to_string()),
            };
            results.push(tried(Connection::Established, seen, false));
        }
        results
    });
    Some(futures::future::join_all(results).await.into_iter().flatten().collect())
}

/// Silence and a refusal are what a cut looks like. A connection that breaks was ended by somebody, which may have been the
/// application; and what cannot be tried says nothing.
fn seen(result: Result<(), NetworkError>) -> Seen {
    match result {
        Ok(()) => Seen::Passes,
        Err(NetworkError::Timeout(_) | NetworkError::Refused(_)) => Seen::Blocked,
        Err(error @ (NetworkError::Broken(_) | NetworkError::Unsupported(_) | NetworkError::Blind(_))) => {
            Seen::Unknown(error.to_string())
        }
    }
}

/// A pod that ended blocks traffic too, which proves nothing. Pods that are not watched are taken to run.
fn runs(context: &Context, pod: &PodTarget) -> bool {
    context.board.look(|picture| match picture.pods.get(&pod.uid) {
        Some(state) => state.running(),
        None => !picture.namespaces().contains(&pod.namespace),
    })
}
