//! The sequential objects, as a person would define them: values in, values out.
//!
//! Nothing here is fast, and nothing is numbered.

use std::collections::BTreeMap;

use crate::check::{FailedCas, Model, Nil, Options};
use crate::history::{Completion, History, Operation, Value};

/// A model with the way in which its histories are to be read.
pub(super) struct Object<'a> {
    pub(super) model: Model,
    pub(super) options: &'a Options,
}

/// What an operation asks of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It must stand in it.
    Must,
    /// It may.
    May,
    /// It must not: it did not happen, or nobody knows what it saw and it has no effect.
    MustNot,
}

impl Object<'_> {
    pub(super) fn initial(&self) -> Value {
        let given = self.options.initial.clone();
        match self.model {
            Model::Mutex => Value::Bool(false),
            Model::Kv => given.filter(|value| *value != Value::Nil).unwrap_or_else(|| Value::Text("".into())),
            Model::Set => match given {
                Some(Value::List(elements)) => sorted(elements.to_vec()),
                _ => Value::List([].into()),
            },
            Model::MultiRegister => match given {
                Some(Value::Map(entries)) => Value::Map(entries),
                _ => Value::Map([].into()),
            },
            _ => given.unwrap_or(Value::Nil),
        }
    }

    pub(super) fn presence(&self, operation: &Operation) -> Presence {
        let reads =
            matches!((self.model, &*operation.function), (Model::Register | Model::Set, "read") | (Model::Kv, "get"));
        let wildcard = |value: &Value| self.options.nil == Nil::Wildcard && *value == Value::Nil;
        let silent = wildcard(&operation.output);
        if let (Model::Register, Some(saw)) = (self.model, &operation.saw) {
            return if wildcard(saw) { Presence::MustNot } else { Presence::Must };
        }
        match operation.completion {
            Completion::Ok if reads && silent => Presence::MustNot,
            Completion::Ok => Presence::Must,
            Completion::Info if reads => Presence::MustNot,
            Completion::Info => Presence::May,
            Completion::Fail if self.observed(operation) => Presence::Must,
            Completion::Fail => Presence::MustNot,
        }
    }

    /// A failed compare-and-set that says what the state was not.
    fn observed(&self, operation: &Operation) -> bool {
        self.model == Model::Register
            && operation.completion == Completion::Fail
            && &*operation.function == "cas"
            && self.options.failed_cas == FailedCas::Observed
    }

    /// The state after the operation; none where it could not have happened.
    pub(super) fn after(&self, state: &Value, operation: &Operation) -> Option<Value> {
        let same = |legal: bool| legal.then(|| state.clone());
        let (function, input, output) = (&*operation.function, &operation.input, &operation.output);
        match (self.model, function) {
            (Model::Register, "read") => same(state == output),
            (Model::Register, "write") => Some(input.clone()),
            (Model::Register, "cas") => {
                let Value::List(pair) = input else { return None };
                let [from, to] = &**pair else { return None };
                if let Some(saw) = &operation.saw {
                    return same(*state == **saw);
                }
                if operation.completion == Completion::Fail {
                    return same(state != from);
                }
                (state == from).then(|| to.clone())
            }
            (Model::Kv, "get") => same(text(state) == text(output)),
            (Model::Kv, "put") => Some(Value::Text(text(input)?.into())),
            (Model::Kv, "append") => Some(Value::Text(format!("{}{}", text(state)?, text(input)?).into())),
            (Model::Mutex, "acquire") => (*state == Value::Bool(false)).then_some(Value::Bool(true)),
            (Model::Mutex, "release") => (*state == Value::Bool(true)).then_some(Value::Bool(false)),
            (Model::Set, "add") => {
                let mut elements = list(state)?;
                if !elements.contains(input) {
                    elements.push(input.clone());
                }
                Some(sorted(elements))
            }
            (Model::Set, "read") => same(*state == sorted(list(output)?)),
            (Model::MultiRegister, "txn") => self.transaction(state, operation),
            _ => None,
        }
    }

    fn transaction(&self, state: &Value, operation: &Operation) -> Option<Value> {
        let Value::Map(entries) = state else { return None };
        let mut registers: BTreeMap<Value, Value> = entries.iter().cloned().collect();
        let knows = operation.completion == Completion::Ok;
        let micros = if knows && operation.output != Value::Nil { &operation.output } else { &operation.input };
        for micro in list(micros)? {
            let parts = list(&micro)?;
            let [word, key, value] = &*parts else { return None };
            if word.word()?.trim_start_matches(':').starts_with('w') {
                registers.insert(key.clone(), value.clone());
                continue;
            }
            let common = match &self.options.initial {
                Some(Value::Map(_)) | None => Value::Nil,
                Some(value) => value.clone(),
            };
            let silent = !knows || (self.options.nil == Nil::Wildcard && *value == Value::Nil);
            if !silent && registers.get(key).unwrap_or(&common) != value {
                return None;
            }
        }
        Some(Value::Map(registers.into_iter().collect()))
    }

    /// The operations that one order is about: those of a key, or all.
    pub(super) fn partitions(&self, history: &History) -> Vec<Vec<u32>> {
        let mut partitions: BTreeMap<Option<&Value>, Vec<u32>> = BTreeMap::new();
        for (index, operation) in (0_u32..).zip(&history.operations) {
            partitions.entry(self.key(operation)).or_default().push(index);
        }
        partitions.into_values().collect()
    }

    pub(super) fn key<'b>(&self, operation: &'b Operation) -> Option<&'b Value> {
        if self.model == Model::MultiRegister { None } else { operation.key.as_ref() }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Nil => Some(""),
        _ => None,
    }
}

fn list(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(values) => Some(values.to_vec()),
        Value::Nil => Some(Vec::new()),
        _ => None,
    }
}

fn sorted(mut elements: Vec<Value>) -> Value {
    elements.sort();
    Value::List(elements.into())
}
