//! The steady state after the last fault. A probe's attempt that was due in the window and ends late can show that the window
//! was none: what is still on its way is waited for before the target counts as steady. Judges nothing.

use std::time::Duration;

use super::super::context::Context;
use super::Watcher;

/// How often it is looked whether late attempts have ended.
const LOOK: Duration = Duration::from_millis(50);

/// Waits until the target has been steady for its window, counted from `quiet`; that must begin before `bound` is over.
/// Returns since when it is steady.
///
/// # Errors
/// What was missing when the time was up.
pub(in crate::run) async fn settled(
    context: &Context,
    watcher: &Watcher,
    quiet: Duration,
    bound: Duration,
) -> Result<Duration, String> {
    let clock = context.clock();
    let deadline = clock.elapsed() + bound;
    loop {
        let left = deadline.saturating_sub(clock.elapsed());
        let since = watcher.hold_since(quiet, context.scenario.steady.window, left).await?;
        late_answers(context, clock.elapsed()).await;
        if watcher.since() == Some(since) || clock.elapsed() >= deadline {
            return Ok(since);
        }
    }
}

/// Returns when of each probe an attempt has ended that was due at about `until`, and at the latest after their timeout.
async fn late_answers(context: &Context, until: Duration) {
    let clock = context.clock();
    let probes = &context.scenario.probes;
    let limit = until + probes.iter().map(|probe| probe.timeout).max().unwrap_or_default() + LOOK;
    let due = |rate: f64| until.saturating_sub(Duration::try_from_secs_f64(2.0 / rate).unwrap_or(until));
    let pending = || {
        context.board.look(|picture| {
            probes.iter().zip(&picture.probes).any(|(probe, answers)| !answers.reached(due(probe.rate)))
        })
    };
    while clock.elapsed() < limit && pending() {
        clock.sleep(LOOK).await;
    }
}
