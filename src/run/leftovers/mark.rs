//! Whether an object is this run's. A record on a cluster can be written by others: only what carries the run's own mark
//! is taken back.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject};
use serde_json::Value;

use crate::evidence::{Undo, WorldName};
use crate::plan::{self, RUN, TAINT_KEY};

use super::super::context::Context;
use super::super::faults::{CORDONED_BY, etcd_member};
use super::super::{calls, fixtures};
use super::Left;

/// A kubelet renews its lease every 10 s by default: looked at this often, at this distance.
const RENEWALS: u32 = 8;
const RENEWAL: Duration = Duration::from_secs(5);

/// Whose it is.
pub(super) enum Mark {
    Ours,
    Absent,
    Foreign(String),
}

/// Looks at the object of an undo.
///
/// # Errors
/// Why it cannot be looked at.
pub(super) async fn of(context: &Context, undo: &Undo, left: &Left) -> Result<Mark, String> {
    match undo {
        Undo::DeleteNetworkPolicy { namespace, name } => {
            object(context, "networking.k8s.io/v1", "NetworkPolicy", (namespace, name), left).await
        }
        Undo::EndNodeAgent { namespace, job, .. } => object(context, "batch/v1", "Job", (namespace, job), left).await,
        Undo::DeleteObject { api_version, kind, namespace, name } => {
            object(context, api_version, kind, (namespace, name), left).await
        }
        Undo::RestoreMember(replacement) => {
            let by = etcd_member::marked(context, replacement).await?.unwrap_or_default();
            Ok(match by.split('/').next() {
                None | Some("") => Mark::Absent,
                Some(run) if run == left.run => Mark::Ours,
                Some(_) => Mark::Foreign(format!("its member is replaced by {by}")),
            })
        }
        Undo::Uncordon { node } => Ok(match self::node(context, node).await? {
            None => Mark::Absent,
            Some(node) => match node.annotations().get(CORDONED_BY) {
                Some(by) if by.split('/').next() == Some(&left.run) => Mark::Ours,
                Some(by) => Mark::Foreign(format!("it was cordoned by {by}")),
                None => Mark::Absent,
            },
        }),
        Undo::RemoveTaint { node, value, .. } => Ok(match self::node(context, node).await? {
            None => Mark::Absent,
            Some(node) => {
                let taints = node.spec.unwrap_or_default().taints.unwrap_or_default();
                let ours = |taint: &k8s_openapi::api::core::v1::Taint| {
                    taint.key == TAINT_KEY && taint.value.as_ref() == Some(value)
                };
                if taints.iter().any(ours) { Mark::Ours } else { Mark::Absent }
            }
        }),
        // A simulated machine, or a command that a person has typed: done again, it does no harm.
        Undo::RestoreNode { .. } if context.allow_commands || context.world.name == WorldName::Embedded => {
            Ok(Mark::Ours)
        }
        Undo::RestoreNode { node, .. } => {
            let alive = is_alive(context, node).await?;
            Ok(if alive { Mark::Absent } else { Mark::Ours })
        }
    }
}

async fn node(context: &Context, name: &str) -> Result<Option<Node>, String> {
    let api: Api<Node> = Api::all(context.client());
    calls::patiently(context, "get a node", || api.get_opt(name)).await.map_err(|error| calls::text(&error))
}

/// Whether a node is gone, or its kubelet still renews its lease. Its condition would say so only much later.
async fn is_alive(context: &Context, name: &str) -> Result<bool, String> {
    if node(context, name).await?.is_none() {
        return Ok(true);
    }
    let api: Api<Lease> = Api::namespaced(context.client(), "kube-node-lease");
    let renewed = async || {
        let lease = calls::patiently(context, "get a node's lease", || api.get(name)).await;
        let lease = lease.map_err(|error| format!("lease kube-node-lease/{name}: {}", calls::text(&error)))?;
        Ok::<_, String>(lease.spec.and_then(|spec| spec.renew_time))
    };
    let before = renewed().await?;
    for _ in 0..RENEWALS {
        context.clock().sleep(RENEWAL).await;
        if renewed().await? != before {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn object(
    context: &Context,
    api_version: &str,
    kind: &str,
    (namespace, name): (&str, &str),
    left: &Left,
) -> Result<Mark, String> {
    let api = fixtures::api(context.client(), api_version, kind, namespace);
    let found = calls::patiently(context, "get an object", || api.get_opt(name)).await;
    let Some(found) = found.map_err(|error| calls::text(&error))? else { return Ok(Mark::Absent) };
    let ours = plan::label(&left.run);
    let marks = [found.labels().get(RUN), found.annotations().get(RUN)];
    if marks.into_iter().flatten().any(|mark| *mark == ours || *mark == left.run) {
        return Ok(Mark::Ours);
    }
    // A StatefulSet's controller makes its claims, and knows nothing of runs.
    if kind == "PersistentVolumeClaim" && is_younger(&found, &left.since) {
        return Ok(Mark::Ours);
    }
    let other = marks.into_iter().flatten().next();
    Ok(Mark::Foreign(
        other.map_or_else(
            || "it carries no mark of driftproof".to_owned(),
            |other| format!("it belongs to run {other}"),
        ),
    ))
}

fn is_younger(object: &DynamicObject, since: &str) -> bool {
    let made = object.metadata.creation_timestamp.as_ref().map(|made| made.0);
    matches!((made, since.parse::<Timestamp>()), (Some(made), Ok(since)) if made >= since)
}

/// The run that a value of ours names: `RUN/STEP` of a cordon, `RUN.STEP` of a taint.
pub(super) fn run_of(value: &Value, separator: char) -> Option<String> {
    let run = value.as_str()?.split(separator).next()?;
    (!run.is_empty()).then(|| run.to_owned())
}
