//! `network-partition`: a NetworkPolicy cuts pods off. Proven by traffic that passed before, is blocked during and passes
//! again after; a network that accepts policies and ignores them is named as such.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, PostParams};
use serde_json::Value;

use crate::evidence::{CanaryResult, Connection, Proof, Undo};
use crate::plan::{Canary, PodTarget};
use crate::world::{self, NetworkError, Place, Vantage};

use super::super::calls;
use super::super::context::Context;

/// Traffic that should pass or be blocked is tried for this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// After healing, plugins get longer: nothing depends on how fast they forget.
const PATIENCE_HEAL: Duration = Duration::from_secs(30);
/// An API server that is away is waited for this long.
const BLIND_LIMIT: Duration = Duration::from_secs(600);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);
/// One try waits this long for an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// A canary with what was found before the cut.
pub(in crate::run) struct Line {
    canary: Canary,
    /// Whether a new connection passed.
    before: Result<(), NetworkError>,
    /// A connection that was open before the cut, when this world can hold one.
    open: Option<Box<dyn world::Connection>>,
}

/// All canaries of a step.
pub(in crate::run) struct Opened {
    lines: Vec<Line>,
}

impl Line {
    fn path(&self) -> String {
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

/// Tries every canary, and keeps one connection of each open.
pub(in crate::run) async fn open(context: &Context, canaries: &[Canary]) -> Opened {
    let lines = canaries.iter().map(|canary| async move {
        let before = attempt(context, canary).await;
        let open = if before.is_ok() { establish(context, canary).await } else { None };
        Line { canary: canary.clone(), before, open }
    });
    Opened { lines: futures::future::join_all(lines).await }
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
async fn attempt(context: &Context, canary: &Canary) -> Result<(), NetworkError> {
    let deadline = context.clock().elapsed() + BLIND_LIMIT;
    loop {
        match send(context, canary).await {
            Err(NetworkError::Blind(_)) if context.clock().elapsed() < deadline => context.clock().sleep(PAUSE).await,
            ended => return ended,
        }
    }
}

/// Where connections cannot be opened, an HTTP answer of any status is as good.
async fn send(context: &Context, canary: &Canary) -> Result<(), NetworkError> {
    let (from, to) = ends(canary);
    match context.world.network.connect(&from, &to, ANSWER).await {
        Ok(_) => Ok(()),
        Err(NetworkError::Unsupported(_)) => context.world.network.http(&from, &to, "GET", "/", ANSWER).await.map(drop),
        Err(error) => Err(error),
    }
}

async fn establish(context: &Context, canary: &Canary) -> Option<Box<dyn world::Connection>> {
    let (from, to) = ends(canary);
    let connection = context.world.network.connect(&from, &to, ANSWER).await.ok()?;
    connection.round_trip(ANSWER).await.ok().map(|()| connection)
}

/// Creates the policies. One that is there already was left by an earlier try of this very step.
pub(super) async fn inject(context: &Context, policies: &[Value]) -> Result<(), String> {
    for manifest in policies {
        let policy: NetworkPolicy =
            serde_json::from_value(manifest.clone()).map_err(|error| format!("the plan's NetworkPolicy: {error}"))?;
        let namespace = policy.metadata.namespace.clone().unwrap_or_default();
        let what = format!("create NetworkPolicy {namespace}/{}", policy.metadata.name.clone().unwrap_or_default());
        let api: Api<NetworkPolicy> = Api::namespaced(context.client(), &namespace);
        let params = PostParams::default();
        let created = calls::called(context, &what, || api.create(&params, &policy)).await;
        if created.echo() == Some(409) && is_ours(context, &api, &policy).await? {
            continue;
        }
        created.result.map_err(|error| format!("{what}: {}", calls::text(&error)))?;
    }
    Ok(())
}

/// Whether the policy of this name is the one that this very run has just created.
async fn is_ours(context: &Context, api: &Api<NetworkPolicy>, policy: &NetworkPolicy) -> Result<bool, String> {
    let name = policy.metadata.name.clone().unwrap_or_default();
    let what = format!("get NetworkPolicy {name}");
    let found = calls::patiently(context, &what, || api.get(&name)).await;
    let found = found.map_err(|error| format!("{what}: {}", calls::text(&error)))?;
    Ok(found.metadata.labels == policy.metadata.labels)
}

/// How a policy is undone.
pub(super) fn undo(manifest: &Value) -> Undo {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    Undo::DeleteNetworkPolicy { namespace: text("/metadata/namespace"), name: text("/metadata/name") }
}

/// Proven when no canary that passed before gets through on a new connection any more.
pub(in crate::run) async fn prove(context: &Context, opened: &Opened) -> Proof {
    let usable: Vec<&Line> = opened.lines.iter().filter(|line| line.before.is_ok()).collect();
    if usable.is_empty() {
        return Proof { proven: false, statement: nothing_passed(opened), canaries: Vec::new() };
    }
    let deadline = context.clock().elapsed() + PATIENCE;
    loop {
        let canaries = look(context, &usable, Established::Tried).await;
        let passing = |kind: Connection| {
            let passes = |result: &&CanaryResult| result.connection == kind && result.now;
            canaries.iter().filter(passes).map(|result| result.path.clone()).collect::<Vec<_>>()
        };
        let (new, established) = (passing(Connection::New), passing(Connection::Established));
        let late = context.clock().elapsed() >= deadline;
        if canaries.is_empty() {
            let statement = "the pods of all canaries ended before the cut could be proven".to_owned();
            return Proof { proven: false, statement, canaries };
        }
        if new.is_empty() && (established.is_empty() || late) {
            return Proof { proven: true, statement: blocked(&canaries, &established), canaries };
        }
        if late {
            let statement = format!(
                "the network accepts NetworkPolicies and does not enforce them: {} still passed {} after the policy was created",
                new.join(", "),
                humantime::format_duration(PATIENCE)
            );
            return Proof { proven: false, statement, canaries };
        }
        context.clock().sleep(PAUSE).await;
    }
}

fn blocked(canaries: &[CanaryResult], established: &[String]) -> String {
    let new: Vec<&str> = canaries
        .iter()
        .filter(|result| result.connection == Connection::New)
        .map(|result| result.path.as_str())
        .collect();
    let had_established = canaries.iter().any(|result| result.connection == Connection::Established);
    let rest = match (had_established, established) {
        (false, _) => "; established connections could not be tried here".to_owned(),
        (true, []) => ", on new and on established connections".to_owned(),
        (true, still) => format!("; on established connections traffic still passes: {}", still.join(", ")),
    };
    format!("blocked: {}{rest}", new.join(", "))
}

fn nothing_passed(opened: &Opened) -> String {
    let why = |line: &Line| match &line.before {
        Ok(()) => line.path(),
        Err(error) => format!("{} ({error})", line.path()),
    };
    let all: Vec<String> = opened.lines.iter().map(why).collect();
    format!("no canary passed before the cut, so that none can show it: {}", all.join(", "))
}

/// Whether established connections are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Established {
    Tried,
    Left,
}

/// Tries all canaries whose pods still run.
async fn look(context: &Context, lines: &[&Line], established: Established) -> Vec<CanaryResult> {
    let alive = lines.iter().filter(|line| {
        runs(context, &line.canary.to) && line.canary.from.as_ref().is_none_or(|pod| runs(context, pod))
    });
    let results = alive.map(|line| async move {
        let new = attempt(context, &line.canary).await.is_ok();
        let mut results = vec![CanaryResult { path: line.path(), connection: Connection::New, before: true, now: new }];
        if let (Some(open), Established::Tried) = (&line.open, established) {
            let now = open.round_trip(ANSWER).await.is_ok();
            let connection = Connection::Established;
            results.push(CanaryResult { path: line.path(), connection, before: true, now });
        }
        results
    });
    futures::future::join_all(results).await.into_iter().flatten().collect()
}

/// A pod that ended blocks traffic too, which proves nothing. Pods that are not watched are taken to run.
fn runs(context: &Context, pod: &PodTarget) -> bool {
    context.board.look(|picture| match picture.pods.get(&pod.uid) {
        Some(state) => state.running(),
        None => !picture.namespaces().contains(&pod.namespace),
    })
}

/// Proven when every canary that passed before passes again, on a new connection.
pub(in crate::run) async fn prove_healed(context: &Context, opened: &Opened) -> Proof {
    let usable: Vec<&Line> = opened.lines.iter().filter(|line| line.before.is_ok()).collect();
    let deadline = context.clock().elapsed() + PATIENCE_HEAL;
    loop {
        // An established connection that was reset by the cut does not come back, and need not.
        let canaries = look(context, &usable, Established::Left).await;
        if canaries.is_empty() {
            let statement = "the policies are gone; no canary is left to try".to_owned();
            return Proof { proven: true, statement, canaries };
        }
        let blocked: Vec<&str> =
            canaries.iter().filter(|result| !result.now).map(|result| result.path.as_str()).collect();
        if blocked.is_empty() {
            let paths: Vec<&str> = canaries.iter().map(|result| result.path.as_str()).collect();
            let statement = format!("passes again: {}", paths.join(", "));
            return Proof { proven: true, statement, canaries };
        }
        if context.clock().elapsed() >= deadline {
            let limit = humantime::format_duration(PATIENCE_HEAL);
            let statement = format!("still blocked {limit} after the policies were deleted: {}", blocked.join(", "));
            return Proof { proven: false, statement, canaries };
        }
        context.clock().sleep(PAUSE).await;
    }
}
