//! Looks after the agent while the run lasts: its probes run in it, what it tells becomes evidence, and when it is lost
//! another one takes its place. What was lost with it is on record as a gap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::evidence::Event;
use crate::scenario::Probe;
use crate::world::Heard;

use super::super::context::Context;
use super::super::probe;
use super::super::tasks::guarded;
use super::super::wait::Bell;
use super::start::{self, Met};

/// Agents of one run, the first one included.
const AT_MOST: u32 = 5;
/// Between two tries to start another one.
const PAUSE: Duration = Duration::from_secs(10);

/// The run's place inside the cluster.
#[derive(Debug)]
pub(in crate::run) struct Inside {
    context: Context,
    stop: Arc<Bell>,
    met: Option<Met>,
    task: Option<JoinHandle<()>>,
}

impl Inside {
    pub(super) fn new(context: &Context, met: Met) -> Self {
        context.present.met(&met.namespace, &met.name);
        Self { context: context.clone(), stop: Arc::default(), met: Some(met), task: None }
    }

    /// Starts the probes.
    pub(in crate::run) fn probe(&mut self) {
        if let Some(met) = self.met.take() {
            let (context, stop) = (self.context.clone(), self.stop.clone());
            self.task = Some(tokio::spawn(async move {
                let recorder = context.recorder.clone();
                guarded(&recorder, "the agent inside the cluster", tend(context, met, stop)).await;
            }));
        }
    }

    /// Stops the probes, hears what is still on its way, and takes leave. May be broken off and begun again: as long as it has
    /// not returned, another agent may be under way.
    pub(in crate::run) async fn finish(&mut self) {
        self.stop.ring();
        if let Some(task) = &mut self.task {
            // A panic is on record.
            let _ = task.await;
            self.task = None;
        }
        if let Some(met) = &self.met {
            self.context.present.gone();
            self.context.world.agents.leave(&met.namespace, &met.name).await;
            self.met = None;
        }
    }
}

async fn tend(context: Context, mut met: Met, stop: Arc<Bell>) {
    loop {
        begin(&context, &met).await;
        let lost = loop {
            tokio::select! {
                biased;
                () = stop.ever() => break None,
                heard = met.heard.recv() => match heard {
                    Some(Heard::Lost(reason)) => break Some(reason),
                    Some(heard) => take(&context, &met, heard),
                    None => break Some(format!("agent {}/{}: nothing more is heard", met.namespace, met.name)),
                },
            }
        };
        let Some(reason) = lost else { break };
        match again(&context, &met, reason, &stop).await {
            Some(next) => met = next,
            None => return,
        }
    }
    end(&context, met).await;
}

/// Starts the probes in an agent.
async fn begin(context: &Context, met: &Met) {
    for (index, wanted) in inside(context) {
        let to = probe::place(context, wanted);
        let started = context.world.agents.probe((&met.namespace, &met.name), index, wanted, &to).await;
        if let Err(reason) = started {
            context.recorder.gap(format!("probe {} could not be started: {reason}", wanted.name), false);
        }
    }
}

fn inside(context: &Context) -> impl Iterator<Item = (usize, &Probe)> {
    context.scenario.probes.iter().enumerate().filter(|(_, probe)| probe.from_cluster())
}

/// Stops the probes and hears what they still tell.
async fn end(context: &Context, mut met: Met) {
    let agents = &context.world.agents;
    for (index, _) in inside(context) {
        agents.stop(&met.namespace, &met.name, index).await;
    }
    let mut rest = VecDeque::new();
    while let Ok(heard) = met.heard.try_recv() {
        rest.push_back(heard);
    }
    for heard in rest {
        match heard {
            Heard::Lost(reason) => record_loss(context, reason),
            heard => take(context, &met, heard),
        }
    }
    context.present.gone();
    agents.leave(&met.namespace, &met.name).await;
    sight(context, None);
}

fn take(context: &Context, met: &Met, heard: Heard) {
    match heard {
        Heard::Attempt(attempt) => probe::note(context, attempt),
        Heard::Clock { offset, error } => {
            let agent = format!("{}/{}", met.namespace, met.name);
            context.recorder.note(Event::Clock { agent, offset, error });
        }
        Heard::Gap { what, recovered } => context.recorder.gap(what, recovered),
        Heard::Blind(reason) => sight(context, reason),
        Heard::Lost(reason) => record_loss(context, reason),
    }
}

/// While the agent is not heard, nobody knows whether its probes are answered: the target does not count as steady.
fn sight(context: &Context, blind: Option<String>) {
    if inside(context).next().is_none() {
        return;
    }
    let what = "the probes from inside the cluster".to_owned();
    context.board.change(|picture| match blind {
        Some(reason) => drop(picture.blind.insert(what, reason)),
        None => drop(picture.blind.remove(&what)),
    });
}

/// Without probes only canaries are affected, and their proof says so; and clients of stores, whose history says so.
fn record_loss(context: &Context, reason: String) {
    let harmless = inside(context).next().is_none();
    context.recorder.gap(reason, harmless);
}

/// Starts another agent in place of one that is lost, unless it is too late.
async fn again(context: &Context, met: &Met, reason: String, stop: &Bell) -> Option<Met> {
    context.present.gone();
    record_loss(context, reason.clone());
    sight(context, Some(reason));
    context.world.agents.leave(&met.namespace, &met.name).await;
    let clock = context.clock();
    for number in met.number + 1..=AT_MOST {
        let next = match start::create(context, number).await {
            Ok(pod) => tokio::select! {
                biased;
                () = stop.ever() => return None,
                next = start::meet(context, pod) => next,
            },
            Err(reason) => Err(reason),
        };
        match next {
            Ok(next) => {
                context.present.met(&next.namespace, &next.name);
                sight(context, None);
                return Some(next);
            }
            Err(reason) => record_loss(context, format!("no other agent: {reason}")),
        }
        tokio::select! {
            biased;
            () = stop.ever() => return None,
            () = clock.sleep(PAUSE) => {}
        }
    }
    None
}
