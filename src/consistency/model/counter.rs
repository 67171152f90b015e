//! A counter: `add n`, and `read`. Not a machine: a search with its own rules walks over its sums.

use super::{Codes, History, Steps, required, unknown};
use crate::history::{Completion, Value};
use crate::intern::Interner;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Raises the counter by this, or lowers it.
    Add(i64),
    /// Requires this value.
    Read(i64),
}

/// The operations of one key, with what each code does. Adds of nothing are left out: they fit anywhere.
pub(crate) fn counter(history: &History, members: &[u32]) -> Result<(Vec<Effect>, Steps), String> {
    let mut numbers = Interner::new();
    let mut codes = Codes::new();
    for &index in members {
        let operation = &history.operations[index as usize];
        match (&*operation.function, &operation.input, &operation.output) {
            ("add", Value::Int(0), _) => {}
            ("add", Value::Int(amount), _) => {
                let Some(required) = required(operation) else { continue };
                let key = u64::from(numbers.number(&operation.input));
                codes.add(index, required, key, Effect::Add(*amount), false);
            }
            ("read", _, _) if operation.completion != Completion::Ok => {}
            ("read", _, Value::Int(value)) => {
                let key = 1 << 32 | u64::from(numbers.number(&operation.output));
                codes.add(index, true, key, Effect::Read(*value), true);
            }
            _ => return Err(unknown("counter", index, operation)),
        }
    }
    Ok((codes.effects, codes.steps))
}
