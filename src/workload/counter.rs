//! Additions to counters, and reads that must lie between all that surely and all that possibly were added.

use super::clients::Turn;
use super::{Action, Kind, Verb};

/// Needs no memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter;

/// The largest addition.
const AMOUNT_MAX: u32 = 5;

impl Counter {
    /// What its counters are called.
    pub(super) const WORD: &str = "counter";

    pub(super) fn next(turn: &mut Turn<'_>) -> Action {
        let counter = turn.name(Self::WORD);
        match turn.verb(Kind::Counter.verbs()) {
            Verb::Read => Action::Count { counter },
            _ => Action::Increment { counter, by: turn.amount(AMOUNT_MAX) },
        }
    }
}
