//! Gets a cluster ready and plans, without injecting anything: what `driftproof plan` does, and the first half of a run.

use std::sync::Arc;

use crate::evidence::{Log, Memory, Undo};
use crate::plan::{self, Plan};
use crate::world::World;

use super::context::{Context, Recorder};
use super::observe::{self, Board};
use super::steady::Watcher;
use super::{Job, Progress, RunError, fixtures, inventory, preflight};

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
    rights(&context, job).await?;
    let watches = observe::start(&context).await;
    let mut created = Vec::new();
    let planned = plan_now(&context, job, &mut created).await;
    drop(watches);
    let dirty = fixtures::remove(&context, &created).await;
    planned.map(|(plan, unsteady)| Prepared { plan, unsteady, dirty })
}

async fn plan_now(context: &Context, job: &Job, created: &mut Vec<Undo>) -> Result<(Plan, String), RunError> {
    if job.apply_fixtures {
        fixtures::apply(context, &job.manifests, created).await?;
    }
    let steady = &context.scenario.steady;
    // As long as a run would wait: what a fault names beside the target may need the time to start.
    let unsteady = Watcher::start(context).hold(steady.window, steady.timeout).await.err();
    let inventory = inventory(&context.world, &context.scenario).await?;
    Ok((plan::make(&context.scenario, &inventory, context.seed, &context.run), unsteady.unwrap_or_default()))
}

/// Checks every right that the run needs.
///
/// # Errors
/// All missing ones.
pub(super) async fn rights(context: &Context, job: &Job) -> Result<(), RunError> {
    let mut permissions = plan::permissions(&context.scenario);
    if job.apply_fixtures {
        permissions.extend(plan::fixture_permissions(&job.manifests, &context.scenario.target.namespace));
    }
    preflight::check(&context.world.client, &permissions).await
}
