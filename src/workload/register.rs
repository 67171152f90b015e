//! Unique writes, reads and compare-and-set of single keys. A compare-and-set starts from the value that its client saw
//! last, so that clients which share a key contend for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::clients::Turn;
use super::{Action, Kind, Outcome, Verb};
use crate::consistency::{Completion, Value};

/// What each client saw last.
#[derive(Clone, Debug)]
pub(super) struct Register {
    seen: Vec<BTreeMap<Arc<str>, i64>>,
}

/// How many values a client remembers: far more than it has keys in use.
const SEEN_MAX: usize = 4096;

impl Register {
    /// What its keys are called.
    pub(super) const WORD: &str = "k";

    pub(super) fn new(clients: usize) -> Self {
        Self { seen: vec![BTreeMap::new(); clients] }
    }

    pub(super) fn next(&self, turn: &mut Turn<'_>) -> Action {
        let key = turn.name(Self::WORD);
        let known = self.seen[turn.client].get(&key).copied();
        match (turn.verb(Kind::Register.verbs()), known) {
            (Verb::Cas, Some(from)) => Action::Cas { key, from, to: turn.fresh() },
            (Verb::Write, _) => Action::Write { key, value: turn.fresh() },
            // Without a value to start from, a compare-and-set has to find one first.
            _ => Action::Read { key },
        }
    }

    pub(super) fn completed(&mut self, client: usize, action: &Action, outcome: &Outcome) {
        let seen = match (action, outcome.completion, &outcome.value, &outcome.actual) {
            (Action::Write { key, value } | Action::Cas { key, to: value, .. }, Completion::Ok, _, _)
            | (Action::Read { key }, Completion::Ok, Value::Int(value), _)
            | (Action::Cas { key, .. }, Completion::Fail, _, Some(Value::Int(value))) => Some((key, *value)),
            _ => None,
        };
        let known = &mut self.seen[client];
        if known.len() >= SEEN_MAX {
            known.clear();
        }
        match (seen, action.key()) {
            (Some((key, value)), _) => drop(known.insert(key.clone(), value)),
            // What failed or is unknown makes the remembered value doubtful: read again.
            (None, Some(key)) => drop(known.remove(&key)),
            (None, None) => {}
        }
    }
}
