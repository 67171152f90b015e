//! Driftproof's own pod inside the cluster, for as long as a run needs it: created through the journal, met, looked after,
//! replaced when it is lost, removed with everything else that the run created.

mod manifest;
mod start;
mod tend;

use crate::evidence::Undo;
use crate::scenario::{FaultKind, Probe};

use super::RunError;
use super::context::Context;

pub(super) use tend::Inside;

/// Starts the agent when the scenario needs one here, and pushes how it is removed onto `created`.
///
/// # Errors
/// When probes should start in it and it cannot be had. Canaries alone can do without: their proof says what was not tried.
pub(super) async fn start(context: &Context, created: &mut Vec<Undo>) -> Result<Option<Inside>, RunError> {
    let scenario = &context.scenario;
    let probes = scenario.probes.iter().any(Probe::from_cluster);
    let cuts = scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::NetworkPartition(_)));
    if !probes && !(cuts && context.world.agents.needed()) {
        return Ok(None);
    }
    match start::start(context, 1, created).await {
        Ok(met) => Ok(Some(Inside::new(context, met))),
        Err(reason) if probes => Err(RunError::Agent(reason)),
        Err(reason) => {
            context.recorder.gap(format!("nothing is tried from an agent inside the cluster: {reason}"), true);
            Ok(None)
        }
    }
}
