//! The sequential objects, one after the other: what an operation does, and whether it could have answered as it did.

use std::collections::{BTreeMap, BTreeSet};

use super::{happened, possible};
use crate::check::{Model, Nil, Options};
use crate::history::{Operation, Value};

/// What an object remembers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    One(Value),
    Words(String),
    Elements(BTreeSet<Value>),
    Number(i64),
    Taken(bool),
    Registers(BTreeMap<Value, Value>),
}

pub(super) fn initial(model: Model, options: &Options) -> State {
    let given = options.initial.clone().unwrap_or(Value::Nil);
    match (model, given) {
        (Model::Register, given) => State::One(given),
        (Model::Kv, Value::Text(words)) => State::Words(words.to_string()),
        (Model::Kv, _) => State::Words(String::new()),
        (Model::Set, Value::List(elements)) => State::Elements(elements.iter().cloned().collect()),
        (Model::Set, _) => State::Elements(BTreeSet::new()),
        (Model::Counter, Value::Int(number)) => State::Number(number),
        (Model::Counter, _) => State::Number(0),
        (Model::Mutex, _) => State::Taken(false),
        (Model::MultiRegister, _) => State::Registers(BTreeMap::new()),
        (model, _) => panic!("{model} is no sequential object here"),
    }
}

/// Whether an order is about this operation at all: not if it did not happen, and not if it only reads and nobody heard what.
pub(super) fn matters(operation: &Operation, model: Model, options: &Options) -> bool {
    let reads = matches!(&*operation.function, "read" | "get");
    let silent = |value: &Value| options.nil == Nil::Wildcard && *value == Value::Nil;
    match &operation.saw {
        Some(saw) => !silent(saw),
        None if reads => happened(operation) && !(silent(&operation.output) && model != Model::Counter),
        None => possible(operation),
    }
}

/// The object after the operation; none if it would have answered otherwise.
pub(super) fn step(state: &State, operation: &Operation, model: Model, options: &Options) -> Option<State> {
    let (input, output) = (&operation.input, &operation.output);
    match (state, &*operation.function) {
        (State::One(value), "read") => (value == output).then(|| state.clone()),
        (State::One(_), "write") => Some(State::One(input.clone())),
        (State::One(value), "cas") => {
            let Value::List(pair) = input else { panic!("a compare-and-set of {input}") };
            match &operation.saw {
                Some(saw) => (value == &**saw).then(|| state.clone()),
                None => (*value == pair[0]).then(|| State::One(pair[1].clone())),
            }
        }
        (State::Words(words), "get") => (*words == text(output)).then(|| state.clone()),
        (State::Words(_), "put") => Some(State::Words(text(input))),
        (State::Words(words), "append") => Some(State::Words(words.clone() + &text(input))),
        (State::Elements(elements), "add") => {
            let mut more = elements.clone();
            more.insert(input.clone());
            Some(State::Elements(more))
        }
        (State::Elements(elements), "read") => {
            let mut seen = items(output);
            seen.sort();
            seen.iter().eq(elements.iter()).then(|| state.clone())
        }
        (State::Number(number), "add") => Some(State::Number(number + whole(input))),
        (State::Number(number), "read") => (*number == whole(output)).then(|| state.clone()),
        (State::Taken(taken), "acquire") => (!taken).then_some(State::Taken(true)),
        (State::Taken(taken), "release") => taken.then_some(State::Taken(false)),
        (State::Registers(registers), "txn") => {
            let mut registers = registers.clone();
            let default = options.initial.clone().unwrap_or(Value::Nil);
            let micros = if happened(operation) && *output != Value::Nil { output } else { input };
            for micro in items(micros) {
                let [word, key, value] = <[Value; 3]>::try_from(items(&micro)).expect("an access of three parts");
                let silent = !happened(operation) || (options.nil == Nil::Wildcard && value == Value::Nil);
                if text(&word) == "w" {
                    registers.insert(key, value);
                } else if !silent && *registers.get(&key).unwrap_or(&default) != value {
                    return None;
                }
            }
            Some(State::Registers(registers))
        }
        (_, function) => panic!("the model {model} has no {function}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.to_string(),
        Value::Nil => String::new(),
        other => panic!("{other} is no text"),
    }
}

/// The parts of a list; nil is an empty one.
pub(super) fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::List(items) => items.to_vec(),
        Value::Nil => Vec::new(),
        other => panic!("{other} is no list"),
    }
}

/// A whole number.
pub(super) fn whole(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        other => panic!("{other} is no whole number"),
    }
}
