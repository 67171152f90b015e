//! Whether this world can do what the scenario asks for, before anything is touched. Rights are `rights`' business.

use crate::scenario::FaultKind;

use super::RunError;
use super::context::Context;

/// Checks that the nodes which faults need can be made to fail here.
///
/// # Errors
/// The first fault for which they cannot.
pub(super) fn machines(context: &Context) -> Result<(), RunError> {
    for fault in &context.scenario.faults {
        if let FaultKind::NodeFailure(failure) = &fault.kind {
            let means = context.world.machines.means(failure.mode, failure.command.as_ref());
            means.map_err(|reason| RunError::NotAllowed(format!("node-failure: {reason}")))?;
        }
    }
    Ok(())
}

/// Checks that probes can start where the scenario wants them to.
///
/// # Errors
/// The first probe that cannot.
pub(super) fn vantages(context: &Context) -> Result<(), RunError> {
    let foreign = context.scenario.probes.iter().find(|probe| probe.from_pods().is_some());
    match foreign.filter(|_| context.world.agents.needed()) {
        None => Ok(()),
        Some(probe) => Err(RunError::NotAllowed(format!(
            "probe {}: on a live cluster nothing probes from pods of somebody else; from = \"cluster\" probes from a pod that is started for the run",
            probe.name
        ))),
    }
}
