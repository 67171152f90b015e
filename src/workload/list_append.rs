//! Transactions of one to four steps, each of which reads a list or appends a unique element to it. Whoever reads a list
//! sees the order of all appends before it: that makes the anomalies of isolation visible.

use std::sync::Arc;

use super::clients::Turn;
use super::{Action, Micro};

/// Needs no memory: an element is never appended twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append;

const STEPS_MAX: usize = 4;

impl Append {
    /// What its lists are called.
    pub(super) const WORD: &str = "list";

    pub(super) fn next(turn: &mut Turn<'_>) -> Action {
        let steps = (0..=turn.below(STEPS_MAX)).map(|_| {
            let key = turn.name(Self::WORD);
            match turn.below(2) {
                0 => Micro::Read(key),
                _ => Micro::Append(key, turn.fresh()),
            }
        });
        Action::Transact { steps: steps.collect() }
    }

    pub(super) fn read(key: Arc<str>) -> Action {
        Action::Transact { steps: Arc::from([Micro::Read(key)]) }
    }
}
