//! Every order of some operations, tried one after the other.

use std::collections::BTreeSet;

use super::object::{Object, Presence};
use crate::history::{History, Moment, Operation, Value};

/// One operation to be ordered.
#[derive(Clone, Copy)]
pub(super) struct Trial<'a> {
    pub(super) operation: &'a Operation,
    pub(super) must: bool,
    /// Only its effect counts, not what it required: a compare-and-set as a write.
    pub(super) blind: bool,
}

/// Those of `members` that can stand in an order, by their calls.
pub(super) fn operations<'a>(history: &'a History, object: &Object, members: &[u32]) -> Vec<Trial<'a>> {
    let all = members.iter().map(|&index| &history.operations[index as usize]);
    let present = all.filter(|operation| object.presence(operation) != Presence::MustNot);
    let mut found: Vec<_> = present
        .map(|operation| Trial { operation, must: object.presence(operation) == Presence::Must, blind: false })
        .collect();
    found.sort_by_key(|trial| trial.operation.call.at);
    found
}

/// Whether some order explains them; `None` after `limit` steps without an answer.
pub(super) fn explainable(object: &Object, operations: &[Trial], limit: u64) -> Option<bool> {
    let left = operations.iter().filter(|trial| trial.must).count();
    let mut search =
        Search { object, operations, placed: vec![false; operations.len()], tried: BTreeSet::new(), limit };
    search.descend(&object.initial(), left)
}

struct Search<'a> {
    object: &'a Object<'a>,
    operations: &'a [Trial<'a>],
    placed: Vec<bool>,
    /// What was placed, and the state after it, without success.
    tried: BTreeSet<(Vec<bool>, Value)>,
    limit: u64,
}

impl Search<'_> {
    fn descend(&mut self, state: &Value, left: usize) -> Option<bool> {
        if left == 0 {
            return Some(true);
        }
        self.limit = self.limit.checked_sub(1)?;
        // Few operations are quicker tried than remembered.
        if self.operations.len() > 6 && !self.tried.insert((self.placed.clone(), state.clone())) {
            return Some(false);
        }
        let open = |place: &usize| !self.placed[*place];
        let must = (0..self.operations.len()).filter(open).filter(|&place| self.operations[place].must);
        let bound = must.map(|place| self.operations[place].operation.finish()).min().unwrap_or(Moment::MAX);
        for place in 0..self.operations.len() {
            let trial = self.operations[place];
            if self.placed[place] || trial.operation.call.at > bound {
                continue;
            }
            let Some(after) = self.step(state, trial) else { continue };
            self.placed[place] = true;
            if self.descend(&after, left - usize::from(trial.must))? {
                return Some(true);
            }
            self.placed[place] = false;
        }
        Some(false)
    }

    fn step(&self, state: &Value, trial: Trial) -> Option<Value> {
        match &trial.operation.input {
            Value::List(pair) if trial.blind && pair.len() == 2 => Some(pair[1].clone()),
            _ => self.object.after(state, trial.operation),
        }
    }
}
