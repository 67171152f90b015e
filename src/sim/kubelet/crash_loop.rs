//! The back-off of containers that keep ending (CrashLoopBackOff) and of images that cannot be pulled:
//! 10 s doubling to 5 min, forgotten after 10 min without need (client-go `flowcontrol.Backoff`).

use std::time::Duration;

/// First delay.
const FIRST: Duration = Duration::from_secs(10);
/// Longest delay.
const LAST: Duration = Duration::from_secs(300);

/// One container's or image's back-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    delay: Duration,
    updated: Duration,
}

impl Backoff {
    /// The delay that holds now for something that ended at `event`; `None` when it may be tried.
    pub(super) fn holds(&self, event: Duration, now: Duration) -> Option<Duration> {
        let over = self.expired(event) || now.saturating_sub(event) >= self.delay;
        (!over).then_some(self.delay)
    }

    /// Counts one more attempt for something that ended at `event`.
    pub(super) fn next(&mut self, event: Duration, now: Duration) {
        self.delay = if self.expired(event) { FIRST } else { (self.delay * 2).min(LAST) };
        self.updated = now;
    }

    fn expired(&self, event: Duration) -> bool {
        self.delay.is_zero() || event.saturating_sub(self.updated) > LAST * 2
    }

    /// When the delay was counted last.
    pub(super) fn updated(&self) -> Duration {
        self.updated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_at_once_and_then_the_delay_doubles_to_five_minutes() {
        let mut backoff = Backoff::default();
        let mut now = Duration::ZERO;
        let mut delays = Vec::new();
        for _ in 0..8 {
            let held = backoff.holds(now, now).unwrap_or_default();
            delays.push(held.as_secs());
            now += held;
            backoff.next(now, now);
            now += Duration::from_secs(1);
        }
        assert_eq!(delays, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_minutes_of_running_forgive() {
        let mut backoff = Backoff::default();
        backoff.next(Duration::ZERO, Duration::ZERO);
        let after = |seconds| backoff.holds(Duration::from_secs(seconds), Duration::from_secs(seconds));
        assert_eq!(after(600), Some(FIRST));
        assert_eq!(after(601), None);
    }
}
