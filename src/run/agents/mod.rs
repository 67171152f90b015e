//! Driftproof's own pod inside the cluster, for as long as a run needs it: created through the journal, met, looked after,
//! replaced when it is lost, removed with everything else that the run created.

mod manifest;
mod present;
mod start;
mod tend;

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;

use crate::scenario::{DataCheck, Direction, FaultKind, NetworkPartition, Probe};

use super::RunError;
use super::context::Context;
use super::observe::{Group, PodState};

pub(super) use present::Present;
pub(super) use start::Created;
pub(super) use tend::Inside;

/// Creates the agent's pod when the scenario needs one here. Not to be abandoned halfway: a request that is under way could
/// be carried out after the pod was removed.
///
/// # Errors
/// When probes or clients should start in it and it cannot be created.
pub(super) async fn create(context: &Context) -> Result<Option<Created>, RunError> {
    // A cut between two groups is tried from pods of the groups.
    let from_everything = |kind: &FaultKind| matches!(kind, FaultKind::NetworkPartition(cut) if cut.from.is_none());
    let cuts = context.scenario.faults.iter().any(|fault| from_everything(&fault.kind));
    if wanted(context) || (cuts && context.world.agents.needed()) || alone(context) {
        return or_without(context, start::create(context, 1).await);
    }
    Ok(None)
}

/// Meets the agent once its pod runs.
///
/// # Errors
/// When probes or clients should start in it and it cannot be met.
pub(super) async fn meet(context: &Context, pod: Option<Created>) -> Result<Option<Inside>, RunError> {
    let Some(pod) = pod else { return Ok(None) };
    let met = or_without(context, start::meet(context, pod).await)?;
    Ok(met.map(|met| Inside::new(context, met)))
}

/// Whether pods are to be cut off from everything and no other pod is there that could be spoken to from them: without an
/// agent the way out could not be tried.
fn alone(context: &Context) -> bool {
    let cuts = context.scenario.faults.iter().filter_map(|fault| match &fault.kind {
        FaultKind::NetworkPartition(cut) if cut.from.is_none() && cut.direction != Direction::Ingress => Some(cut),
        _ => None,
    });
    let group = |cut: &NetworkPartition| Group::of(cut.pods.as_ref(), &context.scenario);
    cuts.map(group).any(|group| {
        context.board.look(|picture| {
            let cut: BTreeSet<&str> = picture.running(&group).iter().map(|state| state.seen.uid.as_str()).collect();
            let beside = |state: &&PodState| {
                state.running() && state.serves && !cut.contains(state.seen.uid.as_str()) && answers(&state.pod)
            };
            picture.pods.values().find(beside).is_none()
        })
    })
}

fn answers(pod: &Pod) -> bool {
    let host_network = pod.spec.as_ref().and_then(|spec| spec.host_network).unwrap_or_default();
    !host_network && !crate::plan::tcp_ports(pod).is_empty()
}

/// Whether probes or clients of stores are to start inside the cluster.
fn wanted(context: &Context) -> bool {
    let scenario = &context.scenario;
    scenario.probes.iter().any(Probe::from_cluster) || scenario.data.iter().any(DataCheck::from_cluster)
}

/// Canaries alone can do without an agent: their proof says what was not tried.
fn or_without<T>(context: &Context, result: Result<T, String>) -> Result<Option<T>, RunError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(reason) if wanted(context) => Err(RunError::Agent(reason)),
        Err(reason) => {
            context.recorder.gap(format!("nothing is tried from an agent inside the cluster: {reason}"), true);
            Ok(None)
        }
    }
}
