//! The stages in which faults are injected: each step is a task of its own, so that one that waits for its proof delays
//! no other; on the way out they are healed in reverse order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::plan::{self, Plan, Step};
use crate::scenario::FaultKind;

use super::context::Context;
use super::faults::{self, Ended, Failed, Release};
use super::wait::{stopped, within};
use super::{Stop, inventory};

/// With a node lost the target is given this long to recover at least: default timings need 50 s and 300 s before
/// anything moves, and up to 6 min more for a volume.
const NODE_LOSS: Duration = Duration::from_secs(600);

/// A watch that is broken when a fault is due is waited for this long.
const SIGHT_LIMIT: Duration = Duration::from_secs(120);

/// How the faults ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Injected {
    /// What could not be undone.
    pub(super) dirty: Vec<String>,
    /// Whether a stop was asked for.
    pub(super) interrupted: bool,
    /// When the last of them disturbed the target for the last time.
    pub(super) quiet: Duration,
}

/// The steps that were chosen and have not ended. A node that failed is Ready for a while: only this tells that it is gone.
type InForce = Arc<Mutex<Vec<Step>>>;

/// A step under way.
struct Active {
    release: watch::Sender<bool>,
    task: JoinHandle<Ended>,
}

/// Injects every step when it is due, and returns when all are healed.
pub(super) async fn inject(context: &Context, plan: &Plan, stop: &mut Stop) -> Injected {
    let clock = context.clock();
    let begun = clock.elapsed();
    let in_force = InForce::default();
    let mut active: Vec<Active> = Vec::new();
    for step in &plan.steps {
        let due = begun.saturating_add(step.at);
        tokio::select! {
            biased;
            () = stopped(stop) => return heal_all(active).await,
            () = clock.sleep_until(due) => {}
        }
        let (release, released) = watch::channel(false);
        let task = tokio::spawn(live(context.clone(), step.clone(), in_force.clone(), Release(released)));
        active.push(Active { release, task });
    }
    let mut ends = BTreeMap::new();
    for (index, step) in active.iter_mut().enumerate() {
        let ended = tokio::select! {
            biased;
            () = stopped(stop) => None,
            ended = &mut step.task => Some(ended),
        };
        match ended {
            Some(left) => ends.insert(index, result(left)),
            None => break,
        };
    }
    if ends.len() == active.len() {
        return Injected::of(ends.into_values(), false);
    }
    let rest = active.split_off(ends.len());
    let mut injected = heal_all(rest).await;
    injected.dirty.splice(0..0, ends.into_values().flat_map(|end| end.dirty));
    injected
}

impl Injected {
    fn of(ends: impl IntoIterator<Item = Ended>, interrupted: bool) -> Self {
        let mut all = Self { interrupted, ..Self::default() };
        for end in ends {
            all.dirty.extend(end.dirty);
            all.quiet = all.quiet.max(end.quiet);
        }
        all
    }
}

async fn live(context: Context, planned: Step, in_force: InForce, release: Release) -> Ended {
    sighted(&context, release.clone()).await;
    match choose(&context, &planned, &in_force).await {
        Ok(step) => {
            let ended = faults::live(&context, &step, release).await;
            in_force.lock().await.retain(|other| other.id != step.id);
            ended
        }
        Err(failed) => {
            context.recorder.life(&planned.id, failed.life());
            Ended { dirty: Vec::new(), quiet: context.clock().elapsed() }
        }
    }
}

/// Waits until every watch is there: what is not seen cannot be proven, and would not be known to have been steady.
async fn sighted(context: &Context, mut release: Release) {
    let seeing = context.board.until(|picture| picture.blind.is_empty().then_some(()));
    tokio::select! {
        biased;
        () = release.asked() => {}
        _ = within(context.clock(), SIGHT_LIMIT, seeing) => {}
    }
}

/// The cluster has changed since the plan was made: what it is done to is chosen again, by the same seed, and held against
/// the rails of this moment, beside all that is in force. One step after the other, so that two of the same moment see
/// each other.
async fn choose(context: &Context, planned: &Step, in_force: &InForce) -> Result<Step, Failed> {
    let mut in_force = in_force.lock().await;
    let scenario = &context.scenario;
    let inventory = inventory(&context.world, scenario).await.map_err(|error| error.to_string())?;
    let (seed, run) = (context.seed, &context.run);
    let chosen = plan::choose(scenario, &inventory, seed, run, planned.fault, planned.repeat, &in_force);
    let step = chosen.map_err(|problem| Failed { reason: problem.message, budget: problem.budget })?;
    in_force.push(step.clone());
    Ok(step)
}

/// Heals the last first; each is done before the next one begins.
async fn heal_all(active: Vec<Active>) -> Injected {
    let mut ends = Vec::new();
    for step in active.into_iter().rev() {
        let _ = step.release.send(true);
        ends.push(result(step.task.await));
    }
    Injected::of(ends, true)
}

fn result(ended: Result<Ended, tokio::task::JoinError>) -> Ended {
    ended.unwrap_or_else(|error| Ended {
        dirty: vec![format!("a fault's task broke off, look for what it left: {error}")],
        quiet: Duration::ZERO,
    })
}

/// How long the target may take to become steady again.
pub(super) fn settle_bound(context: &Context) -> Duration {
    let scenario = &context.scenario;
    let rto = scenario.expect.rto.unwrap_or_default();
    let takes_nodes = scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::NodeFailure(_)));
    let lost = if takes_nodes { NODE_LOSS } else { Duration::ZERO };
    rto.mul_f64(1.5).max(scenario.steady.timeout).max(lost)
}
