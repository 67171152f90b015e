//! What a history must hold before a model can judge it: known words, unique values. Judges nothing itself.

use std::collections::BTreeMap;

use super::error::{ReadError, Wrong, quoted};
use crate::allowance::{Meter, Stop};
use crate::history::{History, Operation, Value};

/// Every function of the history is one that the model knows.
///
/// # Errors
/// The first call that it does not know.
pub fn known_functions(history: &History, model: &str, known: &[&str]) -> Result<(), ReadError> {
    let strange = history.operations.iter().find(|operation| !known.contains(&&*operation.function));
    strange
        .map_or(Ok(()), |operation| Err(unknown_function(&operation.function, model, known).on(operation.call.line, 1)))
}

/// What is wrong with a function that the model does not know.
pub(crate) fn unknown_function(function: &str, model: &str, known: &[&str]) -> Wrong {
    Wrong::new(
        format!("unknown function {}", quoted(function)),
        format!("the model {model} knows {}; is another --model meant?", known.join(", ")),
    )
}

/// No two calls of `function` send the same value for the same key.
///
/// # Errors
/// The second of two that do, or that the time is over.
pub(crate) fn unique_inputs(history: &History, function: &str, meter: &Meter<'_>) -> Result<(), Stop> {
    let mut seen: BTreeMap<(&Option<Value>, &Value), u64> = BTreeMap::new();
    for operation in history.operations.iter().filter(|operation| &*operation.function == function) {
        meter.spend(16)?;
        if let Some(line) = seen.insert((&operation.key, &operation.input), operation.call.line) {
            return Err(at_call(
                operation,
                format!(
                    "{function} of {} for the second time, after line {line}",
                    quoted(&operation.input.to_string())
                ),
                "each value may be sent once, else nobody can tell whose it is; give every call a value of its own"
                    .to_owned(),
            )
            .into());
        }
    }
    Ok(())
}

pub(crate) fn at_call(operation: &Operation, what: String, why: String) -> ReadError {
    ReadError { line: operation.call.line, column: 1, what, why }
}
