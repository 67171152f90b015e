//! One row of the matrix: the run once to its end, to learn its moments; then once for each moment at which it dies.

use std::sync::Arc;
use std::time::Duration;

use driftproof::run::leftovers::{self, TakenBack};
use driftproof::run::{self, Job};
use driftproof::scenario::{self, FaultKind, Scenario};
use driftproof::world::{World, embedded};
use serde_json::Value;

use crate::cluster::{self, Snapshot};
use crate::mortal::{self, Fate};
use crate::scenarios;

/// What controllers still do after an undo is done within this time.
const SETTLE: Duration = Duration::from_secs(120);
/// A dead runner is noticed so much later.
const LATER: Duration = Duration::from_secs(10);

pub(crate) struct Row {
    pub(crate) line: String,
    pub(crate) failures: Vec<String>,
}

/// How one death ended.
struct Death {
    /// What differs after the undo.
    left: Vec<String>,
    /// Whether there was anything to undo.
    needed: bool,
}

pub(crate) fn row(name: &str, fault: &str, stride: usize) -> Row {
    let scenario = parse(fault);
    let moments = runtime().block_on(lifetime(&scenario));
    let mut failures = Vec::new();
    let (mut tried, mut clean, mut idle) = (0, 0, 0);
    // The stride begins elsewhere for each fault, so that the short form sees different moments of each.
    for moment in (name.len() % stride..moments.len()).step_by(stride) {
        let death = runtime().block_on(die(&scenario, moment));
        tried += 1;
        if death.left.is_empty() {
            clean += 1;
            idle += usize::from(!death.needed);
        } else {
            failures.push(format!("{name}, died at {moment} ({}): {}", moments[moment], death.left.join("; ")));
        }
    }
    Row { line: format!("| {name} | {} | {tried} | {clean} | {idle} |", moments.len()), failures }
}

fn parse(fault: &str) -> Scenario {
    scenario::parse("crash.toml", &scenarios::file(fault)).expect("a valid scenario")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

fn job(scenario: &Scenario) -> Job {
    let manifest: Value = serde_saphyr::from_str(scenarios::FIXTURE).expect("YAML");
    Job {
        scenario: scenario.clone(),
        manifests: vec![manifest],
        apply_fixtures: !has_members(scenario),
        seed: 1,
        run: "crash".to_owned(),
        again: String::new(),
        allow_commands: false,
        failsafe: true,
        break_lock: false,
    }
}

/// Whether the target is there before the run.
fn has_members(scenario: &Scenario) -> bool {
    scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::EtcdMemberReplace(_)))
}

/// A cluster whose nodes are Ready, and what it is made of.
async fn fresh(scenario: &Scenario) -> (World, Snapshot) {
    let world = embedded::start(scenario, 1).expect("an embedded cluster");
    tokio::time::sleep(Duration::from_secs(60)).await;
    if has_members(scenario) {
        cluster::create(&world, &scenarios::members()).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let before = cluster::snapshot(&world).await;
    (world, before)
}

/// Runs once without dying. The names of its moments.
async fn lifetime(scenario: &Scenario) -> Vec<String> {
    let (world, before) = fresh(scenario).await;
    let fate = Fate::at(None);
    run_until_death(&world, scenario, &fate).await;
    tokio::time::sleep(SETTLE).await;
    let left = cluster::difference(&before, &cluster::snapshot(&world).await);
    assert!(left.is_empty(), "a run that was not killed left something: {left:?}");
    fate.names()
}

async fn run_until_death(world: &World, scenario: &Scenario, fate: &Arc<Fate>) {
    let mortal = mortal::world(world, fate);
    let (progress, _heard) = tokio::sync::mpsc::unbounded_channel();
    let (_sender, stop) = tokio::sync::watch::channel(false);
    let log = mortal::log(fate);
    tokio::select! {
        biased;
        () = fate.death() => {}
        ended = Box::pin(run::run(&mortal, job(scenario), &log, progress, stop)) => {
            ended.expect("the run begins");
        }
    }
}

/// Dies at a moment; then somebody undoes it from elsewhere, twice.
async fn die(scenario: &Scenario, moment: usize) -> Death {
    let (world, before) = fresh(scenario).await;
    run_until_death(&world, scenario, &Fate::at(Some(moment))).await;
    tokio::time::sleep(LATER).await;
    let mut left = undo(&world).await;
    let needed = left.as_ref().is_ok_and(|done| *done > 0);
    tokio::time::sleep(SETTLE).await;
    let again = leftovers::survey(&world, None, None).await;
    let mut differs: Vec<String> = left.as_mut().err().map(std::mem::take).into_iter().flatten().collect();
    differs.extend(again.runs.iter().flat_map(|run| run.undo.iter().map(|undo| format!("found again: {undo:?}"))));
    differs.extend(cluster::difference(&before, &cluster::snapshot(&world).await));
    Death { left: differs, needed }
}

/// Takes everything back that is found. How much that was, or what did not work.
async fn undo(world: &World) -> Result<usize, Vec<String>> {
    let survey = leftovers::survey(world, None, None).await;
    let (mut done, mut wrong) = (0, survey.blind);
    for left in &survey.runs {
        for one in &left.undo {
            match leftovers::take_back(world, left, one, None).await {
                TakenBack::Done(_) => done += 1,
                TakenBack::Absent(_) => {}
                TakenBack::Foreign(what) | TakenBack::Failed(what) => wrong.push(what),
            }
        }
    }
    if wrong.is_empty() { Ok(done) } else { Err(wrong) }
}

/// A runner that dies in a partition, and nobody who undoes it: the cluster lifts the partition by itself.
pub(crate) fn dead_mans_switch() -> Result<String, String> {
    let scenario = parse(scenarios::ALL[1].1);
    runtime().block_on(async {
        let moments = lifetime(&scenario).await;
        let injected = moments.iter().position(|name| name == "record fault injected").ok_or("never injected")?;
        let (world, _) = fresh(&scenario).await;
        run_until_death(&world, &scenario, &Fate::at(Some(injected))).await;
        if !cluster::has_policy(&world.client, "shop").await {
            return Err("there was no policy when the runner died".to_owned());
        }
        for second in 0..600 {
            if !cluster::has_policy(&world.client, "shop").await {
                return Ok(format!("the runner died in the partition, and the cluster lifted it {second} s later"));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err("the policy is still there after ten minutes".to_owned())
    })
}
