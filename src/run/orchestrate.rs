//! One run from its first record to its last: prepare, steady, fault, settle, check, clean. Whatever happens on the way,
//! faults are healed, what was created is removed, and the last record says how it ended.

use std::sync::Arc;
use std::time::Duration;

use crate::evidence::{Change, End, Ending, Event, Header, Log, Stage, VERSION, When, WorkloadSeen};
use crate::plan::{self, Plan};
use crate::scenario::WorkloadKind;
use crate::world::World;

use super::agents::{self, Inside};
use super::context::Context;
use super::data::{self, Stores, Writers};
use super::observe::{self, Watches};
use super::probe::Probes;
use super::stages::Injected;
use super::steady::{self, Watcher};
use super::tasks::{self, Tasks};
use super::wait::{stopped, within};
use super::{
    Job, News, Progress, RunError, Stop, aborts, fixtures, inventory, jumps, ledger, lock, preflight, prepare, queries,
    record, snapshot, stages,
};

/// Everything that is watched must have been listed once within this time.
const LISTED_LIMIT: Duration = Duration::from_secs(120);

/// How a run ends whose scenario ended its faults.
const ABORTED: &str = "a condition of the scenario ended its faults";

/// Why a run does not go on.
enum Halt {
    Interrupted,
    Aborted(String),
    /// Nothing was started; the caller is told.
    Refused(RunError),
}

impl From<RunError> for Halt {
    fn from(error: RunError) -> Self {
        Self::Refused(error)
    }
}

/// Everything that has to be ended when the run ends.
#[derive(Default)]
struct Running {
    watches: Option<Watches>,
    watcher: Option<Watcher>,
    probes: Option<Probes>,
    inside: Option<Inside>,
    writers: Option<Writers>,
    stores: Option<Stores>,
    /// Looks at the clocks.
    jumps: Option<Tasks>,
    dirty: Vec<String>,
    /// Whether a record of the run may be on the cluster.
    recorded: bool,
}

/// Runs one scenario. `stop` becoming `true` heals and ends it.
///
/// # Errors
/// When the run could not begin, or its evidence could not be written. Everything else is in the evidence and in [`End`].
pub async fn run(world: &World, job: Job, log: &Log, progress: Progress, mut stop: Stop) -> Result<End, RunError> {
    let context = Context::new(world, &job, log.clone(), progress);
    context.recorder.note(Event::Header(Box::new(header(&context, &job))));
    let mut running = Running::default();
    let clock = context.clock();
    let jumps = running.jumps.insert(Tasks::new(&context.recorder));
    jumps.spawn("the look at the clocks", jumps::watch(context.recorder.clone(), clock, move || clock.wall()));
    let result = whole(&context, &job, &mut running, &mut stop).await;
    running.jumps = None;
    let how = match &result {
        Ok(()) => Ending::Completed,
        Err(Halt::Interrupted) => Ending::Interrupted,
        Err(Halt::Aborted(reason)) => Ending::Aborted { reason: reason.clone() },
        Err(Halt::Refused(error)) => Ending::Aborted { reason: error.to_string() },
    };
    let end = End { how, dirty: running.dirty };
    context.recorder.note(Event::End(end.clone()));
    let written = context.recorder.sync().await;
    // The record is left where something else is: it then says what the evidence was.
    if running.recorded && !end.dirty.is_empty() {
        record::seal(&context, &context.recorder.digest().await).await;
    }
    context.recorder.tell(News::Finished(end.clone()));
    if let Err(Halt::Refused(error)) = result {
        return Err(error);
    }
    written.map(|()| end).map_err(RunError::Evidence)
}

/// The run and its end. A cluster that broke is not spoken to any more.
async fn whole(context: &Context, job: &Job, running: &mut Running, stop: &mut Stop) -> Result<(), Halt> {
    let recorder = &context.recorder;
    let broke_off = || Halt::Aborted("driftproof itself broke off".to_owned());
    let result = tokio::select! {
        biased;
        why = context.world.broken() => {
            recorder.gap(why.clone(), false);
            return Err(Halt::Aborted(why));
        }
        result = Box::pin(tasks::guarded(recorder, "the run", body(context, job, running, stop))) => result,
    };
    let ended = tokio::select! {
        biased;
        why = context.world.broken() => {
            recorder.gap(why.clone(), false);
            return Err(Halt::Aborted(why));
        }
        ended = Box::pin(tasks::guarded(recorder, "the end of the run", wind_down(context, running))) => ended,
    };
    if ended.is_none() {
        let undo = format!("run: driftproof undo --context CONTEXT --run {}", context.run);
        running.dirty.push(format!("driftproof itself broke off while the run ended, look for what is left; {undo}"));
    }
    result.unwrap_or_else(|| Err(broke_off()))
}

