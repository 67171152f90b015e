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
use super::faults::{etcd_member, node_agent, node_taint};
use super::lock;

/// An undo that is refused is tried this often.
const ATTEMPTS: u32 = 6;
/// An API server that is away is waited for this long: nothing is worse than to leave a cluster dirty.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest pause between two attempts at what is refused.
const PAUSE_REFUSED: Duration = Duration::from_secs(16);
/// The longest pause while the API server is away: a fault holds on until it is asked again.
const PAUSE_AWAY: Duration = Duration::from_secs(4);
/// Deleted objects must be gone after this time.
const GONE_LIMIT: Duration = Duration::from_secs(120);

/// Why an attempt did not work.
#[derive(Debug)]
pub(super) enum Failure {
    /// The API server could not be asked, or was busy.
    Away(String),
    /// It was, and this is what it said.
    Refused(String),
}

impl From<&kube::Error> for Failure {
    fn from(error: &kube::Error) -> Self {
        if calls::is_away(error) || calls::throttled(error).is_some() {
            Self::Away(calls::text(error))
        } else {
            Self::Refused(calls::text(error))
        }
    }
}

/// Undoes one thing.
///
/// # Errors
/// What is left, and the command that removes it.
pub(super) async fn apply(context: &Context, undo: &Undo) -> Result<(), String> {
    let clock = context.clock();
    let begun = clock.elapsed();
    let (mut refused, mut away, mut pause) = (0, None, Duration::from_secs(1));
    let reason = loop {
        let reason = match once(context, undo).await {
            Ok(()) => {
                if let Some(reason) = away {
                    let waited = humantime::format_duration(Duration::from_secs(
                        clock.elapsed().saturating_sub(begun).as_secs(),
                    ));
                    let what = format!("{}: the API server was away ({reason}); done after {waited}", describe(undo));
                    context.recorder.gap(what, true);
                }
                return Ok(());
            }
            Err(Failure::Away(reason)) => {
                away.get_or_insert_with(|| reason.clone());
                reason
            }
            Err(Failure::Refused(reason)) => {
                refused += 1;
                reason
            }
        };
        // A server that has just come back may refuse everybody for a moment: then only the time counts.
        let enough = refused >= ATTEMPTS && away.is_none();
        if enough || clock.elapsed() + pause > begun + PATIENCE {
            break reason;
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(if away.is_some() { PAUSE_AWAY } else { PAUSE_REFUSED });
    };
    Err(format!("{}: {reason}; {}", describe(undo), by_hand(undo)))
}

async fn once(context: &Context, undo: &Undo) -> Result<(), Failure> {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            let api: Api<NetworkPolicy> = Api::namespaced(context.client(), namespace);
            delete(context, &api, name).await
        }
        Undo::Uncordon { node } => uncordon(context, node).await,
        Undo::RestoreNode { node, ip, mode, command } => {
            let command = command.as_deref().filter(|_| context.allow_commands);
            context.world.machines.restore(node, ip, *mode, command).await.map_err(Failure::Refused)
        }
        Undo::EndNodeAgent { namespace, job, timer_seconds, .. } => {
            node_agent::end(context, namespace, job, Duration::from_secs(*timer_seconds)).await
        }
        Undo::RemoveTaint { node, value, .. } => node_taint::remove(context, node, value).await,
        Undo::RestoreMember(replacement) => etcd_member::restore(context, replacement).await,
        // Of all that is created, a lock alone may be another run's under the same name.
        Undo::DeleteObject { kind, namespace, name, .. }
            if kind == "Lease"
                && lock::is_foreign(context, namespace, name).await.map_err(|error| Failure::from(&error))? =>
        {
            Ok(())
        }
        Undo::DeleteObject { api_version, kind, namespace, name } => {
            let api = super::fixtures::api(context.client(), api_version, kind, namespace);
            delete(context, &api, name).await
        }
    }
}

