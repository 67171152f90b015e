//! `network-partition`: a NetworkPolicy cuts pods off. Proven by traffic that passed before, is blocked during and passes
//! again after; a network that accepts policies and ignores them is named as such. What could not be tried proves nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, PostParams};
use serde_json::Value;

use crate::evidence::{Connection, Proof, Undo};
use crate::plan::Step;

use super::super::context::Context;
use super::super::{calls, failsafe};
use super::canaries::{ANSWER, Established, Opened, Seen, Tried, look};
use super::{cni, partition_words as words};

/// Traffic that should pass or be blocked is tried for this long.
const PATIENCE: Duration = Duration::from_secs(10);
/// After healing, plugins get longer: nothing depends on how fast they forget.
const PATIENCE_HEAL: Duration = Duration::from_secs(30);
/// So long before its healing a cut is looked at once more: time for a new and for an established connection.
pub(in crate::run) const ENDING: Duration = Duration::from_secs(ANSWER.as_secs() * 4);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Creates the policies. One that is there already was left by an earlier try of this very step.
pub(super) async fn inject(context: &Context, step: &Step, policies: &[Value]) -> Result<(), String> {
    let mut switches = BTreeMap::new();
    if context.failsafe {
        for namespace in namespaces(policies) {
            switches.insert(namespace.clone(), failsafe::arm(context, &step.id, &namespace, step.hold).await?);
        }
    }
    for manifest in policies {
        let mut manifest = manifest.clone();
        if let Some(switch) = manifest["metadata"]["namespace"].as_str().and_then(|namespace| switches.get(namespace)) {
            failsafe::own(switch, &mut manifest);
        }
        let policy: NetworkPolicy =
            serde_json::from_value(manifest).map_err(|error| format!("the plan's NetworkPolicy: {error}"))?;
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

/// The namespaces of the policies.
pub(super) fn namespaces(policies: &[Value]) -> BTreeSet<String> {
    policies.iter().filter_map(|policy| policy["metadata"]["namespace"].as_str().map(str::to_owned)).collect()
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

/// Proven as soon as no canary that passed before gets through on a new connection any more, in each direction that was
/// asked for. What became of established connections is told by [`ending`].
pub(in crate::run) async fn prove(context: &Context, opened: &Opened) -> Proof {
    if opened.usable().is_empty() {
        return unproven(words::nothing_passed(opened), &[]);
    }
    let deadline = context.clock().elapsed() + PATIENCE;
    loop {
        let Some(tried) = look(context, opened, Established::Left).await else {
            return unproven("the pods of all canaries ended before the cut could be proven".to_owned(), &[]);
        };
        let new = words::passing(&tried);
        if new.is_empty() && each_way_blocked(opened, &tried) {
            return proof(opened, &tried);
        }
        if context.clock().elapsed() >= deadline {
            if new.is_empty() {
                let statement =
                    format!("no canary could be tried any more: {}", words::why_not(&tried, Connection::New));
                return unproven(statement, &tried);
            }
            let statement = format!(
                "the network accepts NetworkPolicies and does not enforce them: {} still passed {} after the policy was created; {}",
                new.join(", "),
                humantime::format_duration(PATIENCE),
                cni::believed(context).await
            );
            return unproven(statement, &tried);
        }
        context.clock().sleep(PAUSE).await;
    }
}

/// What a cut that was proven looks like shortly before it is healed: whether it still holds, and what became of the
/// connections that were open before. `None` when nothing can be tried any more.
pub(in crate::run) async fn ending(context: &Context, opened: &Opened) -> Option<Proof> {
    let tried = look(context, opened, Established::Tried).await?;
    let new = words::passing(&tried);
    if new.is_empty() {
        return Some(proof(opened, &tried));
    }
    let statement = format!("it did not hold until it was healed: {} passed again before", new.join(", "));
    Some(unproven(statement, &tried))
}

/// Proven, unless a direction that was asked for could not be tried.
fn proof(opened: &Opened, tried: &[Tried]) -> Proof {
    let proven = words::untried(opened).is_empty();
    Proof { proven, statement: words::blocked(opened, tried), canaries: words::results(tried) }
}

/// Whether something was seen to be blocked in each direction that can be tried, and in one at least.
fn each_way_blocked(opened: &Opened, tried: &[Tried]) -> bool {
    let blocked = |direction| {
        let new = tried.iter().filter(|one| one.connection == Connection::New && one.direction == direction);
        new.clone().any(|one| one.seen == Seen::Blocked)
    };
    let usable = opened.usable();
    let mut ways = words::wanted(opened).iter().filter(|(way, _)| usable.iter().any(|line| line.direction == *way));
    ways.clone().count() > 0 && ways.all(|(way, _)| blocked(*way))
}

fn unproven(statement: String, tried: &[Tried]) -> Proof {
    Proof { proven: false, statement, canaries: words::results(tried) }
}

fn paths(tried: &[Tried], connection: Connection, seen: impl Fn(&Seen) -> bool) -> Vec<String> {
    let such = |one: &&Tried| one.connection == connection && seen(&one.seen);
    tried.iter().filter(such).map(|one| one.path.clone()).collect()
}

/// Proven when every canary that passed before passes again, on a new connection.
pub(in crate::run) async fn prove_healed(context: &Context, opened: &Opened) -> Proof {
    let deadline = context.clock().elapsed() + PATIENCE_HEAL;
    loop {
        // An established connection that was reset by the cut does not come back, and need not.
        let Some(tried) = look(context, opened, Established::Left).await else {
            let statement = "the policies are gone; no canary is left to try".to_owned();
            return Proof { proven: true, statement, canaries: Vec::new() };
        };
        let blocked = paths(&tried, Connection::New, |seen| *seen != Seen::Passes);
        if blocked.is_empty() {
            let all = paths(&tried, Connection::New, |_| true);
            let statement = format!("passes again: {}", all.join(", "));
            return Proof { proven: true, statement, canaries: words::results(&tried) };
        }
        if context.clock().elapsed() >= deadline {
            let limit = humantime::format_duration(PATIENCE_HEAL);
            let unknown = words::why_not(&tried, Connection::New);
            let unknown = if unknown.is_empty() { unknown } else { format!("; could not be tried: {unknown}") };
            let blocked = paths(&tried, Connection::New, |seen| *seen == Seen::Blocked).join(", ");
            let statement = format!("not seen to pass {limit} after the policies were deleted: {blocked}{unknown}");
            return unproven(statement, &tried);
        }
        context.clock().sleep(PAUSE).await;
    }
}
