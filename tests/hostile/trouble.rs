//! What a hostile API server does, and when: a schedule made from a seed and nothing else.

use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

/// What can go wrong with a request or a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// 429 with Retry-After.
    Busy,
    /// 500.
    Inner,
    /// 503.
    Unavailable,
    /// Not carried out, and never answered.
    NoAnswer,
    /// Carried out, and never answered.
    LostAnswer,
    /// Carried out, and the connection breaks before the answer.
    Reset,
    /// Answered late.
    Slow,
    /// 409, not carried out.
    Conflict,
    /// 409, carried out: a proxy sent it twice.
    Echo,
    /// A verb that is no longer allowed.
    Forbidden,
    /// The server is away: nothing connects, every watch breaks.
    Away,
    /// A watch ends in the middle.
    Cut,
    /// A watch is told that its version has expired.
    Expired,
    /// A watch event that never comes.
    Dropped,
    /// A watch event that comes twice.
    Doubled,
    /// Watches that say nothing any more and do not end.
    Dead,
}

impl Kind {
    pub(crate) const ALL: [Self; 16] = [
        Self::Busy,
        Self::Inner,
        Self::Unavailable,
        Self::NoAnswer,
        Self::LostAnswer,
        Self::Reset,
        Self::Slow,
        Self::Conflict,
        Self::Echo,
        Self::Forbidden,
        Self::Away,
        Self::Cut,
        Self::Expired,
        Self::Dropped,
        Self::Doubled,
        Self::Dead,
    ];

    /// Whether it befalls the events of a watch, and not a request.
    pub(crate) const fn of_watch(self) -> bool {
        matches!(self, Self::Cut | Self::Expired | Self::Dropped | Self::Doubled | Self::Dead)
    }
}

/// One trouble.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// Since the run began.
    pub(crate) from: Duration,
    pub(crate) until: Duration,
    /// The share of requests or events that it befalls.
    pub(crate) share: f64,
    /// The method that is forbidden.
    pub(crate) method: &'static str,
}

/// Everything that goes wrong in one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) troubles: Vec<Trouble>,
}

/// Runs of the campaign are over after so long, unless a node is lost.
const MOST_RUNS: u64 = 90;

impl Schedule {
    /// One to four troubles. The first goes through all kinds in turn, so that a campaign meets each as often.
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let first = Kind::ALL[usize::try_from(seed).unwrap_or(0) % Kind::ALL.len()];
        let more = dice.random_range(0..4);
        let kinds: Vec<Kind> = (0..more).filter_map(|_| Kind::ALL.choose(&mut dice).copied()).collect();
        let troubles = std::iter::once(first).chain(kinds).map(|kind| trouble(kind, &mut dice)).collect();
        Self { seed, troubles }
    }

    /// The same troubles, so many times sooner and shorter: runs on a real cluster with short timings are.
    pub(crate) fn sooner(mut self, times: u32) -> Self {
        for trouble in &mut self.troubles {
            let lasts = trouble.until.saturating_sub(trouble.from);
            trouble.from /= times;
            // What lasts for ever goes on doing so.
            trouble.until = trouble.from + if lasts > Duration::from_secs(3_600) { lasts } else { lasts / times };
        }
        self
    }

    /// Nothing goes wrong.
    pub(crate) fn none() -> Self {
        Self::default()
    }
}

fn trouble(kind: Kind, dice: &mut ChaCha8Rng) -> Trouble {
    let from = Duration::from_millis(dice.random_range(0..MOST_RUNS * 1_000));
    let lasts = match kind {
        Kind::Away => Duration::from_secs(dice.random_range(1..=30)),
        Kind::Forbidden | Kind::Dead if dice.random_bool(0.5) => Duration::from_secs(100_000),
        _ => Duration::from_secs(dice.random_range(1..=120)),
    };
    // Half of them from the very start: what goes wrong while a run prepares is as likely to be handled badly.
    let from = if dice.random_bool(0.3) { Duration::ZERO } else { from };
    let share = match kind {
        Kind::Away | Kind::Forbidden | Kind::Dead => 1.0,
        _ => [0.05, 0.2, 0.5, 1.0].choose(dice).copied().unwrap_or(0.2),
    };
    let method = ["GET", "POST", "PATCH", "DELETE", "PUT"].choose(dice).copied().unwrap_or("GET");
    Trouble { kind, from, until: from + lasts, share, method }
}
