//! Negative controls: for each kind of fault an API that accepts it, or a machine that does as told, and nothing happens.
//! Each must end inconclusive and say why.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use driftproof::scenario::{CommandPair, FailureMode};
use driftproof::verdict::{Outcome, Verdict};
use driftproof::world::{Machines, Means, World};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kube::client::Body;
use serde_json::{Value, json};

use crate::campaign;
use crate::layer::Answer;
use crate::rows::Row;
use crate::trouble::{Kind, Schedule, Trouble};

/// What is accepted and not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lie {
    /// The pod stays, with its UID.
    Deletion,
    /// 201, and nothing.
    Eviction,
    /// The node in the answer is cordoned; the stored one is not.
    Cordon,
    /// The node in the answer is tainted; the stored one is not.
    Taint,
    /// 201, and no policy.
    Policy,
    /// The machine goes on.
    Machine,
    /// Every watch is silent from the injection on, and does not end.
    Watches,
}

struct Control {
    lie: Lie,
    fault: &'static str,
    /// Part of the verdict's line.
    says: &'static str,
}

const CONTROLS: [Control; 12] = [
    Control { lie: Lie::Deletion, fault: "kind = \"pod-kill\"", says: "is not marked for deletion" },
    Control { lie: Lie::Watches, fault: "kind = \"pod-kill\"", says: "the watches are dead" },
    Control {
        lie: Lie::Eviction,
        fault: "kind = \"node-drain\"\nhold = \"5s\"\ntimeout = \"20s\"\nnode = { of = \"target\" }",
        says: "it was evicted and has not ended within 20s",
    },
    Control {
        lie: Lie::Cordon,
        fault: "kind = \"node-drain\"\nhold = \"5s\"\nnode = { of = \"target\" }",
        says: "takes new pods",
    },
    Control {
        lie: Lie::Watches,
        fault: "kind = \"node-drain\"\nhold = \"5s\"\ntimeout = \"20s\"\nnode = { of = \"target\" }",
        says: "within 20s",
    },
    Control {
        lie: Lie::Taint,
        fault: "kind = \"node-failure\"\nmode = \"taint\"\nhold = \"90s\"\nnode = { of = \"target\" }",
        says: "not driven out within",
    },
    Control { lie: Lie::Policy, fault: "kind = \"network-partition\"\nhold = \"20s\"", says: "does not enforce them" },
    Control {
        lie: Lie::Policy,
        fault: "kind = \"network-partition\"\nhold = \"20s\"\nfrom = { workload = \"deployment/client\" }",
        says: "does not enforce them",
    },
    Control {
        lie: Lie::Machine,
        fault: "kind = \"node-failure\"\nhold = \"200s\"\nnode = { of = \"target\" }",
        says: "still takes nodes for ready",
    },
    Control {
        lie: Lie::Machine,
        fault: "kind = \"node-failure\"\nmode = \"kubelet-stop\"\nhold = \"200s\"\nnode = { of = \"target\" }",
        says: "still takes nodes for ready",
    },
    Control {
        lie: Lie::Machine,
        fault: "kind = \"node-failure\"\nmode = \"network-cut\"\nhold = \"200s\"\nnode = { of = \"target\" }",
        says: "still takes nodes for ready",
    },
    Control {
        lie: Lie::Watches,
        fault: "kind = \"node-failure\"\nhold = \"60s\"\nnode = { of = \"target\" }",
        says: "hold it longer",
    },
];

/// Tries every control, prints what came of it, and returns those that did not end as they must.
pub(crate) fn controls() -> Vec<String> {
    println!("| accepted, and nothing happens | fault | verdict | reason |\n|---|---|---|---|");
    let mut wrong = Vec::new();
    for control in &CONTROLS {
        let row = Row::of("negative control", control.fault);
        let lie = control.lie;
        let schedule = if lie == Lie::Watches { dead() } else { Schedule::none() };
        let run = campaign::run_with(&row, 1, schedule, move |world| lying(world, lie));
        let fault = control.fault.replace(['\n', '"'], " ");
        let verdict = run.verdict.as_ref();
        let told_line = verdict.map(|verdict| verdict.line.clone()).unwrap_or_default();
        let ended = verdict.map_or("-", |verdict| verdict.outcome.word());
        println!("| {lie:?} | {fault} | {ended} | {told_line} |");
        if run.outcome() != Some(Outcome::Inconclusive) || !verdict.is_some_and(|verdict| told(verdict, control.says)) {
            wrong.push(format!("{lie:?} of {fault}: {ended} {told_line}, which does not say `{}`", control.says));
        }
        wrong.extend(run.wrong.iter().map(|what| format!("{lie:?} of {fault}: {what}")));
    }
    println!();
    wrong
}

