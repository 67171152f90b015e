//! Clients that take locks and give them back. Who holds one gives it back in its next turn.

use std::sync::Arc;

use super::clients::Turn;
use super::{Action, Outcome};
use crate::consistency::{Completion, Value};

/// What each client holds.
#[derive(Clone, Debug)]
pub(super) struct Lock {
    held: Vec<Option<(Arc<str>, i64)>>,
}

impl Lock {
    /// What its locks are called.
    pub(super) const WORD: &str = "lock";

    pub(super) fn new(clients: usize) -> Self {
        Self { held: vec![None; clients] }
    }

    pub(super) fn next(&mut self, turn: &mut Turn<'_>) -> Action {
        // Drawn in any case, so that what is chosen later does not hang on the outcome.
        let lock = turn.name(Self::WORD);
        match self.held[turn.client].take() {
            Some((lock, token)) => Action::Release { lock, token },
            None => Action::Acquire { lock },
        }
    }

    pub(super) fn completed(&mut self, client: usize, action: &Action, outcome: &Outcome) {
        if let (Action::Acquire { lock }, Completion::Ok, Value::Int(token)) =
            (action, outcome.completion, &outcome.value)
        {
            self.held[client] = Some((lock.clone(), *token));
        }
    }

    /// What is still held is given back in the final phase.
    pub(super) fn give_back(&mut self) -> Vec<Action> {
        let held = self.held.iter_mut().filter_map(Option::take);
        held.map(|(lock, token)| Action::Release { lock, token }).collect()
    }
}
