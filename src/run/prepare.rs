//! Gets a cluster ready and plans, without injecting anything: what `driftproof plan` does, and the first half of a run.

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;

use crate::evidence::{Event, Log, Memory};
use crate::plan::{self, Permission, Plan};
use crate::scenario::FaultKind;
use crate::world::{Means, World};

use super::context::{Context, Recorder};
use super::ledger::{self, Ledger};
use super::observe::{self, Board};
use super::steady::Watcher;
use super::{Job, Progress, RunError, calls, fixtures, inventory, record, rights};

/// A plan, and what had to be created to make it.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The plan.
    pub plan: Plan,
    /// Why the target was not steady when the plan was made; empty when it was.
    pub unsteady: String,
    /// What could not be removed again.
    pub dirty: Vec<String>,
}

impl Context {
    pub(super) fn new(world: &World, job: &Job, log: Log, progress: Progress) -> Self {
        Self {
            world: world.clone(),
            scenario: Arc::new(job.scenario.clone()),
            recorder: Recorder::new(log, world.clock, progress),
            board: Arc::new(Board::new(&job.scenario)),
            run: job.run.as_str().into(),
            seed: job.seed,
            allow_commands: job.allow_commands,
            failsafe: job.failsafe,
            ledger: Ledger::default(),
            unreadable: Arc::default(),
            present: Arc::default(),
            break_lock: job.break_lock,
            contents: Arc::default(),
        }
    }
}

/// Applies the fixture if the job says so, waits for the steady state, plans, and removes what it created.
///
/// # Errors
/// [`RunError`]; a target that does not become steady is no error, since a plan can still be shown.
pub async fn prepare(world: &World, job: &Job) -> Result<Prepared, RunError> {
    let (progress, _) = tokio::sync::mpsc::unbounded_channel();
    let context = Context::new(world, job, Log::new(Box::new(Memory::default())), progress);
    let granted = check_rights(&context, job).await?;
    let context = Context { unreadable: Arc::new(granted.unreadable), ..context };
    let watches = observe::start(&context).await;
    let planned = plan_now(&context, job).await;
    drop(watches);
    let mut dirty = ledger::take_back(&context).await;
    if job.apply_fixtures && dirty.is_empty() {
        dirty.extend(record::close(&context).await.err());
    }
    planned.map(|(plan, unsteady)| Prepared { plan, unsteady, dirty })
}

async fn plan_now(context: &Context, job: &Job) -> Result<(Plan, String), RunError> {
    if job.apply_fixtures {
        fixtures::apply(context, &job.manifests).await?;
    }
    let steady = &context.scenario.steady;
    let missing = super::steady::services(context).await.err();
    // As long as a run would wait: what a fault names beside the target may need the time to start.
    let unsteady = match missing {
        Some(missing) => Some(missing),
        None => Watcher::start(context).hold(steady.window, steady.timeout).await.err(),
    };
    let inventory = inventory(&context.world, &context.scenario).await?;
    let mut plan = plan::make(&context.scenario, &inventory, context.seed, &context.run);
    plan.permissions = needed(context);
    Ok((plan, unsteady.unwrap_or_default()))
}

/// What the run may do beyond what it needs.
pub(super) struct Granted {
    /// Whether it may arm a dead-man's switch.
    pub(super) failsafe: bool,
    /// Resources that it may not read and can do without.
    pub(super) unreadable: BTreeSet<String>,
}

/// Checks every right that the run needs, and asks for those that it can do without. What is not seen for the want of one
/// is a record of the evidence.
///
/// # Errors
/// All missing ones of those that it needs.
pub(super) async fn check_rights(context: &Context, job: &Job) -> Result<Granted, RunError> {
    let mut permissions = needed(context);
    if job.apply_fixtures {
        fixtures::check(context, &job.manifests).await?;
        let there = namespaces_there(context, job).await;
        permissions.extend(plan::fixture_permissions(&context.scenario, &job.manifests, &there));
    }
    rights::check(context, &permissions).await?;
    super::faults::node_agent::admitted(context).await?;
    Ok(Granted { failsafe: may_arm(context).await?, unreadable: unreadable(context).await? })
}

async fn may_arm(context: &Context) -> Result<bool, RunError> {
    let wanted = plan::failsafe_permissions(&context.scenario);
    if !context.failsafe || wanted.is_empty() {
        return Ok(context.failsafe);
    }
    let missing = rights::missing(context, &wanted).await?;
    if missing.is_empty() {
        return Ok(true);
    }
    let missing: Vec<String> = missing.iter().map(|one| format!("{} {}", one.verb, one.resource)).collect();
    let what = format!(
        "no dead-man's switch: the right to {} is missing; only this run or `driftproof undo` lifts its partitions",
        missing.join(", ")
    );
    context.recorder.gap(what, true);
    Ok(false)
}

async fn unreadable(context: &Context) -> Result<BTreeSet<String>, RunError> {
    let optional = plan::optional(&context.scenario);
    let wanted: Vec<Permission> = optional.iter().map(|one| one.permission.clone()).collect();
    let missing: BTreeSet<Permission> = rights::missing(context, &wanted).await?.into_iter().collect();
    let missing: Vec<_> = optional.iter().filter(|one| missing.contains(&one.permission)).collect();
    for one in &missing {
        let (permission, unseen) = (one.permission.clone(), one.unseen.to_owned());
        context.recorder.note(Event::Unreadable { permission, unseen });
    }
    // A partition lists nodes where it may, and reads single ones where it may not.
    let read = missing
        .iter()
        .filter(|one| (one.permission.resource.as_str(), one.permission.verb.as_str()) != ("nodes", "list"));
    Ok(read.map(|one| one.permission.resource.clone()).collect())
}

/// Those of the fixture's namespaces that are there. One that may not be looked at counts as absent: then it is asked whether
/// it may be created.
async fn namespaces_there(context: &Context, job: &Job) -> BTreeSet<String> {
    let mut wanted = plan::namespaces_of_fixtures(&job.manifests);
    wanted.insert(context.scenario.target.namespace.clone());
    let api: Api<Namespace> = Api::all(context.client());
    let mut there = BTreeSet::new();
    for name in wanted {
        let what = format!("get namespace {name}");
        if calls::patiently(context, &what, || api.get(&name)).await.is_ok() {
            there.insert(name);
        }
    }
    there
}

/// The rights that the scenario needs in this world, fixtures apart; sorted, each once.
pub(super) fn needed(context: &Context) -> Vec<Permission> {
    let mut all: BTreeSet<Permission> = plan::permissions(&context.scenario).into_iter().collect();
    for fault in &context.scenario.faults {
        let FaultKind::NodeFailure(failure) = &fault.kind else { continue };
        if let Ok(Means::Agent(agent)) = context.world.machines.means(failure.mode, failure.command.as_ref()) {
            all.extend(plan::node_agent_permissions(&context.scenario, &agent.namespace));
        }
    }
    all.into_iter().collect()
}
