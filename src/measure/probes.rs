//! Open-loop probes: shares, percentiles and outages. A late answer counts from when it was due; percentiles are exact ranks.

use crate::evidence::{Attempt, Outcome};
use crate::scenario::Probe;

use super::model::{Drift, FaultSpan, ProbeMeasure};
use super::outages::outages;
use super::series::series;
use super::timeline::Timeline;

/// An answer below this is never called late.
const LATE_AT_LEAST: u64 = 100_000;

pub(super) fn probes(timeline: &Timeline<'_>, faults: &[FaultSpan], drifts: &[Drift]) -> Vec<ProbeMeasure> {
    let first = faults.iter().filter_map(|fault| fault.injected).min();
    let probe = |(index, probe): (usize, &Probe)| {
        let mut attempts: Vec<&Attempt> =
            timeline.attempts.iter().copied().filter(|attempt| attempt.probe == index).collect();
        attempts.sort_by_key(|attempt| attempt.due);
        let first = first.unwrap_or(u64::MAX);
        let before: Vec<&Attempt> = attempts.iter().copied().filter(|attempt| attempt.due < first).collect();
        let during: Vec<&Attempt> = attempts
            .iter()
            .copied()
            .filter(|attempt| (first..timeline.observed.max(first)).contains(&attempt.due))
            .collect();
        let answered = latencies(&during);
        let late_from = percentile(&latencies(&before), 50).map_or(u64::MAX, |median| (10 * median).max(LATE_AT_LEAST));
        ProbeMeasure {
            name: probe.name.clone(),
            control: probe.control,
            attempts: during.len() as u64,
            ok: answered.len() as u64,
            late: answered.iter().filter(|took| **took > late_from).count() as u64,
            before: (before.len() as u64, before.iter().filter(|attempt| is_ok(attempt)).count() as u64),
            outages: outages(timeline, &during, faults, drifts),
            p50: percentile(&answered, 50),
            p99: percentile(&answered, 99),
            series: series(&attempts),
        }
    };
    timeline.scenario.probes.iter().enumerate().map(probe).collect()
}

pub(super) const fn is_ok(attempt: &Attempt) -> bool {
    matches!(attempt.outcome, Outcome::Ok { .. })
}

/// Latencies of the answered attempts, sorted.
pub(super) fn latencies(attempts: &[&Attempt]) -> Vec<u64> {
    let mut took: Vec<u64> = attempts.iter().filter(|attempt| is_ok(attempt)).map(|attempt| attempt.took).collect();
    took.sort_unstable();
    took
}

/// The nearest rank: the smallest value that `percent` of all do not exceed. `sorted` ascends.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred: Vec<u64> = (1..=100).collect();
        let table = [
            (&hundred[..], 50, Some(50)),
            (&hundred[..], 99, Some(99)),
            (&hundred[..1], 99, Some(1)),
            (&hundred[..3], 50, Some(2)),
            (&[], 99, None),
        ];
        for (values, percent, expected) in table {
            assert_eq!(percentile(values, percent), expected);
        }
    }
}
