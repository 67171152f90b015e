//! Lists that come late: when one arrives, the watches have long shown what became of its objects. What is newer than a list
//! is no sign that the watches are dead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driftproof::verdict::Outcome;
use driftproof::world::World;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::client::Body;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use serde_json::json;

use crate::campaign;
use crate::layer::Answer;
use crate::rows::Row;
use crate::trouble::Schedule;

/// Orders of a list and of what happens meanwhile.
const SEEDS: u64 = 12;

type Dice = Arc<Mutex<ChaCha8Rng>>;

/// Runs with late lists. Those that did not pass.
pub(crate) fn lists() -> Vec<String> {
    let row = Row::of("late lists", "kind = \"pod-kill\"");
    let mut wrong = Vec::new();
    for seed in 0..SEEDS {
        let dice: Dice = Arc::new(Mutex::new(ChaCha8Rng::seed_from_u64(seed)));
        let run = campaign::run_with(&row, seed, Schedule::none(), |world| late(world, dice));
        if run.outcome() != Some(Outcome::Pass) {
            let line = run.verdict.map(|verdict| verdict.line).unwrap_or_default();
            wrong.push(format!("late lists, seed {seed}: {line}"));
        }
        wrong.extend(run.wrong.iter().map(|what| format!("late lists, seed {seed}: {what}")));
    }
    println!("late lists: {SEEDS} runs, {} that did not pass\n", wrong.len());
    wrong
}

fn late(world: &World, dice: Dice) -> World {
    let client = world.client.clone();
    let service = tower::service_fn(move |request: Request<Body>| answer(client.clone(), dice.clone(), request));
    World { client: kube::Client::new(service, "default"), ..world.clone() }
}

async fn answer(client: kube::Client, dice: Dice, request: Request<Body>) -> Result<Response<Answer>, tower::BoxError> {
    let path = request.uri().path();
    let watch = request.uri().query().is_some_and(|query| query.contains("watch="));
    let list = request.method() == Method::GET && !watch && (path.ends_with("/pods") || path.ends_with("/nodes"));
    let response = client.send(request).await?;
    if list {
        let [before, after] = {
            let mut dice = dice.lock().unwrap_or_else(PoisonError::into_inner);
            [0, 1].map(|_| Duration::from_millis(dice.random_range(0..1500)))
        };
        tokio::time::sleep(before).await;
        stir(&client).await;
        tokio::time::sleep(after).await;
    }
    Ok(response.map(|body| body.map_err(tower::BoxError::from).boxed_unsync()))
}

/// A pod of a bystander ends and another one begins, and somebody writes a note on a node.
async fn stir(client: &kube::Client) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "shop");
    let bystanders = pods.list(&ListParams::default().labels("app=client")).await;
    for pod in bystanders.map(|list| list.items).unwrap_or_default() {
        // It may have ended by itself.
        let _ = pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0)).await;
    }
    let nodes: Api<Node> = Api::all(client.clone());
    for node in nodes.list(&ListParams::default()).await.map(|list| list.items).unwrap_or_default() {
        let stirred = json!({ "metadata": { "labels": { "stirred": node.resource_version() } } });
        // Its status may have been written meanwhile: a merge does not mind.
        let _ = nodes.patch(&node.name_any(), &PatchParams::default(), &Patch::Merge(&stirred)).await;
    }
}
