//! Takes back what was done, from data alone. Idempotent, and verified where the API can tell; tried again until a
//! limit, since giving up leaves a cluster dirty.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::evidence::Undo;

use super::calls;
use super::context::Context;

/// An undo is tried this often.
const ATTEMPTS: u32 = 6;
/// Deleted objects must be gone after this time.
const GONE_LIMIT: Duration = Duration::from_secs(120);

/// Undoes one thing.
///
/// # Errors
/// What is left, and the command that removes it.
pub(super) async fn apply(context: &Context, undo: &Undo) -> Result<(), String> {
    let mut failure = String::new();
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            context.clock().sleep(Duration::from_secs(1 << (attempt - 1))).await;
        }
        match once(context, undo).await {
            Ok(()) => return Ok(()),
            Err(reason) => failure = reason,
        }
    }
    Err(format!("{}: {failure}; {}", describe(undo), by_hand(undo)))
}

async fn once(context: &Context, undo: &Undo) -> Result<(), String> {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            let api: Api<NetworkPolicy> = Api::namespaced(context.client(), namespace);
            delete(context, &api, name).await
        }
        Undo::Uncordon { node } => uncordon(context, node).await,
        Undo::RestoreNode { node, ip, mode, command } => {
            let command = command.as_deref().filter(|_| context.allow_commands);
            context.world.machines.restore(node, ip, *mode, command).await
        }
        Undo::DeleteFixture { api_version, kind, namespace, name } => {
            let api = super::fixtures::api(context.client(), api_version, kind, namespace);
            delete(context, &api, name).await
        }
    }
}

/// Deletes and waits until the object is gone. Absent from the start is as good.
async fn delete<K>(context: &Context, api: &Api<K>, name: &str) -> Result<(), String>
where
    K: Clone + DeserializeOwned + Debug,
{
    match api.delete(name, &DeleteParams::background()).await {
        Ok(_) => gone(context, api, name, GONE_LIMIT).await,
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err(calls::text(&error)),
    }
}

/// Waits until nothing of this name is there. The pauses grow, so that the requests are few.
async fn gone<K>(context: &Context, api: &Api<K>, name: &str, limit: Duration) -> Result<(), String>
where
    K: Clone + DeserializeOwned + Debug,
{
    let clock = context.clock();
    let deadline = clock.elapsed() + limit;
    let mut pause = Duration::from_millis(100);
    loop {
        match api.get_opt(name).await {
            Ok(None) => return Ok(()),
            Ok(Some(_)) if clock.elapsed() >= deadline => {
                return Err(format!("it is still there after {}", humantime::format_duration(limit)));
            }
            Ok(Some(_)) => {}
            Err(error) => return Err(calls::text(&error)),
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

async fn uncordon(context: &Context, name: &str) -> Result<(), String> {
    let api: Api<Node> = Api::all(context.client());
    let patch = json!({
        "metadata": { "annotations": { super::faults::CORDONED_BY: null } },
        "spec": { "unschedulable": null },
    });
    match api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
        Ok(node) if crate::plan::is_cordoned(&node) => Err("it is still cordoned".to_owned()),
        Ok(_) => Ok(()),
        // A node that is no longer there needs no uncordon.
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err(calls::text(&error)),
    }
}

/// What the undo is about, for people.
pub(super) fn describe(undo: &Undo) -> String {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => format!("delete NetworkPolicy {namespace}/{name}"),
        Undo::Uncordon { node } => format!("uncordon node {node}"),
        Undo::RestoreNode { node, .. } => format!("bring back node {node}"),
        Undo::DeleteFixture { kind, namespace, name, .. } if namespace.is_empty() => format!("delete {kind} {name}"),
        Undo::DeleteFixture { kind, namespace, name, .. } => format!("delete {kind} {namespace}/{name}"),
    }
}

/// What a person would do instead.
pub(super) fn by_hand(undo: &Undo) -> String {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            format!("run: kubectl --namespace {namespace} delete networkpolicy {name}")
        }
        Undo::Uncordon { node } => format!("run: kubectl uncordon {node}"),
        Undo::RestoreNode { node, command: Some(command), .. } => {
            format!("run for {node}: {command}")
        }
        Undo::RestoreNode { node, command: None, .. } => format!("start the machine of {node} by hand"),
        Undo::DeleteFixture { kind, namespace, name, .. } if namespace.is_empty() => {
            format!("run: kubectl delete {} {name}", kind.to_lowercase())
        }
        Undo::DeleteFixture { kind, namespace, name, .. } => {
            format!("run: kubectl --namespace {namespace} delete {} {name}", kind.to_lowercase())
        }
    }
}
