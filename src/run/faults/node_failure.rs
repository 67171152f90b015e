//! `node-failure`: machines fail without a word. Proven by what the cluster itself says of its nodes.

use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::evidence::{Proof, WorldName, some};
use crate::plan::NodeTarget;
use crate::scenario::{CommandPair, FailureMode};

use super::super::calls;
use super::super::context::Context;
use super::super::observe::Picture;
use super::super::undo::Failure;
use super::super::wait::within;
use super::{FAILED_BY, Release};

/// A node must be declared lost within this time. The default `--node-monitor-grace-period` is 50 s; clusters that raise
/// it rarely go beyond two minutes.
const LOST_LIMIT: Duration = Duration::from_secs(180);
/// A machine must be back within this time: a real one boots.
const BACK_LIMIT: Duration = Duration::from_secs(300);

/// Makes all nodes fail at once. A stop ends it where it is: what was done is taken back by the undo, which knows all nodes.
pub(super) async fn inject(
    context: &Context,
    step: &str,
    nodes: &[NodeTarget],
    mode: FailureMode,
    command: Option<&CommandPair>,
    release: &mut Release,
) -> Result<(), String> {
    let command = command.filter(|_| context.allow_commands);
    let machines = &context.world.machines;
    let failing = nodes.iter().map(|node| async move {
        mark(context, step, &node.name).await?;
        let failed = machines.fail(&node.name, &node.ip, mode, command).await;
        failed.map_err(|reason| format!("let node {} fail: {reason}", node.name))
    });
    let ended = tokio::select! {
        biased;
        () = release.asked() => return Err("the run was stopped before all nodes had failed".to_owned()),
        ended = futures::future::join_all(failing) => ended,
    };
    let failures: Vec<String> = ended.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// Says on the Node whose failure comes, so that whoever brings machines back from elsewhere need not believe a record. Written
/// on live clusters alone: a simulated machine ends with its run.
async fn mark(context: &Context, step: &str, node: &str) -> Result<(), String> {
    if context.world.name == WorldName::Embedded {
        return Ok(());
    }
    let what = format!("write onto node {node} that its failure is ours");
    let api: Api<Node> = Api::all(context.client());
    let patch = json!({ "metadata": { "annotations": { FAILED_BY: format!("{}/{step}", context.run) } } });
    let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
    let patched = calls::patiently(context, &what, || api.patch(node, &params, &patch)).await;
    patched.map(drop).map_err(|error| format!("{what}: {}", calls::text(&error)))
}

/// Takes the mark of a failure from a node that is back, or gone. Idempotent.
///
/// # Errors
/// The API server's refusal.
pub(in crate::run) async fn unmark(context: &Context, node: &str) -> Result<(), Failure> {
    if context.world.name == WorldName::Embedded {
        return Ok(());
    }
    let api: Api<Node> = Api::all(context.client());
    let patch = Patch::Merge(json!({ "metadata": { "annotations": { FAILED_BY: null } } }));
    match calls::attempt(context.clock(), api.patch(node, &PatchParams::default(), &patch)).await {
        Ok(_) => Ok(()),
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err((&error).into()),
    }
}

/// Proven when every node's Ready condition is no longer True.
pub(super) async fn prove(context: &Context, nodes: &[NodeTarget]) -> Proof {
    let lost =
        |picture: &Picture, node: &NodeTarget| picture.nodes.get(&node.name).is_none_or(|seen| seen.ready != "True");
    let all = context.board.until(|picture| nodes.iter().all(|node| lost(picture, node)).then_some(()));
    let proven = within(context.clock(), LOST_LIMIT, all).await.is_some();
    let statement = if proven {
        format!("the cluster no longer takes its nodes for ready: {}", conditions(context, nodes))
    } else {
        let limit = humantime::format_duration(LOST_LIMIT);
        format!("the cluster still takes nodes for ready after {limit}: {}", conditions(context, nodes))
    };
    Proof { proven, statement, canaries: Vec::new() }
}

/// Proven when every node is Ready again.
pub(super) async fn prove_healed(context: &Context, nodes: &[NodeTarget]) -> Proof {
    let back =
        |picture: &Picture, node: &NodeTarget| picture.nodes.get(&node.name).is_some_and(|seen| seen.ready == "True");
    let all = context.board.until(|picture| nodes.iter().all(|node| back(picture, node)).then_some(()));
    let proven = within(context.clock(), BACK_LIMIT, all).await.is_some();
    let statement = if proven {
        format!("ready again: {}", conditions(context, nodes))
    } else {
        let limit = humantime::format_duration(BACK_LIMIT);
        format!("not ready {limit} after it was brought back: {}", conditions(context, nodes))
    };
    Proof { proven, statement, canaries: Vec::new() }
}

fn conditions(context: &Context, nodes: &[NodeTarget]) -> String {
    let line = |node: &NodeTarget| {
        context.board.look(|picture| match picture.nodes.get(&node.name) {
            Some(seen) => format!("{} has Ready={} ({})", node.name, seen.ready, seen.reason),
            None => format!("{} has no Node object", node.name),
        })
    };
    some(&nodes.iter().map(line).collect::<Vec<_>>(), 3)
}
