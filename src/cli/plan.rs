//! `driftproof plan`: the targets, the blast radius and the rights, without injecting anything.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use driftproof::plan::{self as plans, Permission};
use driftproof::run::{self, Prepared};
use driftproof::scenario::Scenario;

use super::args::{Plan, Run};
use super::execute::{Failure, Task, refused, runtime, world};
use super::exit::Exit;
use super::load::{Loaded, On, load};
use super::style::{Style, safe};
use super::{describe, expected, fail, print};

impl From<Run> for Plan {
    fn from(run: Run) -> Self {
        Self { files: run.files, cluster: run.cluster, seed: run.seed, json: false }
    }
}

/// `driftproof plan`.
pub(super) fn plan(plan: &Plan, style: Style) -> Exit {
    let mut loaded = match load(&plan.files, On::of(plan.cluster.context.as_ref()), style.diagnostics()) {
        Ok(loaded) => loaded,
        Err(rejected) => return describe::reject(&rejected),
    };
    for one in &mut loaded {
        one.adapt(&plan.cluster);
    }
    show(plan, &loaded)
}

/// Makes and prints the plans.
pub(super) fn show(plan: &Plan, loaded: &[Loaded]) -> Exit {
    let (mut made, mut expected) = (Vec::new(), Vec::new());
    for one in loaded {
        match prepare(plan, one) {
            Ok((prepared, duration)) => {
                made.push(prepared);
                expected.push(duration);
            }
            Err(Failure::NotStarted(message) | Failure::Local(message)) => {
                return fail(&format!("{}: {message}", one.scenario.name), Exit::Usage);
            }
        }
    }
    if let Err(message) = tell(plan, loaded, &made, &expected) {
        return fail(&message, Exit::Usage);
    }
    exit(plan, loaded, &made)
}

fn tell(plan: &Plan, loaded: &[Loaded], made: &[Prepared], expected: &[Option<Duration>]) -> Result<(), String> {
    if plan.json {
        let plans: Vec<_> = made.iter().map(|prepared| &prepared.plan).collect();
        let text = serde_json::to_string_pretty(&plans).map_err(|error| format!("plan: {error}"))?;
        return print::product(format!("{text}\n").as_bytes());
    }
    let place = plan
        .cluster
        .context
        .as_ref()
        .map_or("embedded cluster, simulated".to_owned(), |name| format!("live cluster {name}"));
    let mut text = String::new();
    for ((prepared, expected), Loaded { scenario, .. }) in made.iter().zip(expected).zip(loaded) {
        let _ = writeln!(text, "{}on the {place}", plans::text(&prepared.plan));
        let took = expected.map(|took| Duration::from_secs(took.as_secs().max(1)));
        let _ = match took.map(humantime::format_duration) {
            Some(took) => writeln!(text, "expected duration: {took}, as long as it took on the embedded cluster"),
            None => writeln!(text, "expected duration: not known, the embedded cluster cannot run it"),
        };
        if let Some(blind) = blind(plan, scenario) {
            let _ = writeln!(text, "{blind}");
        }
        if !prepared.unsteady.is_empty() {
            let _ = writeln!(text, "not steady: {}", safe(&prepared.unsteady));
        }
        for left in &prepared.dirty {
            let _ = writeln!(text, "LEFT DIRTY  {}", safe(left));
        }
        text.push('\n');
    }
    let all: BTreeSet<Permission> =
        made.iter().flat_map(|prepared| prepared.plan.permissions.iter().cloned()).collect();
    text.push_str(&plans::permissions_text(&all.into_iter().collect::<Vec<_>>()));
    print::out(&text);
    Ok(())
}

/// A plan that could not be carried out as it stands is inconclusive, as its run would be.
fn exit(plan: &Plan, loaded: &[Loaded], made: &[Prepared]) -> Exit {
    if made.iter().any(|prepared| !prepared.dirty.is_empty()) {
        return Exit::Dirty;
    }
    let sound = |prepared: &Prepared| prepared.plan.problems.is_empty() && prepared.unsteady.is_empty();
    let seeing = loaded.iter().all(|one| blind(plan, &one.scenario).is_none());
    if seeing && made.iter().all(sound) { Exit::Passed } else { Exit::Inconclusive }
}

/// What the run cannot ask, so that it cannot pass.
fn blind(plan: &Plan, scenario: &Scenario) -> Option<String> {
    let asking = scenario.aborts.iter().filter(|abort| abort.query.is_some()).count();
    let asked = scenario.queries.len() + asking;
    if asked == 0 || plan.cluster.prometheus.is_some() {
        return None;
    }
    let why = match plan.cluster.context {
        Some(_) => "no --prometheus was given",
        None => "the embedded cluster has no Prometheus",
    };
    let queries = if asked == 1 { "1 query".to_owned() } else { format!("{asked} queries") };
    Some(format!("not answered: {queries}, {why}: the run is inconclusive unless --skip-queries leaves them out"))
}

fn prepare(plan: &Plan, loaded: &Loaded) -> Result<(Prepared, Option<Duration>), Failure> {
    let name = loaded.scenario.name.clone();
    let run = "plan".to_owned();
    let task = Task { name: name.clone(), loaded: loaded.clone(), seed: plan.seed, run, again: String::new() };
    let prepared = runtime(&plan.cluster)?.block_on(async {
        let world = world(&task, &plan.cluster).await?;
        run::prepare(&world, &task.job(&plan.cluster)).await.map_err(|error| refused(&task, &plan.cluster, &error))
    })?;
    let expected = expected::duration(&task, &plan.cluster);
    Ok((prepared, expected))
}
