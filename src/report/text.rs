//! Words and numbers as every report writes them.

use crate::evidence::WorldName;
use crate::measure::ClockMeasure;
use crate::measure::text::duration;

/// The cluster in words: reports always say when it was simulated.
#[must_use]
pub fn world(world: &WorldName) -> String {
    match world {
        WorldName::Embedded => "embedded cluster, simulated".to_owned(),
        WorldName::Live { context, version } => format!("live cluster {context} ({version})"),
    }
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
}
