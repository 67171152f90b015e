//! Notices when time itself is not to be trusted: a wall clock that was set, or a machine or process that stood still.
//! Changes nothing; what it notices makes a run inconclusive.

use std::time::Duration;

use jiff::Timestamp;

use crate::world::Clock;

use super::context::Recorder;

/// How often it is looked.
const TICK: Duration = Duration::from_secs(1);
/// A wall clock that is slewed by NTP stays well below this.
const JUMP: Duration = Duration::from_secs(1);
/// A tick that comes so much too late was not a busy machine: the process or the machine stood still.
const LATE: Duration = Duration::from_secs(5);

/// Looks at both clocks until it is dropped. `wall` tells what the wall clock shows.
pub(super) async fn watch(recorder: Recorder, clock: Clock, wall: impl Fn() -> Timestamp) {
    let mut last = (clock.elapsed(), wall());
    loop {
        clock.sleep(TICK).await;
        let now = (clock.elapsed(), wall());
        if let Some(what) = jumped(last, now) {
            recorder.gap(what, false);
        }
        last = now;
    }
}

/// What is wrong between two looks, each at the monotonic clock and at the wall clock.
fn jumped(before: (Duration, Timestamp), now: (Duration, Timestamp)) -> Option<String> {
    let passed = now.0.saturating_sub(before.0);
    let by = now.1.duration_since(before.1) - jiff::SignedDuration::try_from(passed).unwrap_or_default();
    if by.unsigned_abs() > JUMP {
        let way = if by.is_negative() { "back" } else { "forward" };
        let far = by.unsigned_abs().as_secs_f64();
        return Some(format!(
            "the wall clock jumped {far:.1}s {way} against the monotonic clock: it was set, or the machine slept"
        ));
    }
    let late = passed.saturating_sub(TICK);
    (late > LATE).then(|| format!("this process stood still for {:.1}s: nothing was observed", late.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_is_slewed() {
        let wall = |millis: i64| Timestamp::from_millisecond(1_767_225_600_000 + millis).unwrap();
        let at = |mono: u64, millis: i64| (Duration::from_millis(mono), wall(millis));
        for (now, expected) in [
            (at(1_000, 1_000), None),
            (at(1_000, 1_900), None),
            (at(1_000, 4_500), Some("the wall clock jumped 3.5s forward")),
            (at(1_000, -7_000), Some("the wall clock jumped 8.0s back")),
            (at(3_000, 3_000), None),
            (at(9_000, 9_000), Some("this process stood still for 8.0s")),
        ] {
            let found = jumped(at(0, 0), now);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            assert!(
                expected.is_none_or(|words| found.as_ref().is_some_and(|found| found.starts_with(words))),
                "{found:?}"
            );
        }
    }
}
