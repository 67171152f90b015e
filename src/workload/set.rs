//! Acknowledged adds of unique elements, read back now and then from one replica and in the end from each.

use super::clients::Turn;
use super::{Action, Kind, Target, Verb};

/// Needs no memory: an element is never added twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set;

impl Set {
    /// What its sets are called.
    pub(super) const WORD: &str = "set";

    pub(super) fn next(turn: &mut Turn<'_>) -> (Target, Action) {
        let set = turn.name(Self::WORD);
        match turn.verb(Kind::Set.verbs()) {
            Verb::Read => (Target::Replica(turn.replica()), Action::Members { set }),
            _ => (Target::Any, Action::Add { set, element: turn.fresh() }),
        }
    }
}
