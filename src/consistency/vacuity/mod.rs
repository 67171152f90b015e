//! Whether a history says enough to mean anything. A history in which nothing happened breaks no promise, and keeps none.
//! Judges no operation.

mod contention;
mod tally;
#[cfg(test)]
mod tests;

pub use tally::{Count, Tally};

use super::history::{Call, History, Operation, Value};
use super::intern::number_of;
use super::outcome::Outcome;

/// A stretch of the history's time, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// What it is called in messages: the name of a fault.
    pub name: String,
    /// Its first nanosecond of the history's clock.
    pub from: i64,
    /// Its last one.
    pub to: i64,
}

/// How many operations of one function must have been acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Least {
    /// The function.
    pub function: String,
    /// In each window. An operation belongs to every window that it overlaps.
    pub in_window: usize,
    /// In the whole history.
    pub in_all: usize,
}

/// What a history needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Acknowledged operations.
    pub least: Vec<Least>,
    /// Some key was used by two operations at once, one of which was no read.
    pub contended: bool,
    /// Each of these replicas answered a read (or one of `reads`) after the last operation that changes anything.
    pub final_reads: Vec<String>,
    /// Functions that change nothing.
    pub reads: Vec<String>,
}

/// What the history lacks, as an outcome; none if it says enough.
#[must_use]
pub fn check(history: &History, windows: &[Window], needs: &Needs) -> Option<Outcome> {
    Tally::of(history, windows.to_vec(), needs.clone()).lacks()
}

impl Tally {
    /// Counts a history that is at hand whole.
    #[must_use]
    pub fn of(history: &History, windows: Vec<Window>, needs: Needs) -> Self {
        let mut tally = Self::new(windows, needs);
        tally.add(history);
        tally
    }

    /// Counts the events of a whole history.
    pub fn add(&mut self, history: &History) {
        let mut events: Vec<(Call, u32)> = Vec::with_capacity(2 * history.operations.len());
        for (number, operation) in (0_u32..).zip(&history.operations) {
            events.extend([Some(operation.call), operation.end].into_iter().flatten().map(|event| (event, number)));
        }
        // Of an operation whose two ends are one, the call stands first: the sort is stable.
        events.sort_by_key(|(event, _)| event.at);
        let mut called = vec![false; number_of(history.operations.len()) as usize];
        for (event, number) in events {
            let operation = &history.operations[number as usize];
            if std::mem::replace(&mut called[number as usize], true) {
                self.end(number, event, operation.completion, operation.node.as_deref());
            } else {
                self.call(number, event, &operation.function, &keys(operation), None);
            }
        }
    }
}

/// Keys of an operation; those of its micro-operations if it is a transaction.
fn keys(operation: &Operation) -> Vec<Option<&Value>> {
    match (&operation.key, &operation.input) {
        (None, Value::List(micros)) if &*operation.function == "txn" => micros
            .iter()
            .filter_map(|micro| match micro {
                Value::List(parts) => parts.get(1).map(Some),
                _ => None,
            })
            .collect(),
        (key, _) => vec![key.as_ref()],
    }
}