fn told(verdict: &Verdict, words: &str) -> bool {
    verdict.objectives.iter().any(|one| one.outcome == Outcome::Inconclusive && one.reason.contains(words))
}

/// Watches die a moment before the injection.
fn dead() -> Schedule {
    let (from, until) = (Duration::from_millis(8_500), Duration::from_secs(100_000));
    Schedule { seed: 0, troubles: vec![Trouble { kind: Kind::Dead, from, until, share: 1.0, method: "GET" }] }
}

fn lying(world: &World, lie: Lie) -> World {
    let client = world.client.clone();
    let service = tower::service_fn(move |request: Request<Body>| answer(client.clone(), lie, request));
    let machines: Arc<dyn Machines> = if lie == Lie::Machine { Arc::new(Idle) } else { world.machines.clone() };
    World { client: kube::Client::new(service, "default"), machines, ..world.clone() }
}

async fn answer(client: kube::Client, lie: Lie, request: Request<Body>) -> Result<Response<Answer>, tower::BoxError> {
    let (parts, body) = request.into_parts();
    let sent = body.collect().await?.to_bytes();
    let path = parts.uri.path().to_owned();
    let body: Value = serde_json::from_slice(&sent).unwrap_or_default();
    let patches_node = parts.method == Method::PATCH && path.starts_with("/api/v1/nodes/");
    let success = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" });
    match lie {
        Lie::Deletion if parts.method == Method::DELETE && path.contains("/pods/web-") => {
            Ok(told_as(StatusCode::OK, &get(&client, &path).await?))
        }
        Lie::Eviction if path.ends_with("/eviction") => Ok(told_as(StatusCode::CREATED, &success)),
        Lie::Policy if parts.method == Method::POST && path.ends_with("/networkpolicies") => {
            Ok(told_as(StatusCode::CREATED, &body))
        }
        Lie::Cordon if patches_node && body.pointer("/spec/unschedulable") == Some(&json!(true)) => {
            let mut node = get(&client, &path).await?;
            node["spec"]["unschedulable"] = json!(true);
            Ok(told_as(StatusCode::OK, &node))
        }
        Lie::Taint if patches_node && body.pointer("/spec/taints").is_some() => {
            let mut node = get(&client, &path).await?;
            node["spec"]["taints"] = body["spec"]["taints"].clone();
            Ok(told_as(StatusCode::OK, &node))
        }
        Lie::Deletion | Lie::Eviction | Lie::Policy | Lie::Cordon | Lie::Taint | Lie::Machine | Lie::Watches => {
            let response = client.send(Request::from_parts(parts, Body::from(sent.to_vec()))).await?;
            Ok(response.map(|body| body.map_err(tower::BoxError::from).boxed_unsync()))
        }
    }
}

async fn get(client: &kube::Client, path: &str) -> Result<Value, tower::BoxError> {
    let request = Request::get(path).body(Body::empty())?;
    let bytes = client.send(request).await?.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&bytes)?)
}

fn told_as(code: StatusCode, value: &Value) -> Response<Answer> {
    let body = Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed_unsync();
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.body(body).expect("a response")
}

/// Machines that do as told, by their own word.
struct Idle;

impl Machines for Idle {
    fn means(&self, _mode: FailureMode, _command: Option<&CommandPair>) -> Result<Means, String> {
        Ok(Means::Hands)
    }

    fn fail<'a>(
        &'a self,
        _node: &'a str,
        _ip: &'a str,
        _mode: FailureMode,
        _command: Option<&'a CommandPair>,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }

    fn restore<'a>(
        &'a self,
        _node: &'a str,
        _ip: &'a str,
        _mode: FailureMode,
        _command: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), String>> {
        std::future::ready(Ok(())).boxed()
    }
}
