//! Jepsen's independent keys: each value is a tuple `[key value]`, and is printed like any vector. Decides whether it is one
//! only where it can be nothing else; never guesses.

use super::error::ReadError;
use super::{Keys, rules};
use crate::history::{History, Operation, Value};

/// Functions that send nothing: `[key nil]` in such a call is a tuple for certain.
const SEND_NOTHING: [&str; 6] = ["read", "get", "dequeue", "drain", "acquire", "release"];

/// The history with keys of their own, where its values are tuples.
///
/// # Errors
/// A value that is no tuple where all are to be; values that are all pairs, which may be tuples and may be none.
pub(super) fn split(history: History, keys: Keys) -> Result<History, ReadError> {
    match keys {
        Keys::None => Ok(history),
        Keys::Tuple => match history.operations.iter().find(|one| !is_keyed(one)) {
            Some(strange) => Err(rules::at_call(
                strange,
                format!("{} of {}, which is no pair of a key and a value", strange.function, strange.input),
                "with --keys tuple every value is [key value]; say --keys none if they are values".to_owned(),
            )),
            None => Ok(taken(history)),
        },
        Keys::Known => {
            let keyed = !history.operations.is_empty() && history.operations.iter().all(is_keyed);
            // Compare-and-sets send pairs anyway, and transactions lists: only what holds a pair in a pair may be a tuple.
            match history.operations.iter().find(|one| is_certain(one)) {
                _ if !keyed => Ok(history),
                Some(_) => Ok(taken(history)),
                None if history.operations.iter().all(is_plain_pair) => Ok(history),
                None => Err(either(&history.operations[0])),
            }
        }
    }
}

fn either(first: &Operation) -> ReadError {
    rules::at_call(
        first,
        format!("every value is a pair, like {}: it may be a key with its value, or one value", first.input),
        "say which: --keys tuple for independent keys, --keys none for values that are pairs".to_owned(),
    )
}

/// A pair whose first is a key.
fn pair(value: &Value) -> Option<(&Value, &Value)> {
    match value {
        Value::List(items) if items.len() == 2 && !matches!(items[0], Value::List(_) | Value::Map(_)) => {
            Some((&items[0], &items[1]))
        }
        _ => None,
    }
}

/// Whether its values can be tuples.
fn is_keyed(operation: &Operation) -> bool {
    let keyed = |value: &Value| pair(value).is_some();
    operation.key.is_none() && keyed(&operation.input) && (operation.output == Value::Nil || keyed(&operation.output))
}

/// Whether it is nothing but a tuple: a call that sends nothing for a key, or the micro-operations of one.
fn is_certain(operation: &Operation) -> bool {
    let Some((_, sent)) = pair(&operation.input) else { return false };
    match &*operation.function {
        "txn" => matches!(sent, Value::List(_)),
        function => SEND_NOTHING.contains(&function) && *sent == Value::Nil,
    }
}

/// Whether it sends a pair that is its own and holds no further one.
fn is_plain_pair(operation: &Operation) -> bool {
    &*operation.function == "cas"
        && pair(&operation.input).is_some_and(|(_, to)| !matches!(to, Value::List(items) if items.len() == 2))
}

fn taken(mut history: History) -> History {
    for operation in &mut history.operations {
        if let Some((key, value)) = pair(&operation.input) {
            (operation.key, operation.input) = (Some(key.clone()), value.clone());
        }
        if let Some((_, value)) = pair(&operation.output) {
            operation.output = value.clone();
        }
    }
    history
}
