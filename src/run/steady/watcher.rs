//! Judges the picture at every change, records each transition, and lets the runner wait for a steady stretch.

use std::time::Duration;

use tokio::sync::watch;

use crate::evidence::Event;

use super::super::News;
use super::super::context::Context;
use super::super::tasks::Tasks;

/// The task that judges; ends when dropped.
#[derive(Debug)]
pub(in crate::run) struct Watcher {
    /// Since when the target is steady, while it is.
    state: watch::Receiver<Option<Duration>>,
    context: Context,
    #[expect(dead_code, reason = "held for its drop, which ends the task")]
    task: Tasks,
}

impl Watcher {
    pub(in crate::run) fn start(context: &Context) -> Self {
        let (sender, state) = watch::channel(None);
        let mut task = Tasks::new(&context.recorder);
        task.spawn("the watch for the steady state", follow(context.clone(), sender));
        Self { state, context: context.clone(), task }
    }

    /// Waits until it has been steady for `window`, counted from now at the earliest; it must begin before `bound` is over.
    /// Returns since when it is steady.
    ///
    /// # Errors
    /// What was missing when the time was up.
    pub(in crate::run) async fn hold(&self, window: Duration, bound: Duration) -> Result<Duration, String> {
        self.hold_since(self.context.clock().elapsed(), window, bound).await
    }

    /// The same, counted from a moment that may be over.
    ///
    /// # Errors
    /// What was missing when the time was up.
    pub(in crate::run) async fn hold_since(
        &self,
        from: Duration,
        window: Duration,
        bound: Duration,
    ) -> Result<Duration, String> {
        let clock = self.context.clock();
        let deadline = clock.elapsed() + bound;
        let mut state = self.state.clone();
        loop {
            let since = *state.borrow_and_update();
            let until = since.map_or(deadline, |since| since.max(from) + window);
            if clock.elapsed() >= until {
                return since.ok_or_else(|| self.missing());
            }
            tokio::select! {
                biased;
                changed = state.changed() => {
                    if changed.is_err() {
                        return Err("the watcher has ended".to_owned());
                    }
                }
                () = clock.sleep_until(until) => {}
            }
        }
    }

    /// Since when the target is steady, while it is.
    pub(in crate::run) fn since(&self) -> Option<Duration> {
        *self.state.borrow()
    }

    /// What is missing at this moment.
    fn missing(&self) -> String {
        let judged = self.context.board.look(|picture| super::judge(&self.context.scenario, picture));
        judged.err().unwrap_or_else(|| "it has only just become steady".to_owned())
    }
}

async fn follow(context: Context, sender: watch::Sender<Option<Duration>>) {
    let mut changes = context.board.changes();
    let (clock, window) = (context.clock(), context.scenario.steady.window);
    let mut last: Option<bool> = None;
    let mut told: Option<bool> = None;
    loop {
        let judged = context.board.look(|picture| {
            // Before the probes run, full strength is only half of the steady state: it is waited for, not recorded.
            let whole = picture.probes.len() == context.scenario.probes.len();
            // While pods are missing and that is known, nobody reads which: a large target changes thousands of times.
            let known = (last == Some(false) || !whole) && sender.borrow().is_none();
            if known && super::understaffed(&context.scenario, picture) {
                return None;
            }
            Some((super::judge(&context.scenario, picture), whole))
        });
        if let Some((judged, whole)) = judged {
            let steady = judged.is_ok();
            if whole && last != Some(steady) {
                let reason = judged.err().unwrap_or_default();
                // The first judgement is a transition only when it is a good one.
                if steady || last.is_some() {
                    context.recorder.note(Event::Steady { steady, reason: reason.clone() });
                }
                if !steady && told != Some(false) {
                    context.recorder.tell(News::Steady { steady, reason });
                    told = Some(false);
                }
                last = Some(steady);
            }
            let now = clock.elapsed();
            sender.send_if_modified(|since| {
                let next = steady.then(|| since.unwrap_or(now));
                std::mem::replace(since, next) != next
            });
        }
        // A person is told of a steady state once it has lasted: one that flaps would be a line for each probe.
        let lasts = sender.borrow().filter(|_| last == Some(true) && told != Some(true)).map(|since| since + window);
        if lasts.is_some_and(|lasts| clock.elapsed() >= lasts) {
            context.recorder.tell(News::Steady { steady: true, reason: String::new() });
            told = Some(true);
            continue;
        }
        tokio::select! {
            biased;
            () = changes.rung() => {}
            () = clock.sleep_until(lasts.unwrap_or_default()), if lasts.is_some() => {}
        }
    }
}
