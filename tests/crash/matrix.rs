//! One row of the matrix: the run once to its end, to learn its moments; then once for each moment at which it dies, is
//! stopped, or panics.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use driftproof::evidence::{End, Ending, Evidence};
use driftproof::measure::measure;
use driftproof::run::leftovers::{self, TakenBack};
use driftproof::run::{self, Job, RunError};
use driftproof::scenario::{self, FaultKind, Scenario};
use driftproof::sim::{Cluster, NodeSpec, Settings};
use driftproof::verdict::{Outcome, judge};
use driftproof::world::{World, embedded};
use serde_json::Value;

use crate::cluster::{self, Snapshot};
use crate::mortal::{self, Fate, Turn};
use crate::scenarios;

/// What controllers still do after an undo is done within this time.
const SETTLE: Duration = Duration::from_secs(120);
/// A dead runner is noticed so much later.
const LATER: Duration = Duration::from_secs(10);

pub(crate) struct Row {
    pub(crate) line: String,
    pub(crate) failures: Vec<String>,
}

/// How one run ended to which something happened.
struct Ended {
    /// What is not as it must be.
    wrong: Vec<String>,
    /// Whether there was anything to undo.
    needed: bool,
}

pub(crate) fn row(name: &str, fault: &str, stride: usize) -> Row {
    let scenario = parse(fault);
    let moments = runtime().block_on(lifetime(&scenario));
    let mut failures = Vec::new();
    let mut line = format!("| {name} | {}", moments.len());
    for (turn, offset) in [(Turn::Death, 0), (Turn::Stop, 2), (Turn::Panic, 4)] {
        let (mut tried, mut good, mut idle) = (0, 0, 0);
        // The stride begins elsewhere for each fault, so that the short form sees different moments of each.
        for moment in ((name.len() + offset) % stride..moments.len()).step_by(stride) {
            let ended = runtime().block_on(async {
                match turn {
                    Turn::Death => die(&scenario, moment).await,
                    Turn::Nothing | Turn::Stop | Turn::Panic => go_on(&scenario, turn, moment).await,
                }
            });
            tried += 1;
            if ended.wrong.is_empty() {
                good += 1;
                idle += usize::from(!ended.needed);
            } else {
                failures.push(format!(
                    "{name}, {turn:?} at {moment} ({}): {}",
                    moments[moment],
                    ended.wrong.join("; ")
                ));
            }
        }
        let _ = write!(line, " | {good} of {tried} ({idle})");
    }
    Row { line: line + " |", failures }
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
        skipped: Vec::new(),
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
    let fate = Fate::at(Turn::Nothing, 0);
    let ended = run_until_death(&world, scenario, &fate).await;
    ended.expect("it lives").expect("the run begins");
    tokio::time::sleep(SETTLE).await;
    let left = cluster::difference(&before, &cluster::snapshot(&world).await);
    assert!(left.is_empty(), "a run that was not killed left something: {left:?}");
    fate.names()
}

/// How the run ended, if it did.
async fn run_until_death(world: &World, scenario: &Scenario, fate: &Arc<Fate>) -> Option<Result<End, RunError>> {
    let mortal = mortal::world(world, fate);
    let (progress, _heard) = tokio::sync::mpsc::unbounded_channel();
    let log = mortal::log(fate);
    tokio::select! {
        biased;
        () = fate.death() => None,
        ended = Box::pin(run::run(&mortal, job(scenario), &log, progress, fate.stop())) => Some(ended),
    }
}

/// Is stopped or panics at a moment, and ends by itself: then nothing is left, or it said that something is and that can be
/// undone; and it did not pass.
async fn go_on(scenario: &Scenario, turn: Turn, moment: usize) -> Ended {
    let (world, before) = fresh(scenario).await;
    let fate = Fate::at(turn, moment);
    let limit = Duration::from_secs(3_600);
    let Ok(Some(ended)) = tokio::time::timeout(limit, run_until_death(&world, scenario, &fate)).await else {
        return Ended { wrong: vec!["it did not end".to_owned()], needed: false };
    };
    let mut wrong = Vec::new();
    let dirty = ended.as_ref().map(|end| end.dirty.clone()).unwrap_or_default();
    // What was stopped early enough did not begin; a panic is never the reason why a run did not begin.
    if let (Err(error), Turn::Panic) = (&ended, turn) {
        wrong.push(format!("refused: {error}"));
    }
    if turn == Turn::Stop {
        wrong.extend(dirty.iter().map(|what| format!("left dirty: {what}")));
    }
    if dirty.is_empty() {
        tokio::time::sleep(SETTLE).await;
        let left = cluster::difference(&before, &cluster::snapshot(&world).await);
        wrong.extend(left.into_iter().map(|what| format!("clean by its own word, and {what}")));
    } else {
        wrong.extend(undone(&world, &before).await.wrong);
    }
    let evidence = Evidence::read(&fate.evidence()).expect("evidence");
    let panicked = turn == Turn::Panic && fate.names().len() > moment + 1;
    if panicked && judge(&evidence.header.scenario, &measure(&evidence)).outcome == Outcome::Pass {
        wrong.push("it passed".to_owned());
    }
    wrong.extend(evidence.cut);
    Ended { wrong, needed: !dirty.is_empty() }
}

/// Dies at a moment; then somebody undoes it from elsewhere, twice.
async fn die(scenario: &Scenario, moment: usize) -> Ended {
    let (world, before) = fresh(scenario).await;
    run_until_death(&world, scenario, &Fate::at(Turn::Death, moment)).await;
    tokio::time::sleep(LATER).await;
    undone(&world, &before).await
}

/// What is not as before after an undo.
async fn undone(world: &World, before: &Snapshot) -> Ended {
    let mut left = undo(world).await;
    let needed = left.as_ref().is_ok_and(|done| *done > 0);
    tokio::time::sleep(SETTLE).await;
    let again = leftovers::survey(world, None, None).await;
    let mut differs: Vec<String> = left.as_mut().err().map(std::mem::take).into_iter().flatten().collect();
    differs.extend(again.runs.iter().flat_map(|run| run.undo.iter().map(|undo| format!("found again: {undo:?}"))));
    differs.extend(cluster::difference(before, &cluster::snapshot(world).await));
    Ended { wrong: differs, needed }
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
        run_until_death(&world, &scenario, &Fate::at(Turn::Death, injected)).await;
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

/// The embedded cluster breaks off in the middle of a run: the run ends, says so, and has not passed.
pub(crate) fn broken_cluster() -> Result<String, String> {
    let scenario = parse(scenarios::ALL[0].1);
    let fate = Fate::at(Turn::Nothing, 0);
    let ended = runtime().block_on(async {
        let nodes = (1..=3).map(|number| NodeSpec::new(format!("worker-{number}"), "zone-1")).collect();
        let cluster = Cluster::start(Settings { nodes, ..Settings::default() }, 1);
        let world = embedded::of(cluster.clone());
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(8)).await;
            cluster.with(|_| panic!("planted"));
        });
        let run = run_until_death(&world, &scenario, &fate);
        tokio::time::timeout(Duration::from_secs(60), run).await.map_err(|_| "it did not end".to_owned())
    })?;
    let End { how, .. } = ended.ok_or("it died")?.map_err(|error| error.to_string())?;
    let evidence = Evidence::read(&fate.evidence()).map_err(|error| error.to_string())?;
    let verdict = judge(&evidence.header.scenario, &measure(&evidence));
    match how {
        Ending::Aborted { reason } if verdict.outcome == Outcome::Inconclusive => Ok(reason),
        how => Err(format!("it ended {how:?} and was {}", verdict.outcome.word())),
    }
}
