//! `node-failure` with `mode = "taint"`: a NoExecute taint of our own on the nodes, for clusters where nothing else is
//! allowed. The node's condition does not change: proven only by the pods of the target that are driven out.

use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::evidence::{Proof, Undo, some};
use crate::plan::{NodeTarget, PodTarget, TAINT_EFFECT, TAINT_KEY, pod_target, stays, taint_value};

use super::super::context::Context;
use super::super::undo::Failure;
use super::super::wait::within;
use super::super::{calls, fixtures};

/// The taint eviction controller acts within a second; a large cluster is slower.
const EVICTED_LIMIT: Duration = Duration::from_secs(60);
/// A taint that was taken back must be seen to be gone within this time.
const REMOVED_LIMIT: Duration = Duration::from_secs(30);
/// A node's object changes often: so many conflicts are borne with.
const CONFLICTS: u32 = 10;

/// A pod of the target on a node that is to be tainted.
pub(in crate::run) struct Tenant {
    pod: PodTarget,
    /// How long it may stay; for ever when absent.
    stays: Option<Duration>,
}

/// The target's pods on these nodes, before anything is done.
pub(super) fn tenants(context: &Context, nodes: &[NodeTarget], step: &str) -> Vec<Tenant> {
    let value = taint_value(&context.run, step);
    context.board.look(|picture| {
        let here = picture
            .target_pods()
            .filter(|state| !state.terminating() && nodes.iter().any(|node| node.name == state.seen.node));
        here.map(|state| Tenant { pod: pod_target(&state.pod), stays: stays(&state.pod, &value) }).collect()
    })
}

/// How the taints are undone.
pub(super) fn undo(context: &Context, nodes: &[NodeTarget], step: &str) -> Vec<Undo> {
    let taint = |node: &NodeTarget| Undo::RemoveTaint {
        node: node.name.clone(),
        key: TAINT_KEY.to_owned(),
        value: taint_value(&context.run, step),
    };
    nodes.iter().map(taint).collect()
}

