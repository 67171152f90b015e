//! Judges the picture at every change, records each transition, and lets the runner wait for a steady stretch.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::evidence::Event;
use crate::world::Clock;

use super::super::News;
use super::super::context::Context;

/// Whether the target is steady now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct Steadiness {
    /// Since when, while it is.
    pub(in crate::run) since: Option<Duration>,
    /// What is missing, while it is not.
    pub(in crate::run) reason: String,
}

/// The task that judges; ends when dropped.
#[derive(Debug)]
pub(in crate::run) struct Watcher {
    state: watch::Receiver<Steadiness>,
    clock: Clock,
    #[expect(dead_code, reason = "held for its drop, which ends the task")]
    task: JoinSet<()>,
}

impl Watcher {
    pub(in crate::run) fn start(context: &Context) -> Self {
        let (sender, state) = watch::channel(Steadiness::default());
        let mut task = JoinSet::new();
        task.spawn(follow(context.clone(), sender));
        Self { state, clock: context.clock(), task }
    }

    /// Waits until it has been steady for `window`, counted from now at the earliest; it must begin before `bound` is over.
    /// Returns since when it is steady.
    ///
    /// # Errors
    /// What was missing when the time was up.
    pub(in crate::run) async fn hold(&self, window: Duration, bound: Duration) -> Result<Duration, String> {
        let begun = self.clock.elapsed();
        let deadline = begun + bound;
        let mut state = self.state.clone();
        loop {
            let now = state.borrow_and_update().clone();
            let until = match now.since {
                Some(since) => since.max(begun) + window,
                None => deadline,
            };
            if self.clock.elapsed() >= until {
                return now.since.ok_or(now.reason);
            }
            tokio::select! {
                biased;
                changed = state.changed() => {
                    if changed.is_err() {
                        return Err("the watcher has ended".to_owned());
                    }
                }
                () = self.clock.sleep_until(until) => {}
            }
        }
    }
}

async fn follow(context: Context, sender: watch::Sender<Steadiness>) {
    let mut changes = context.board.changes();
    let mut last: Option<bool> = None;
    loop {
        let (judged, whole) = context.board.look(|picture| {
            // Before the probes run, full strength is only half of the steady state: it is waited for, not recorded.
            let whole = picture.probes.len() == context.scenario.probes.len();
            (super::judge(&context.scenario, picture), whole)
        });
        let steady = judged.is_ok();
        let reason = judged.err().unwrap_or_default();
        if whole && last != Some(steady) {
            // The first judgement is a transition only when it is a good one.
            if steady || last.is_some() {
                context.recorder.note(Event::Steady { steady, reason: reason.clone() });
            }
            context.recorder.tell(News::Steady { steady, reason: reason.clone() });
            last = Some(steady);
        }
        sender.send_if_modified(|state| {
            let since = if steady { state.since.or(Some(context.clock().elapsed())) } else { None };
            let now = Steadiness { since, reason };
            let modified = *state != now;
            *state = now;
            modified
        });
        if changes.changed().await.is_err() {
            return;
        }
    }
}
