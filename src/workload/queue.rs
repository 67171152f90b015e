//! Unique elements go into queues and come out again; in the end the queues are emptied.

use super::clients::Turn;
use super::{Action, Kind, Verb};

/// Needs no memory: an element is never enqueued twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue;

impl Queue {
    /// What its queues are called.
    pub(super) const WORD: &str = "queue";

    pub(super) fn next(turn: &mut Turn<'_>) -> Action {
        let queue = turn.name(Self::WORD);
        match turn.verb(Kind::Queue.verbs()) {
            Verb::Dequeue => Action::Dequeue { queue },
            _ => Action::Enqueue { queue, element: turn.fresh() },
        }
    }
}
