//! How much must have been acknowledged before silence means anything. Data; the checkers apply it to each window.

use super::{Kind, Verb};

/// A least number of acknowledged operations of one function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The function.
    pub verb: Verb,
    /// How many `ok` in each fault window.
    pub in_window: usize,
    /// How many `ok` in the whole history, the final phase included.
    pub in_all: usize,
}

/// What a history of this workload must have; less is inconclusive. Besides, at least one key must have been used by
/// two clients at once, and each replica must have answered a final read.
#[must_use]
pub fn minima(kind: Kind) -> &'static [Minimum] {
    const fn least(verb: Verb, in_window: usize, in_all: usize) -> Minimum {
        Minimum { verb, in_window, in_all }
    }
    match kind {
        Kind::Register => &const { [least(Verb::Read, 5, 20), least(Verb::Write, 5, 20), least(Verb::Cas, 1, 5)] },
        Kind::Set => &const { [least(Verb::Add, 5, 20), least(Verb::Read, 0, 1)] },
        Kind::Append => &const { [least(Verb::Txn, 5, 50)] },
        Kind::Bank => &const { [least(Verb::Transfer, 5, 20), least(Verb::Read, 2, 10)] },
        Kind::Queue => &const { [least(Verb::Enqueue, 5, 20), least(Verb::Dequeue, 5, 10), least(Verb::Drain, 0, 1)] },
        Kind::Counter => &const { [least(Verb::Add, 5, 20), least(Verb::Read, 2, 10)] },
        Kind::Lock => &const { [least(Verb::Acquire, 2, 10), least(Verb::Release, 1, 5)] },
        Kind::Watch => &const { [least(Verb::Write, 5, 20), least(Verb::Watch, 1, 5)] },
    }
}
