//! Witnesses: that a few operations cannot be explained, and that therefore the history cannot.
//!
//! The argument, for registers. Let `S` be some operations of one key, and call a requirement of `v` in `S` (a read of `v`, a
//! compare-and-set from `v`, by an operation `r`) *covered* if each write of `v` in the history that may have happened
//!
//! * is in `S`, or
//! * starts after `r` is over, or
//! * was over before an operation `u` of `S` started that did happen, set another value than `v`, and was over before `r` started;
//!
//! and if, where `v` is the initial value, that one counts as written by an operation in `S`. Take any legal line of the history and
//! strike out what is not in `S`, and requirements that are not covered. In the line, the last write before a covered `r` set
//! `v`. It is not one that starts after `r`, nor one that was over before a `u` (that stands between it and `r`, so it was
//! not the last). So it is in `S`, it remains, and it is still the last write before `r`: what is left is legal and in real
//! time. Hence: *if `S`, without the requirements that are not covered, cannot be explained, the history cannot.*
//!
//! For other models nothing smaller than a prefix is claimed: an operation that is over at `t` depends on nothing called
//! after `t`. All operations called before `t`, those that were not over by `t` being optional, must be explainable.

use std::collections::{BTreeMap, BTreeSet};

use super::object::Object;
use super::trial::{self, Trial, explainable, operations};
use super::{Confirmation, Refusal};
use crate::check::Model;
use crate::history::{Completion, History, Moment, Operation, Value};

/// Orders of a witness that are tried at most: six operations have 720.
const WITNESS_STEPS: u64 = 100_000;
const MORE_STEPS: u64 = 1_000_000;
/// A closure or a prefix above this many operations is not tried.
const MORE_MAX: usize = 2_000;

pub(super) fn check(history: &History, object: &Object, witness: &[u32]) -> Result<Confirmation, Refusal> {
    let Some(&first) = witness.first() else {
        return Err(Refusal::Undecided("the anomaly has no witness".to_owned()));
    };
    if let Some(&index) = witness.iter().find(|&&index| index as usize >= history.operations.len()) {
        return Err(Refusal::Wrong(format!("there is no operation {index} for the witness")));
    }
    let key = object.key(&history.operations[first as usize]);
    let members: Vec<u32> = (0_u32..)
        .zip(&history.operations)
        .filter(|(_, operation)| object.key(operation) == key)
        .map(|(index, _)| index)
        .collect();
    if object.model == Model::Register {
        let needed: BTreeSet<_> =
            witness.iter().filter_map(|&index| history.operations[index as usize].found()).collect();
        let few = writers(history, &members, |value| needed.contains(value));
        if covered(history, object, witness, &few, WITNESS_STEPS) == Some(false) {
            return Ok(Confirmation::Witness);
        }
        let all = writers(history, &members, |_| true);
        let more = closure(history, witness, &all);
        if more.len() <= MORE_MAX && covered(history, object, &more, &all, MORE_STEPS) == Some(false) {
            return Ok(Confirmation::Closure { operations: more.len() });
        }
    }
    replay(history, object, &members, history.operations[first as usize].finish())
}

/// What may have written each value.
type Writers<'a> = BTreeMap<&'a Value, Vec<u32>>;

fn writers<'a>(history: &'a History, members: &[u32], wanted: impl Fn(&Value) -> bool) -> Writers<'a> {
    let mut writers: Writers = BTreeMap::new();
    for &index in members {
        let operation = &history.operations[index as usize];
        if let Some(value) = operation.set()
            && wanted(value)
        {
            writers.entry(value).or_default().push(index);
        }
    }
    writers
}

/// Whether the operations of `chosen` can be explained, without the requirements that are not covered.
fn covered(history: &History, object: &Object, chosen: &[u32], writers: &Writers, steps: u64) -> Option<bool> {
    let mut trials = operations(history, object, chosen);
    let inside: Vec<&Operation> = trials.iter().map(|trial| trial.operation).collect();
    let is_covered = |trial: &Trial| match trial.operation.found() {
        None => true,
        Some(value) => writers.get(value).into_iter().flatten().all(|index| {
            let writer = &history.operations[*index as usize];
            chosen.contains(index)
                || writer.call.at > trial.operation.finish()
                || overwritten(&inside, writer, trial.operation, value)
        }),
    };
    trials.retain_mut(|trial| {
        trial.blind = !is_covered(trial);
        // A read without its requirement says nothing at all.
        !(trial.blind && trial.operation.set().is_none()) && trial.operation.counts()
    });
    trial::explainable(object, &trials, steps)
}

fn overwritten(inside: &[&Operation], writer: &Operation, reader: &Operation, value: &Value) -> bool {
    inside.iter().any(|other| {
        other.completion == Completion::Ok
            && other.set().is_some_and(|set| set != value)
            && writer.finish() < other.call.at
            && other.finish() < reader.call.at
    })
}

/// The witness with all that may have written what its operations require, what those require, and so on.
fn closure(history: &History, witness: &[u32], writers: &Writers) -> Vec<u32> {
    let mut chosen = witness.to_vec();
    let mut known: BTreeSet<u32> = witness.iter().copied().collect();
    let mut place = 0;
    while place < chosen.len() && chosen.len() <= MORE_MAX {
        let needs = history.operations[chosen[place] as usize].found();
        place += 1;
        let more = needs.and_then(|value| writers.get(value)).into_iter().flatten();
        chosen.extend(more.copied().filter(|index| known.insert(*index)));
    }
    chosen
}

/// All operations of the key that were called before `end`, of which those that were not over by then are optional; if that
/// shows nothing, all operations of the key.
fn replay(history: &History, object: &Object, members: &[u32], end: Moment) -> Result<Confirmation, Refusal> {
    for end in [end, Moment::MAX] {
        let mut trials = operations(history, object, members);
        trials.retain(|trial| trial.operation.call.at <= end);
        for trial in &mut trials {
            trial.must &= trial.operation.finish() <= end;
        }
        let count = trials.len();
        if count > MORE_MAX {
            return Err(Refusal::Undecided(format!("{count} operations are too many to try all their orders")));
        }
        match explainable(object, &trials, MORE_STEPS) {
            Some(false) => return Ok(Confirmation::Replay { operations: count }),
            Some(true) => {}
            None => return Err(Refusal::Undecided(format!("the orders of {count} operations are too many to try"))),
        }
    }
    Err(Refusal::Wrong("there is an order that explains all operations of the key".to_owned()))
}
