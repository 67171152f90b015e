//! Words and numbers as every report writes them.

use crate::evidence::WorldName;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_leaves_out_what_is_zero() {
        use Outcome::{Fail, Inconclusive, Pass};
        assert_eq!(tally([Pass, Pass, Fail].into_iter()), "2 passed, 1 failed");
        assert_eq!(tally([Inconclusive].into_iter()), "1 inconclusive");
        assert_eq!(tally([].into_iter()), "nothing was run");
    }
}