/// Deletes and waits until the object is gone. Absent from the start is as good.
pub(super) async fn delete<K>(context: &Context, api: &Api<K>, name: &str) -> Result<(), Failure>
where
    K: Clone + DeserializeOwned + Debug,
{
    match calls::attempt(context.clock(), api.delete(name, &DeleteParams::background())).await {
        Ok(_) => gone(context, api, name, GONE_LIMIT).await,
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err((&error).into()),
    }
}

/// Waits until nothing of this name is there. The pauses grow, so that the requests are few.
async fn gone<K>(context: &Context, api: &Api<K>, name: &str, limit: Duration) -> Result<(), Failure>
where
    K: Clone + DeserializeOwned + Debug,
{
    let clock = context.clock();
    let deadline = clock.elapsed() + limit;
    let mut pause = Duration::from_millis(100);
    loop {
        match calls::attempt(clock, api.get_opt(name)).await {
            Ok(None) => return Ok(()),
            Ok(Some(_)) if clock.elapsed() >= deadline => {
                let limit = humantime::format_duration(limit);
                return Err(Failure::Refused(format!("it is still there after {limit}")));
            }
            Ok(Some(_)) => {}
            Err(error) => return Err((&error).into()),
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

async fn uncordon(context: &Context, name: &str) -> Result<(), Failure> {
    let api: Api<Node> = Api::all(context.client());
    let patch = json!({
        "metadata": { "annotations": { super::faults::CORDONED_BY: null } },
        "spec": { "unschedulable": null },
    });
    match calls::attempt(context.clock(), api.patch(name, &PatchParams::default(), &Patch::Merge(&patch))).await {
        Ok(node) if crate::plan::is_cordoned(&node) => Err(Failure::Refused("it is still cordoned".to_owned())),
        Ok(_) => Ok(()),
        // A node that is no longer there needs no uncordon.
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) => Err((&error).into()),
    }
}

/// What the undo is about, for people.
pub(super) fn describe(undo: &Undo) -> String {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => format!("delete NetworkPolicy {namespace}/{name}"),
        Undo::Uncordon { node } => format!("uncordon node {node}"),
        Undo::RestoreNode { node, .. } | Undo::EndNodeAgent { node, .. } => format!("bring back node {node}"),
        Undo::RemoveTaint { node, key, .. } => format!("remove the taint {key} from node {node}"),
        Undo::RestoreMember(of) => format!("give etcd {}/{} the member {} back", of.namespace, of.stateful_set, of.pod),
        Undo::DeleteObject { kind, namespace, name, .. } if namespace.is_empty() => format!("delete {kind} {name}"),
        Undo::DeleteObject { kind, namespace, name, .. } => format!("delete {kind} {namespace}/{name}"),
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
        Undo::EndNodeAgent { node, namespace, job, timer_seconds, .. } => {
            let timer = humantime::format_duration(Duration::from_secs(*timer_seconds));
            format!(
                "{node} heals itself at the latest {timer} after the injection; then run: kubectl --namespace {namespace} delete job {job}"
            )
        }
        Undo::RemoveTaint { node, key, value } => {
            format!("run: kubectl taint node {node} {key}={value}:{}-", crate::plan::TAINT_EFFECT)
        }
        Undo::RestoreMember(of) => format!(
            "look at `etcdctl member list` in a pod of statefulset {}/{}, whose ordinals were {} from {}; then: driftproof undo --context CONTEXT",
            of.namespace, of.stateful_set, of.ordinals.replicas, of.ordinals.start
        ),
        Undo::DeleteObject { kind, namespace, name, .. } if namespace.is_empty() => {
            format!("run: kubectl delete {} {name}", kind.to_lowercase())
        }
        Undo::DeleteObject { kind, namespace, name, .. } => {
            format!("run: kubectl --namespace {namespace} delete {} {name}", kind.to_lowercase())
        }
    }
}
