//! Sequential models as machines over numbered states: what each operation requires of a state and makes of it.
//!
//! Know nothing of time, orders or search.

mod counter;
mod kv;
mod mutex;
mod register;
mod set;
mod txn;
mod vectors;

pub(crate) use counter::{Effect as CounterEffect, counter};
pub(crate) use kv::kv;
pub(crate) use mutex::mutex;
pub(crate) use register::register;
pub(crate) use set::set;
pub(crate) use txn::multi_register;

use super::check::{FailedCas, Nil, Options};
use super::history::{Completion, History, Operation, Value};
use super::intern::{Numbers, number_of};

/// A sequential object.
pub(crate) trait Machine {
    /// The state before all operations.
    fn initial(&self) -> u32;

    /// The state after the operation; none where it could not have happened.
    fn step(&mut self, state: u32, code: u32) -> Option<u32>;

    /// Whether the operation can happen in every state and leaves the same one behind.
    fn is_blind(&self, code: u32) -> bool;

    /// The state as people read it, if it is short.
    fn shown(&self, state: u32) -> Option<String>;

    /// Bytes that it holds at most for states that were met, after one more step.
    fn soon(&self) -> u64;
}

/// An operation for a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Its index in the history.
    pub(crate) index: u32,
    /// What it does: operations with one code are the same to the machine.
    pub(crate) code: u32,
    /// Whether it must have happened.
    pub(crate) required: bool,
}

/// The operations of one partition.
#[derive(Default)]
pub(crate) struct Steps {
    /// In the order of their calls.
    pub(crate) steps: Vec<Step>,
    /// By code: whether it never changes a state.
    pub(crate) pure: Vec<bool>,
}

/// Gives out codes: one for each different effect.
struct Codes<Effect> {
    numbers: Numbers,
    effects: Vec<Effect>,
    steps: Steps,
}

impl<Effect> Codes<Effect> {
    fn new() -> Self {
        Self { numbers: Numbers::new(), effects: Vec::new(), steps: Steps::default() }
    }

    /// `key` names the effect: equal keys are equal effects.
    fn add(&mut self, index: u32, required: bool, key: u64, effect: Effect, pure: bool) {
        let code = self.numbers.get(key).unwrap_or_else(|| {
            let code = number_of(self.effects.len());
            self.numbers.insert(key, code);
            self.effects.push(effect);
            self.steps.pure.push(pure);
            code
        });
        // A pure operation that need not have happened says nothing.
        if required || !pure {
            self.steps.steps.push(Step { index, code, required });
        }
    }
}

/// Whether a failed operation of these says something about the state.
pub(crate) fn observes_failure(history: &History, members: &[u32], options: &Options) -> bool {
    options.failed_cas == FailedCas::Observed
        && members
            .iter()
            .map(|&index| &history.operations[index as usize])
            .any(|operation| !operation.counts() && &*operation.function == "cas")
}

/// Whether the operation must have happened, may have, or (none) did not.
fn required(operation: &Operation) -> Option<bool> {
    match operation.completion {
        Completion::Ok => Some(true),
        Completion::Info => Some(false),
        Completion::Fail => None,
    }
}

fn is_wildcard(value: &Value, options: &Options) -> bool {
    options.nil == Nil::Wildcard && *value == Value::Nil
}

/// Operations that a model does not know make the history unreadable for it.
fn unknown(model: &str, index: u32, operation: &Operation) -> String {
    format!(
        "operation {index} of client {}, `{} {}`, is not one of the model {model}",
        operation.process, operation.function, operation.input
    )
}
