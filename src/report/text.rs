//! Words and numbers as every report writes them.

use crate::evidence::WorldName;
use crate::measure::ClockMeasure;
use crate::measure::text::duration;
use crate::verdict::Outcome;

/// The cluster in words: reports always say when it was simulated.
#[must_use]
pub fn world(world: &WorldName) -> String {
    match world {
        WorldName::Embedded => "embedded cluster, simulated".to_owned(),
        WorldName::Live { context, version } => format!("live cluster {context} ({version})"),
    }
}

/// `3 passed, 1 failed, 1 inconclusive`, leaving out what is zero.
#[must_use]
pub fn tally(outcomes: impl Iterator<Item = Outcome>) -> String {
    let mut counts = [0_usize; 3];
    for outcome in outcomes {
        counts[outcome as usize] += 1;
    }
    let [passed, inconclusive, failed] = counts;
    let parts = [(passed, "passed"), (failed, "failed"), (inconclusive, "inconclusive")];
    let words: Vec<_> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "nothing was run".to_owned() } else { words.join(", ") }
}

/// How an agent's clock stood to the run's, and how far times from there may be wrong.
pub(super) fn clock(clock: &ClockMeasure) -> String {
    let way = if clock.offset < 0 { "behind" } else { "ahead of" };
    format!(
        "the clock of agent {} is {} {way} the run's, measured {} times; times from there are right within ±{}, and the offset moved by {}",
        clock.agent,
        duration(clock.offset.unsigned_abs()),
        clock.times,
        duration(clock.error_max),
        duration(clock.spread),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_told_with_its_error() {
        let agent = "shop/agent".to_owned();
        let measured = ClockMeasure { agent, times: 3, offset: -2_500_000, spread: 40, error_max: 900 };
        let expected = "the clock of agent shop/agent is 2.5s behind the run's, measured 3 times; times from there are right within ±900µs, and the offset moved by 40µs";
        assert_eq!(clock(&measured), expected);
    }

    #[test]
    fn a_tally_leaves_out_what_is_zero() {
        use Outcome::{Fail, Inconclusive, Pass};
        assert_eq!(tally([Pass, Pass, Fail].into_iter()), "2 passed, 1 failed");
        assert_eq!(tally([Inconclusive].into_iter()), "1 inconclusive");
        assert_eq!(tally([].into_iter()), "nothing was run");
    }
}