fn header(context: &Context, job: &Job) -> Header {
    Header {
        version: VERSION,
        tool: concat!("driftproof ", env!("CARGO_PKG_VERSION")).to_owned(),
        run: job.run.clone(),
        world: context.world.name.clone(),
        seed: job.seed,
        started: context.clock().started().to_string(),
        again: job.again.clone(),
        scenario: job.scenario.clone(),
        not_modelled: if job.apply_fixtures { context.world.not_modelled(&job.manifests) } else { Vec::new() },
        skipped: job.skipped.clone(),
    }
}

async fn body(context: &Context, job: &Job, running: &mut Running, stop: &mut Stop) -> Result<(), Halt> {
    context.recorder.stage(Stage::Prepare);
    preflight::machines(context)?;
    preflight::vantages(context)?;
    data::reachable(context)?;
    let granted = or_stop(stop, prepare::check_rights(context, job)).await??;
    or_stop(stop, preflight::partitions(context)).await??;
    let (failsafe, unreadable) = (granted.failsafe, Arc::new(granted.unreadable));
    let context = &Context { failsafe, unreadable, ..context.clone() };
    let watches = or_stop(stop, within(context.clock(), LISTED_LIMIT, observe::start(context))).await?;
    running.watches = Some(watches.ok_or_else(|| {
        let limit = humantime::format_duration(LISTED_LIMIT);
        RunError::Cluster(format!("the cluster could not be listed within {limit}; nothing was started"))
    })?);
    // From here on: where this breaks off, nobody knows whether it is there.
    running.recorded = true;
    if job.apply_fixtures {
        // Not abandoned halfway: a request that is under way could be carried out after its object was removed.
        fixtures::apply(context, &job.manifests).await?;
    } else {
        record::open(context).await?;
    }
    lock::acquire(context).await?;
    let plan = steady_and_plan(context, running, stop).await?;

    context.recorder.stage(Stage::Fault);
    let injected = inject(context, &plan, stop).await;
    running.dirty.extend(injected.dirty);
    if injected.interrupted {
        return Err(if *stop.borrow() { Halt::Interrupted } else { Halt::Aborted(ABORTED.to_owned()) });
    }

    context.recorder.stage(Stage::Settle);
    settle(context, running, stop, injected.quiet).await?;

    or_stop(stop, observe::confirm(context)).await?;
    context.recorder.stage(Stage::Check);
    or_stop(stop, check(context, running)).await
}

/// Injects the plan until it is done, the run is stopped, or a condition of the scenario ends it.
async fn inject(context: &Context, plan: &Plan, stop: &mut Stop) -> Injected {
    if context.scenario.aborts.is_empty() {
        return stages::inject(context, plan, stop).await;
    }
    let (heal, mut healing) = tokio::sync::watch::channel(false);
    tokio::select! {
        biased;
        injected = stages::inject(context, plan, &mut healing) => injected,
        () = aborts::watch(context, stop, heal) => Injected::default(),
    }
}

/// Runs a part of the run unless it is stopped.
async fn or_stop<T>(stop: &mut Stop, part: impl Future<Output = T>) -> Result<T, Halt> {
    tokio::select! {
        biased;
        () = stopped(stop) => Err(Halt::Interrupted),
        value = part => Ok(value),
    }
}

async fn steady_and_plan(context: &Context, running: &mut Running, stop: &mut Stop) -> Result<Plan, Halt> {
    context.recorder.stage(Stage::Steady);
    let wanted = &context.scenario.steady;
    or_stop(stop, steady::services(context)).await?.map_err(Halt::Aborted)?;
    let begun = context.clock().elapsed();
    let watcher = running.watcher.insert(Watcher::start(context));
    let not_steady = |reason: String| {
        let limit = humantime::format_duration(wanted.timeout);
        Halt::Aborted(format!("{} was not steady within {limit}, nothing was injected: {reason}", context.target()))
    };
    // Probes would only fail before there is something to answer them.
    or_stop(stop, watcher.hold(Duration::ZERO, wanted.timeout)).await?.map_err(not_steady)?;
    let pod = agents::create(context).await?;
    running.inside = or_stop(stop, agents::meet(context, pod)).await??;
    running.probes = Some(Probes::start(context));
    if let Some(inside) = &mut running.inside {
        inside.probe();
    }
    running.writers = Some(Writers::start(context));
    running.stores = Some(Stores::start(context));
    let rest = (begun + wanted.timeout).saturating_sub(context.clock().elapsed());
    or_stop(stop, watcher.hold(wanted.window, rest)).await?.map_err(not_steady)?;
    fix_strength(context);

    or_stop(stop, async {
        data::mark(context).await;
        data::measure(context, When::Before).await;
        snapshot::take(context, When::Before).await;
    })
    .await?;
    let inventory = or_stop(stop, inventory(&context.world, &context.scenario)).await?;
    let inventory = inventory.map_err(|error| Halt::Aborted(error.to_string()))?;
    let mut plan = plan::make(&context.scenario, &inventory, context.seed, &context.run);
    plan.permissions = prepare::needed(context);
    context.recorder.note(Event::Plan(Box::new(plan.clone())));
    tell_plan(context, &plan);
    match plan.problems.first() {
        Some(problem) => Err(Halt::Aborted(plan::problem_line(problem))),
        None => Ok(plan),
    }
}

