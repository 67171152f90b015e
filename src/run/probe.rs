//! Open-loop probes: each attempt starts when it is due, whatever became of the ones before, and every one is recorded.
//! Those that start in an agent are the agent's affair (`agents`).

use std::sync::Arc;
use std::time::Duration;

use crate::evidence::{Attempt, Event, Outcome};
use crate::scenario::{PodSet, Probe, ProbeFrom};
use crate::world::{self, Place, Vantage};

use super::context::Context;
use super::observe::{Answers, Group};
use super::tasks::Tasks;
use super::wait::Bell;

/// Probes that run until they are stopped.
#[derive(Debug)]
pub(super) struct Probes {
    tasks: Tasks,
    stop: Arc<Bell>,
}

impl Probes {
    /// Starts every probe of the scenario whose attempts the runner starts itself.
    pub(super) fn start(context: &Context) -> Self {
        let stop: Arc<Bell> = Arc::default();
        let mut tasks = Tasks::new(&context.recorder);
        let probes = &context.scenario.probes;
        context.board.change(|picture| picture.probes = vec![Answers::default(); probes.len()]);
        for (index, probe) in probes.iter().enumerate().filter(|(_, probe)| !probe.from_cluster()) {
            tasks.spawn(format!("probe {}", probe.name), drive(context.clone(), index, stop.clone()));
        }
        Self { tasks, stop }
    }

    /// Sends nothing more and waits for the answers that are still out: at most one timeout.
    pub(super) async fn finish(mut self) {
        self.stop.ring();
        self.tasks.finish().await;
    }
}

async fn drive(context: Context, index: usize, stop: Arc<Bell>) {
    let probe = &context.scenario.probes[index];
    let clock = context.clock();
    let mut blind = Blind::default();
    let record = |due, ended| match ended {
        Ok(outcome) => {
            blind.end(&context, &probe.name);
            let took = micros(clock.elapsed().saturating_sub(due));
            note(&context, Attempt { probe: index, due: micros(due), took, outcome });
        }
        Err(reason) => blind.still(due, reason),
    };
    world::open_loop(clock, probe.rate, |number, due| attempt(&context, probe, number, due), record, stop.ever()).await;
    blind.end(&context, &probe.name);
}

/// Attempts in a row that could not be sent.
#[derive(Debug, Default)]
struct Blind {
    /// Due time of the first, of the last, and why.
    since: Option<(Duration, Duration, String)>,
}

impl Blind {
    /// One more.
    fn still(&mut self, due: Duration, reason: String) {
        let since = self.since.get_or_insert((due, due, reason));
        since.1 = since.1.max(due);
    }

    /// Puts what was not observed on record: it is neither an answer nor an outage of the service.
    fn end(&mut self, context: &Context, probe: &str) {
        let Some((first, last, reason)) = self.since.take() else { return };
        let (first, last) = (first.as_secs_f64(), last.as_secs_f64());
        let what = format!(
            "probe {probe} saw nothing from +{first:.1}s to +{last:.1}s: its attempts could not be sent ({reason})"
        );
        context.recorder.gap(what, false);
    }
}

/// Records an attempt, and shows it on the board.
pub(super) fn note(context: &Context, attempt: Attempt) {
    let failure = match &attempt.outcome {
        Outcome::Ok { .. } => None,
        Outcome::Status { status } => Some(format!("status {status}")),
        Outcome::Error { reason } => Some(reason.clone()),
        Outcome::Timeout => Some("timeout".to_owned()),
    };
    let (probe, due) = (attempt.probe, Duration::from_micros(attempt.due));
    context.recorder.note(Event::Attempt(attempt));
    context.board.change_if(|picture| picture.probes.get_mut(probe).is_some_and(|answers| answers.take(due, failure)));
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One attempt; `Err` when it could not be sent.
async fn attempt(context: &Context, probe: &Probe, number: u32, due: Duration) -> Result<Outcome, String> {
    let from = match &probe.from {
        Some(ProbeFrom::Pods(set)) => match pod(context, set, number) {
            Some(pod) => pod,
            None => return Ok(Outcome::Error { reason: "no running pod to probe from".to_owned() }),
        },
        Some(ProbeFrom::Cluster) | None => Vantage::Outside,
    };
    let to = place(context, probe);
    // The timeout counts from when the attempt was due.
    let timeout = world::time_left(context.clock(), probe.timeout, due);
    world::attempt(&*context.world.network, &from, &to, probe, timeout).await
}

/// Where an attempt starts: attempts take turns over the running pods of the set, in the order of their names.
fn pod(context: &Context, set: &PodSet, number: u32) -> Option<Vantage> {
    let group = Group::of(Some(set), &context.scenario);
    context.board.look(|picture| {
        let pods = picture.running(&group);
        let pod = pods.get(number as usize % pods.len().max(1))?;
        Some(Vantage::Pod { namespace: pod.seen.namespace.clone(), name: pod.seen.name.clone() })
    })
}

/// Where its attempts go.
pub(super) fn place(context: &Context, probe: &Probe) -> Place {
    match (&probe.service, &probe.url) {
        (Some(port), _) => super::data::service(port, &context.scenario),
        (None, url) => Place::Url(url.clone().unwrap_or_default()),
    }
}
