//! One run under one schedule, and what must hold of it whatever the API server does.

use std::collections::BTreeMap;
use std::time::Duration;

use driftproof::evidence::{End, Event, Evidence, Log, Memory, WorldName};
use driftproof::measure::measure;
use driftproof::run::leftovers::{self, TakenBack};
use driftproof::run::{self, Job};
use driftproof::scenario::{FaultKind, Scenario};
use driftproof::verdict::{Outcome, Verdict, judge};
use driftproof::world::{World, embedded};

use crate::cluster::{self, Snapshot};
use crate::layer::{self, Layer};
use crate::rows::Row;
use crate::trouble::{Kind, Schedule};

/// What controllers still do after a run is done within this time.
const SETTLE: Duration = Duration::from_secs(150);
/// Beyond what a scenario states: proofs, healing at an API server that is away, the end of fixtures.
const MARGIN: Duration = Duration::from_secs(2_400);

/// How one run ended.
pub(crate) struct Run {
    pub(crate) verdict: Option<Verdict>,
    pub(crate) evidence: Option<Evidence>,
    /// Why it did not begin.
    pub(crate) refused: Option<String>,
    /// Whether it said that it left something.
    pub(crate) dirty: bool,
    /// What must not be.
    pub(crate) wrong: Vec<String>,
    pub(crate) done: BTreeMap<Kind, u64>,
    /// How long it took, in virtual time.
    pub(crate) took: Duration,
}

impl Run {
    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.verdict.as_ref().map(|verdict| verdict.outcome)
    }
}

/// Runs a scenario under a schedule.
pub(crate) fn run(row: &Row, seed: u64, schedule: Schedule) -> Run {
    run_with(row, seed, schedule, World::clone)
}

/// The same in a world that was changed before the layer was put before it.
pub(crate) fn run_with(row: &Row, seed: u64, schedule: Schedule, change: impl FnOnce(&World) -> World) -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let job = row.job(seed);
        let world = embedded::start(&job.scenario, job.seed).expect("an embedded cluster");
        tokio::time::sleep(Duration::from_secs(60)).await;
        attempt(&world, job, schedule, change).await
    })
}

/// One run in this world, which is what it was afterwards.
pub(crate) async fn attempt(world: &World, job: Job, schedule: Schedule, change: impl FnOnce(&World) -> World) -> Run {
    let before = cluster::snapshot(world).await;
    let layer = Layer::new(schedule, world.clock);
    let hostile = layer::world(&change(world), &layer);
    let memory = Memory::default();
    let deadline = deadline(&job.scenario);
    let (progress, _heard) = tokio::sync::mpsc::unbounded_channel();
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let log = Log::new(Box::new(memory.clone()));
    let begun = world.clock.elapsed();
    let ended = tokio::time::timeout(deadline, run::run(&hostile, job, &log, progress, stop)).await;
    let took = world.clock.elapsed().saturating_sub(begun);
    layer.end();
    let mut run =
        Run { verdict: None, evidence: None, refused: None, dirty: false, wrong: Vec::new(), done: layer.done(), took };
    match ended {
        Err(_) => {
            run.wrong.push(format!("still at it after {}", humantime::format_duration(deadline)));
            return run;
        }
        Ok(Err(error)) => run.refused = Some(error.to_string()),
        Ok(Ok(_)) => {}
    }
    let evidence = Evidence::read(&memory.text()).expect("evidence reads back");
    let end = closing(&evidence);
    run.dirty = end.as_ref().is_some_and(|end| !end.dirty.is_empty());
    if end.is_none() {
        run.wrong.push("there is no closing record".to_owned());
    }
    let verdict = judge(&evidence.header.scenario, &measure(&evidence));
    if run.dirty && verdict.outcome == Outcome::Pass {
        run.wrong.push("passed, and left something".to_owned());
    }
    run.wrong.extend(left(world, &before, run.dirty).await);
    run.verdict = Some(verdict);
    run.evidence = Some(evidence);
    run
}

fn closing(evidence: &Evidence) -> Option<End> {
    match &evidence.records.last()?.event {
        Event::End(end) => Some(end.clone()),
        _ => None,
    }
}

/// What a run may take by what its scenario states, and a margin.
fn deadline(scenario: &Scenario) -> Duration {
    let last = |fault: &driftproof::scenario::Fault| {
        let drain = match &fault.kind {
            FaultKind::NodeDrain(drain) => drain.timeout,
            FaultKind::EtcdMemberReplace(replace) => replace.timeout,
            FaultKind::PodKill(_) | FaultKind::NetworkPartition(_) | FaultKind::NodeFailure(_) => Duration::ZERO,
        };
        fault.at + fault.hold + drain
    };
    let faults = scenario.faults.iter().map(last).max().unwrap_or_default();
    faults + scenario.steady.timeout * 2 + Duration::from_secs(600) + MARGIN
}

/// What is on the cluster and should not be. A run that said that it left something must be undone by `undo`.
async fn left(world: &World, before: &Snapshot, dirty: bool) -> Vec<String> {
    let left = differs(world, before).await;
    if !dirty {
        return left.into_iter().map(|what| format!("clean by its own word, and {what}")).collect();
    }
    let mut wrong = undo(world).await;
    let left = differs(world, before).await;
    wrong.extend(left.into_iter().map(|what| format!("after undo {what}")));
    wrong
}

/// What differs once everything has come to rest. Virtual time costs nothing; on a real cluster the first likeness counts.
async fn differs(world: &World, before: &Snapshot) -> Vec<String> {
    let real = world.name != WorldName::Embedded;
    let step = if real { Duration::from_secs(2) } else { SETTLE };
    let mut waited = Duration::ZERO;
    loop {
        tokio::time::sleep(step).await;
        waited += step;
        let differs = cluster::difference(before, &cluster::snapshot(world).await);
        if differs.is_empty() || waited >= SETTLE {
            return differs;
        }
    }
}

async fn undo(world: &World) -> Vec<String> {
    let survey = leftovers::survey(world, None, None).await;
    let mut wrong = survey.blind;
    for left in &survey.runs {
        for one in &left.undo {
            match leftovers::take_back(world, left, one, None).await {
                TakenBack::Done(_) | TakenBack::Absent(_) => {}
                TakenBack::Foreign(what) | TakenBack::Failed(what) => wrong.push(format!("undo: {what}")),
            }
        }
    }
    wrong
}