/// What the target is now is what it must be again. A target without a workload object gets one in the evidence.
fn fix_strength(context: &Context) {
    let strength = context.board.look(steady::strength);
    let target = &context.scenario.target;
    let name = match (&target.workload, &target.selector) {
        (Some(workload), _) if workload.kind == WorkloadKind::Pod => Some(workload.to_string()),
        (None, Some(selector)) => Some(selector.to_string()),
        (Some(_), _) | (None, None) => None,
    };
    let pods = u32::try_from(strength.pods).unwrap_or(u32::MAX);
    context.board.change(|picture| {
        picture.strength = Some(strength);
        let Some(workload) = name else { return };
        let seen =
            WorkloadSeen { change: Change::Initial, workload, desired: pods, ready: pods, ..WorkloadSeen::default() };
        for seen in picture.workload(seen) {
            context.recorder.note(Event::Seen(Box::new(seen)));
        }
    });
}

fn tell_plan(context: &Context, plan: &Plan) {
    let last = plan.steps.iter().map(|step| step.at.saturating_add(step.hold)).max().unwrap_or_default();
    let until = context.clock().elapsed().saturating_add(last);
    let until = u64::try_from(until.as_micros()).unwrap_or(u64::MAX);
    context.recorder.tell(News::Planned { steps: plan.steps.len(), until });
}

/// Waits for the steady state after the faults; says so when it waits in vain. A target that has been steady since it
/// was last disturbed need not begin its window anew because a proof took longer.
async fn settle(context: &Context, running: &mut Running, stop: &mut Stop, quiet: Duration) -> Result<(), Halt> {
    let bound = stages::settle_bound(context);
    let Some(watcher) = &running.watcher else { return Ok(()) };
    let settled = or_stop(stop, steady::settled(context, watcher, quiet, bound)).await?;
    if let Err(reason) = settled {
        let limit = humantime::format_duration(bound);
        let reason =
            format!("not steady {limit} after the last fault was healed, the longest that is waited: {reason}");
        context.recorder.note(Event::Steady { steady: false, reason: reason.clone() });
        context.recorder.tell(News::Steady { steady: false, reason });
    }
    Ok(())
}

/// Reads back what was written, and looks at the cluster once more.
async fn check(context: &Context, running: &mut Running) {
    if let Some(writers) = running.writers.take() {
        writers.finish().await;
    }
    finish_stores(running, true).await;
    finish_probes(running).await;
    data::read_back(context).await;
    data::measure(context, When::After).await;
    snapshot::take(context, When::After).await;
    queries::ask(context).await;
}

/// Not forgotten when it is abandoned halfway: what a workload wrote has to be removed.
async fn finish_stores(running: &mut Running, read_all: bool) {
    if let Some(stores) = &mut running.stores {
        running.dirty.extend(stores.finish(read_all).await);
        running.stores = None;
    }
}

async fn finish_probes(running: &mut Running) {
    if let Some(probes) = running.probes.take() {
        probes.finish().await;
    }
    // Not forgotten when it is abandoned halfway: it may be creating another agent.
    if let Some(inside) = &mut running.inside {
        inside.finish().await;
        running.inside = None;
    }
}

/// Ends what runs and removes what was created; what is removed is not watched, since it is no drift.
async fn wind_down(context: &Context, running: &mut Running) {
    if let Some(writers) = running.writers.take() {
        writers.finish().await;
    }
    finish_stores(running, false).await;
    finish_probes(running).await;
    context.recorder.stage(Stage::Clean);
    running.watcher = None;
    // Only what was watched until the end was observed.
    for (what, reason) in context.board.look(|picture| picture.blind.clone()) {
        context.recorder.gap(format!("watch of {what} broke ({reason}) and was not resumed"), false);
    }
    running.watches = None;
    running.dirty.extend(ledger::take_back(context).await);
    // What is left is named by the record, which then has to stay.
    if running.recorded && running.dirty.is_empty() {
        running.dirty.extend(record::close(context).await.err());
    }
}