/// Taints every node; goes on after a failure, so that as much as possible of the fault takes place.
pub(super) async fn inject(context: &Context, nodes: &[NodeTarget], step: &str) -> Result<(), String> {
    let value = taint_value(&context.run, step);
    let mut failures = Vec::new();
    for node in nodes {
        let what = format!("taint node {}", node.name);
        match change(context, &node.name, &what, |taints| add(taints, &value)).await {
            Ok(_) => {}
            Err(Failure::Away(reason) | Failure::Refused(reason)) => failures.push(format!("{what}: {reason}")),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

/// Takes our taint back, and no other; idempotent.
pub(in crate::run) async fn remove(context: &Context, node: &str, value: &str) -> Result<(), Failure> {
    let what = format!("take the taint from node {node}");
    let ours = |taint: &Value| taint["key"] == TAINT_KEY && taint["value"] == value;
    let left = change(context, node, &what, |taints| {
        let rest: Vec<Value> = taints.iter().filter(|taint| !ours(taint)).cloned().collect();
        Ok((rest.len() < taints.len()).then_some(rest))
    })
    .await?;
    if left.iter().any(ours) {
        return Err(Failure::Refused("the taint is still there".to_owned()));
    }
    Ok(())
}

/// The taints with ours; nothing to do when it is there already.
fn add(taints: &[Value], value: &str) -> Result<Option<Vec<Value>>, String> {
    match taints.iter().find(|taint| taint["key"] == TAINT_KEY && taint["effect"] == TAINT_EFFECT) {
        Some(taint) if taint["value"] == value => Ok(None),
        Some(taint) => Err(format!("another run has tainted it ({TAINT_KEY}={})", taint["value"])),
        None => {
            let ours = json!({ "key": TAINT_KEY, "value": value, "effect": TAINT_EFFECT });
            Ok(Some(taints.iter().cloned().chain([ours]).collect()))
        }
    }
}

/// Changes a node's taints, of which the API server only takes the whole list; returns the list that it then has.
async fn change(
    context: &Context,
    node: &str,
    what: &str,
    new: impl Fn(&[Value]) -> Result<Option<Vec<Value>>, String>,
) -> Result<Vec<Value>, Failure> {
    let api: Api<DynamicObject> = fixtures::api(context.client(), "v1", "Node", "");
    let mut conflicts = 0;
    loop {
        let found = match calls::patiently(context, what, || api.get_opt(node)).await {
            Ok(Some(found)) => found,
            // A node that is no longer there has no taints.
            Ok(None) => return Ok(Vec::new()),
            Err(error) => return Err((&error).into()),
        };
        let taints = taints(&found);
        let Some(wanted) = new(&taints).map_err(Failure::Refused)? else { return Ok(taints) };
        // The version makes the API server refuse when somebody else changes the list in between.
        let patch =
            json!({ "metadata": { "resourceVersion": found.metadata.resource_version }, "spec": { "taints": wanted } });
        let (params, patch) = (PatchParams::default(), Patch::Merge(&patch));
        match calls::patiently(context, what, || api.patch(node, &params, &patch)).await {
            Ok(now) => return Ok(self::taints(&now)),
            Err(error) if calls::status(&error).is_some_and(|status| status.code == 409) && conflicts < CONFLICTS => {
                conflicts += 1;
            }
            Err(error) => return Err((&error).into()),
        }
    }
}

fn taints(node: &DynamicObject) -> Vec<Value> {
    node.data.pointer("/spec/taints").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Proven when every pod of the target that does not tolerate the taint for ever is gone from its node, or is on its way.
pub(super) async fn prove(context: &Context, tenants: &[Tenant]) -> Proof {
    let meant: Vec<&Tenant> = tenants.iter().filter(|tenant| tenant.stays.is_some()).collect();
    let unproven = |statement: String| Proof { proven: false, statement, canaries: Vec::new() };
    if meant.is_empty() {
        let why =
            if tenants.is_empty() { "no pod of the target was on the node" } else { "every pod there tolerates it" };
        return unproven(format!("the taint {TAINT_KEY} drove out nothing: {why}"));
    }
    let longest = meant.iter().filter_map(|tenant| tenant.stays).max().unwrap_or_default();
    let limit = longest.saturating_add(EVICTED_LIMIT);
    let stays = |tenant: &Tenant| {
        context.board.look(|picture| picture.pods.get(&tenant.pod.uid).is_some_and(|state| !state.terminating()))
    };
    let all = context.board.until(|picture| {
        let out = |tenant: &&Tenant| {
            picture.pods.get(&tenant.pod.uid).is_none_or(super::super::observe::PodState::terminating)
        };
        meant.iter().all(out).then_some(())
    });
    let proven = within(context.clock(), limit, all).await.is_some();
    let name = |tenant: &&Tenant| format!("{} on {}", tenant.pod, tenant.pod.node);
    if proven {
        let names: Vec<String> = meant.iter().map(name).collect();
        return Proof { proven, statement: format!("driven out: {}", some(&names, 3)), canaries: Vec::new() };
    }
    let left: Vec<String> = meant.iter().filter(|tenant| stays(tenant)).map(name).collect();
    unproven(format!("not driven out within {}: {}", humantime::format_duration(limit), some(&left, 3)))
}

/// Proven when the watch shows the nodes without our taint.
pub(super) async fn prove_healed(context: &Context, nodes: &[NodeTarget]) -> Proof {
    let tainted = |picture: &super::super::observe::Picture| -> Vec<String> {
        let ours = |name: &str| {
            picture.nodes.get(name).is_some_and(|node| node.taints.iter().any(|taint| taint.starts_with(TAINT_KEY)))
        };
        nodes.iter().filter(|node| ours(&node.name)).map(|node| node.name.clone()).collect()
    };
    let clean = context.board.until(|picture| tainted(picture).is_empty().then_some(()));
    let proven = within(context.clock(), REMOVED_LIMIT, clean).await.is_some();
    let statement = if proven {
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        format!("no longer tainted: {}", some(&names, 6))
    } else {
        format!("still tainted: {}", some(&context.board.look(tainted), 6))
    };
    Proof { proven, statement, canaries: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_taint_is_added_and_only_once() {
        let other = json!({ "key": "dedicated", "value": "gpu", "effect": "NoSchedule" });
        let both = add(std::slice::from_ref(&other), "r.1").unwrap().unwrap();
        assert_eq!(both, [other, json!({ "key": TAINT_KEY, "value": "r.1", "effect": "NoExecute" })]);
        assert_eq!(add(&both, "r.1"), Ok(None));
        assert!(add(&both, "r.2").unwrap_err().contains("another run"));
    }
}
