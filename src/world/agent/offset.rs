//! The offset between the agent's clock and the run's, as NTP finds it: of several round trips the shortest one counts,
//! and half of it is the error. Clocks drift, so old round trips are forgotten. No I/O.

use std::collections::VecDeque;

/// Round trips older than this no longer count. Microseconds; two clocks that differ by 100 ppm drift by 3 ms meanwhile.
const FORGET_AFTER: u64 = 30_000_000;

/// One round trip. Microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trip {
    at: u64,
    rtt: u64,
    offset: i64,
}

/// An offset with its error. Microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    /// The agent's clock minus the run's.
    pub(super) offset: i64,
    /// The true offset is at most this far away.
    pub(super) error: u64,
}

impl Estimate {
    /// A time of the agent's clock as the run counts it.
    pub(super) fn to_run(self, agent: u64) -> u64 {
        i64::try_from(agent).unwrap_or(i64::MAX).saturating_sub(self.offset).try_into().unwrap_or(0)
    }
}

/// The last round trips.
#[derive(Debug, Default)]
pub(super) struct Offsets(VecDeque<Trip>);

impl Offsets {
    /// Takes a round trip: sent and answered by the run's clock, read by the agent's.
    pub(super) fn take(&mut self, sent: u64, agent: u64, answered: u64) {
        let rtt = answered.saturating_sub(sent);
        let middle = sent + rtt / 2;
        let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        self.0.push_back(Trip { at: answered, rtt, offset: signed(agent) - signed(middle) });
        while self.0.front().is_some_and(|trip| trip.at + FORGET_AFTER < answered) {
            self.0.pop_front();
        }
    }

    /// The best estimate now.
    pub(super) fn best(&self) -> Option<Estimate> {
        let best = self.0.iter().min_by_key(|trip| trip.rtt)?;
        Some(Estimate { offset: best.offset, error: best.rtt.div_ceil(2) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_round_trip_counts_and_its_error_holds() {
        // The agent's clock is 1 s ahead; ways there and back differ, never by more than the error.
        let mut offsets = Offsets::default();
        for (sent, there, back) in [(0, 5_000, 40_000), (100_000, 900, 300), (200_000, 70_000, 2_000)] {
            offsets.take(sent, sent + there + 1_000_000, sent + there + back);
        }
        let best = offsets.best().unwrap();
        assert_eq!(best, Estimate { offset: 1_000_300, error: 600 });
        assert!(best.offset.abs_diff(1_000_000) <= best.error);
        assert_eq!(best.to_run(1_500_300), 500_000);
        assert_eq!(best.to_run(5), 0);
    }

    #[test]
    fn an_agent_that_started_later_is_behind() {
        let mut offsets = Offsets::default();
        offsets.take(10_000_000, 1_000, 10_000_200);
        let best = offsets.best().unwrap();
        assert_eq!((best.offset, best.error), (-9_999_100, 100));
        assert_eq!(best.to_run(2_000), 10_001_100);
    }

    #[test]
    fn old_round_trips_are_forgotten() {
        let mut offsets = Offsets::default();
        offsets.take(0, 0, 10);
        offsets.take(40_000_000, 40_000_900, 40_000_400);
        assert_eq!(offsets.best().unwrap(), Estimate { offset: 700, error: 200 });
    }
}
