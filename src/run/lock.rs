//! One run at a time on a target: a Lease in its namespace, held for as long as the run can take. A run that was killed
//! leaves it behind; it is taken over when its time is up.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::ResourceExt;
use kube::api::{Api, ListParams, PostParams};

use crate::evidence::{Undo, shell_word};
use crate::plan::{MANAGED_BY, MANAGER, RUN};
use crate::scenario::{FaultKind, Scenario, Target};

use super::context::Context;
use super::{RunError, calls, stages};

/// For what no scenario states: proofs, drains that end late, the end of fixtures.
const MARGIN: Duration = Duration::from_secs(900);

/// The annotation with the target of the run that holds a lock.
const TARGET: &str = "driftproof.dev/target";

/// Takes the lock. How it is released is in the ledger before; a lock that turns out to be of another run is left alone.
///
/// # Errors
/// [`RunError::Busy`] while another run holds it.
pub(super) async fn acquire(context: &Context) -> Result<(), RunError> {
    let namespace = &context.scenario.target.namespace;
    let name = name(&context.scenario);
    let failed = |error: &kube::Error| RunError::Cluster(format!("lock {namespace}/{name}: {}", calls::text(error)));
    let api: Api<Lease> = Api::namespaced(context.client(), namespace);
    let now = now(context);
    let mut lease = lease(context, &name, now);
    let what = format!("lock {namespace}/{name}");
    let locks = locks(context, &api).await?;
    let found = locks.iter().find(|lock| lock.metadata.name.as_deref() == Some(&*name));
    if let Some(found) = found {
        if let Some(until) = held_until(found).filter(|until| *until > now && !context.break_lock) {
            let holder = shell_word(holder(found).unwrap_or_default());
            return Err(RunError::Busy(format!(
                "run {holder} works on {} until {until} at the latest; if it is dead: driftproof undo --context CONTEXT --run {holder}, or --break-lock",
                context.target()
            )));
        }
        lease.metadata.resource_version.clone_from(&found.metadata.resource_version);
    }
    overlapping(context, &locks, &name, now)?;
    let undo = Undo::DeleteObject {
        api_version: "coordination.k8s.io/v1".to_owned(),
        kind: "Lease".to_owned(),
        namespace: namespace.clone(),
        name: name.clone(),
    };
    context.creating(undo.clone()).await.map_err(RunError::Evidence)?;
    let params = PostParams::default();
    let taken = match found {
        None => calls::called(context, &what, || api.create(&params, &lease)).await,
        Some(_) => calls::called(context, &what, || api.replace(&name, &params, &lease)).await,
    };
    if taken.echo() == Some(409) {
        let now = calls::patiently(context, &what, || api.get(&name)).await.map_err(|error| failed(&error))?;
        if holder(&now) == Some(&*context.run) {
            return Ok(());
        }
    }
    match taken.result {
        Ok(_) => Ok(()),
        Err(error) if calls::status(&error).is_some_and(|status| status.code == 409) => {
            context.ledger.taken_back(&undo);
            Err(RunError::Busy(format!("another run has just begun to work on {}", context.target())))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Who holds a lock.
fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

/// Whether a lock is not this run's to release: it is gone, or another run holds it.
pub(super) async fn is_foreign(context: &Context, namespace: &str, name: &str) -> Result<bool, kube::Error> {
    let api: Api<Lease> = Api::namespaced(context.client(), namespace);
    let found = calls::attempt(context.clock(), api.get_opt(name)).await?;
    Ok(found.is_none_or(|lease| {
        // From elsewhere a run may be known by its label alone.
        holder(&lease).is_none_or(|holder| crate::plan::label(holder) != crate::plan::label(&context.run))
    }))
}

/// All locks in the target's namespace.
async fn locks(context: &Context, api: &Api<Lease>) -> Result<Vec<Lease>, RunError> {
    let what = format!("list the locks in {}", context.scenario.target.namespace);
    let params = ListParams::default().labels(&format!("{MANAGED_BY}={MANAGER}"));
    let leases = calls::patiently(context, &what, || api.list(&params)).await;
    Ok(leases.map_err(|error| RunError::Cluster(format!("{what}: {}", calls::text(&error))))?.items)
}

/// Another run may work on the same pods under another name: a selector that selects what a Deployment owns.
fn overlapping(context: &Context, locks: &[Lease], name: &str, now: Timestamp) -> Result<(), RunError> {
    for lease in locks.iter().filter(|lease| lease.metadata.name.as_deref() != Some(name)) {
        let Some(until) = held_until(lease).filter(|until| *until > now && !context.break_lock) else { continue };
        let target = lease.annotations().get(TARGET).and_then(|text| serde_json::from_str::<Target>(text).ok());
        let Some(target) = target else { continue };
        let shared = context.board.look(|picture| picture.shared(&target));
        if let Some(pod) = shared {
            let holder = shell_word(self::holder(lease).unwrap_or_default());
            return Err(RunError::Busy(format!(
                "run {holder} works on {} until {until} at the latest, and pod {pod} belongs to both targets; if it is dead: driftproof undo --context CONTEXT --run {holder}, or --break-lock",
                crate::plan::Group::from(&target).describe()
            )));
        }
    }
    Ok(())
}

fn name(scenario: &Scenario) -> String {
    match &scenario.target.workload {
        Some(workload) => format!("driftproof-{}-{}", workload.kind.word(), workload.name),
        None => "driftproof-selector".to_owned(),
    }
}

fn lease(context: &Context, name: &str, now: Timestamp) -> Lease {
    let labels = [(MANAGED_BY.to_owned(), MANAGER.to_owned()), (RUN.to_owned(), crate::plan::label(&context.run))];
    let target = serde_json::to_string(&context.scenario.target).unwrap_or_default();
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels.into()),
            annotations: Some([(TARGET.to_owned(), target)].into()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(context.run.to_string()),
            lease_duration_seconds: i32::try_from(longest(context).as_secs()).ok(),
            acquire_time: Some(MicroTime(now)),
            renew_time: Some(MicroTime(now)),
            ..LeaseSpec::default()
        }),
    }
}

/// How long the run can take.
pub(super) fn longest(context: &Context) -> Duration {
    let scenario = &context.scenario;
    let last = |fault: &crate::scenario::Fault| {
        let work = match &fault.kind {
            FaultKind::NodeDrain(drain) => drain.timeout,
            // There, and back.
            FaultKind::EtcdMemberReplace(replace) => replace.timeout.saturating_mul(2),
            FaultKind::PodKill(_) | FaultKind::NetworkPartition(_) | FaultKind::NodeFailure(_) => Duration::ZERO,
        };
        let repeats = fault.every.unwrap_or_default().saturating_mul(fault.times);
        fault.at.saturating_add(repeats).saturating_add(fault.hold).saturating_add(work)
    };
    let faults = scenario.faults.iter().map(last).max().unwrap_or_default();
    faults.saturating_add(scenario.steady.timeout).saturating_add(stages::settle_bound(context)).saturating_add(MARGIN)
}

/// The wall clock, by the one door to time.
fn now(context: &Context) -> Timestamp {
    let clock = context.clock();
    clock.started().checked_add(clock.elapsed()).unwrap_or(clock.started())
}

pub(super) fn held_until(lease: &Lease) -> Option<Timestamp> {
    let spec = lease.spec.as_ref()?;
    let seconds = u64::try_from(spec.lease_duration_seconds?).ok()?;
    spec.renew_time.as_ref()?.0.checked_add(Duration::from_secs(seconds)).ok()
}
