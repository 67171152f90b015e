//! Whether this world can do what the scenario asks for, before anything is touched. Rights are `rights`' business.

use k8s_openapi::api::networking::v1::NetworkPolicy;
use kube::api::{Api, ListParams};

use crate::plan::{self, MANAGED_BY, MANAGER};
use crate::scenario::FaultKind;

use super::context::Context;
use super::{Job, RunError, calls, data};
use crate::evidence::{Log, Memory};
use crate::world::World;

/// Whether this world can do what the job asks for, as far as that is known without touching anything.
///
/// # Errors
/// The first thing that it cannot.
pub fn feasible(world: &World, job: &Job) -> Result<(), RunError> {
    let (progress, _) = tokio::sync::mpsc::unbounded_channel();
    let context = Context::new(world, job, Log::new(Box::new(Memory::default())), progress);
    machines(&context)?;
    vantages(&context)?;
    data::reachable(&context)
}

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

/// Checks that no partition of another run is still there: the target would never get steady behind it, and a second one
/// would prove nothing.
///
/// # Errors
/// [`RunError::Busy`] with the policy, and how it goes away.
pub(super) async fn partitions(context: &Context) -> Result<(), RunError> {
    if !context.scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::NetworkPartition(_))) {
        return Ok(());
    }
    let namespace = &context.scenario.target.namespace;
    let what = format!("list the partitions in {namespace}");
    let api: Api<NetworkPolicy> = Api::namespaced(context.client(), namespace);
    let params = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let found = calls::patiently(context, &what, || api.list(&params)).await;
    let found = found.map_err(|error| RunError::Cluster(format!("{what}: {}", calls::text(&error))))?;
    plan::left_over(&context.run, &found.items).map_or(Ok(()), |message| Err(RunError::Busy(message)))
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
