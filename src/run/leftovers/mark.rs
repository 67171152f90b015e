//! Whether an object is this run's. A record on a cluster can be written by others: only what carries the run's own mark
//! is taken back.

use std::net::IpAddr;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use kube::api::Api;
use serde_json::{Value, json};

use crate::evidence::{Undo, WorldName};
use crate::plan::{self, RUN, TAINT_KEY};

use super::super::context::Context;
use super::super::faults::{CORDONED_BY, FAILED_BY, etcd_member};
use super::super::{calls, fixtures};
use super::Left;

/// A kubelet renews its lease every 10 s by default: looked at this often, at this distance.
const RENEWALS: u32 = 8;
const RENEWAL: Duration = Duration::from_secs(5);

/// Whose it is.
pub(super) enum Mark {
    /// The run's: the object of this UID, where there is one that is deleted.
    Ours(Option<String>),
    /// This node was made fail by the run and is back: only the mark is left.
    Back(String),
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
                Some(run) if run == left.run => Mark::Ours(None),
                Some(_) => Mark::Foreign(format!("its member is replaced by {by}")),
            })
        }
        Undo::Uncordon { node } => {
            let node = self::node(context, node).await?;
            Ok(node.map_or(Mark::Absent, |node| annotated(&node, CORDONED_BY, "it was cordoned by", left)))
        }
        // Another run's taint is not this one's to take, whatever this one's record says.
        Undo::RemoveTaint { value, .. } if run_of(&json!(value), '.').as_ref() != Some(&plan::label(&left.run)) => {
            Ok(Mark::Foreign(format!("its value {} is of another run", value.escape_debug())))
        }
        Undo::RemoveTaint { node, value, .. } => Ok(match self::node(context, node).await? {
            None => Mark::Absent,
            Some(node) => {
                let taints = node.spec.unwrap_or_default().taints.unwrap_or_default();
                let ours = |taint: &k8s_openapi::api::core::v1::Taint| {
                    taint.key == TAINT_KEY && taint.value.as_ref() == Some(value)
                };
                if taints.iter().any(ours) { Mark::Ours(None) } else { Mark::Absent }
            }
        }),
        // A simulated machine: done again, it does no harm.
        Undo::RestoreNode { .. } if context.world.name == WorldName::Embedded => Ok(Mark::Ours(None)),
        Undo::RestoreNode { node, .. } => {
            let Some(found) = self::node(context, node).await? else { return Ok(Mark::Absent) };
            match annotated(&found, FAILED_BY, "it was made fail by", left) {
                // A command that a person has typed is for machines that are away.
                Mark::Ours(_) if is_alive(context, node).await? => Ok(Mark::Back(node.clone())),
                mark => Ok(mark),
            }
        }
    }
}

/// By the annotation `RUN/STEP` of a node.
fn annotated(node: &Node, key: &str, done: &str, left: &Left) -> Mark {
    match node.annotations().get(key) {
        Some(by) if by.split('/').next().is_some_and(|run| plan::label(run) == plan::label(&left.run)) => {
            Mark::Ours(None)
        }
        Some(by) => Mark::Foreign(format!("{done} {}", by.escape_debug())),
        None => Mark::Absent,
    }
}

/// Where a node is reached, by its own word; empty when it says nothing.
///
/// # Errors
/// Why it cannot be looked at.
pub(super) async fn address(context: &Context, name: &str) -> Result<String, String> {
    let ip = node(context, name).await?.map(|node| plan::node_target(&node).ip);
    Ok(ip.filter(|ip| ip.parse::<IpAddr>().is_ok()).unwrap_or_default())
}

async fn node(context: &Context, name: &str) -> Result<Option<Node>, String> {
    let api: Api<Node> = Api::all(context.client());
    calls::patiently(context, "get a node", || api.get_opt(name)).await.map_err(|error| calls::text(&error))
}

/// Whether a node's kubelet still renews its lease. Its condition would say so only much later.
async fn is_alive(context: &Context, name: &str) -> Result<bool, String> {
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
        return Ok(Mark::Ours(found.metadata.uid));
    }
    let other = marks.into_iter().flatten().next();
    Ok(Mark::Foreign(other.map_or_else(
        || "it carries no mark of driftproof".to_owned(),
        |other| format!("it belongs to run {}", other.escape_debug()),
    )))
}

/// The run that a value of ours names: `RUN/STEP` of a cordon, `RUN.STEP` of a taint.
pub(super) fn run_of(value: &Value, separator: char) -> Option<String> {
    let run = value.as_str()?.split(separator).next()?;
    (!run.is_empty()).then(|| run.to_owned())
}
