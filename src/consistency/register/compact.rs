//! From operations of one key to numbers and back: values and moments as 32-bit numbers, answers as indices of the history.
//!
//! Decides nothing.

use super::explain::explain;
use super::{Access, Compact, Judgement, NEVER, NONE, Unsuitable, judge};
use crate::check::{Nil, Options};
use crate::history::{History, Operation, Value};
use crate::intern::{Interner, number_of};
use crate::outcome::Anomaly;

/// The finish of what is known to have happened though no end was recorded: behind all others, but not never.
const LAST: u32 = NEVER - 1;

/// Bytes that judging so many operations of one key holds at most: the operations as numbers, what is known of each value, the
/// order of the blocks and the line.
pub(crate) const fn bytes(operations: usize) -> u64 {
    operations as u64 * 80
}

/// The operations of one key as numbers, and the index in the history of each of them.
///
/// `members` are indices of operations `read`, `write` and `cas` of one key, in the order of their calls. `None` if there is
/// another operation among them, or a compare-and-set that is not a list of two.
#[must_use]
pub fn compact(history: &History, members: &[u32], options: &Options) -> Option<(Compact, Vec<u32>)> {
    let nil = Value::Nil;
    let mut values = Interner::new();
    values.number(options.initial.as_ref().unwrap_or(&nil));
    let moments = Moments::of(history, members);
    let mut accesses = Vec::with_capacity(members.len());
    let mut indices = Vec::with_capacity(members.len());
    for &index in members {
        let operation = &history.operations[index as usize];
        let (reads, writes) = match said(operation, options) {
            Said::Effect(reads, writes) => (reads, writes),
            Said::Nothing => continue,
            Said::Strange => return None,
        };
        let finish = if operation.is_certain() { moments.of_finish(operation) } else { NEVER };
        let reads = reads.map_or(NONE, |value| values.number(value));
        let writes = writes.map_or(NONE, |value| values.number(value));
        accesses.push(Access { start: moments.place(operation.call.at), finish, reads, writes });
        indices.push(index);
    }
    Some((Compact { accesses, values: values.len() }, indices))
}

/// What an operation says of a register.
enum Said<'a> {
    /// What it requires and what it sets.
    Effect(Option<&'a Value>, Option<&'a Value>),
    /// It did not happen, or its answer is unknown.
    Nothing,
    /// It is not one of a register.
    Strange,
}

fn said<'a>(operation: &'a Operation, options: &Options) -> Said<'a> {
    let known = match (&*operation.function, &operation.input) {
        ("read" | "write", _) => true,
        ("cas", Value::List(pair)) => pair.len() == 2,
        _ => false,
    };
    if !known {
        return Said::Strange;
    }
    let (found, set) = (operation.found(), operation.set());
    let silent = options.nil == Nil::Wildcard && found == Some(&Value::Nil);
    // What only looks says nothing without an answer.
    if !operation.counts() || (set.is_none() && (silent || !operation.is_certain())) {
        return Said::Nothing;
    }
    Said::Effect(found, set)
}

/// Moments as they are if they fit into 32 bits, their ranks otherwise.
struct Moments {
    ranks: Option<Vec<u64>>,
}

impl Moments {
    fn of(history: &History, members: &[u32]) -> Self {
        let operations = || members.iter().map(|&index| &history.operations[index as usize]);
        let ends = |operation: &Operation| operation.end.map_or(operation.call.at, |end| end.at.max(operation.call.at));
        if operations().map(ends).max().unwrap_or(0) < u64::from(LAST) - 1 {
            return Self { ranks: None };
        }
        let mut ranks: Vec<_> =
            operations().flat_map(|operation| [operation.call.at, operation.end.map_or(0, |end| end.at)]).collect();
        ranks.sort_unstable();
        ranks.dedup();
        Self { ranks: Some(ranks) }
    }

    /// From 1: moment 0 is when the initial value was written.
    fn place(&self, at: u64) -> u32 {
        match &self.ranks {
            None => u32::try_from(at + 1).expect("all moments fit"),
            Some(ranks) => number_of(ranks.partition_point(|&rank| rank < at) + 1),
        }
    }

    fn of_finish(&self, operation: &Operation) -> u32 {
        operation.end.map_or(LAST, |end| self.place(end.at))
    }
}

/// Judges one key: an order of indices of the history, or an anomaly in words.
///
/// # Errors
///
/// The reason, with indices of the history, why the algorithm does not apply.
pub fn check_key(
    history: &History,
    members: &[u32],
    options: &Options,
) -> Result<Result<Vec<u32>, Anomaly>, Option<Unsuitable>> {
    let (input, indices) = compact(history, members, options).ok_or(None)?;
    let name = |index: u32| indices.get(index as usize).copied().unwrap_or(NONE);
    match judge(&input) {
        Ok(Judgement::Linearizable(mut line)) => {
            for index in &mut line {
                *index = indices[*index as usize];
            }
            Ok(Ok(line))
        }
        Ok(Judgement::Broken(flaw)) => Ok(Err(explain(history, members, &indices, flaw, options))),
        Err(Unsuitable::WrittenTwice { first, second }) => {
            Err(Some(Unsuitable::WrittenTwice { first: name(first), second: name(second) }))
        }
        Err(Unsuitable::Disordered { at }) => Err(Some(Unsuitable::Disordered { at: name(at) })),
    }
}
