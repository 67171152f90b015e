//! Several registers: `txn [[r k v] [w k v] …]`, all or nothing. A state is the vector of their values, by
//! number: states share what they have in common.

use std::collections::BTreeMap;

use super::vectors::Vectors;
use super::{Codes, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::{Completion, Operation};
use crate::intern::{Interner, number_of};

/// One access of a transaction, by numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Micro {
    Read { register: u32, value: u32 },
    Write { register: u32, value: u32 },
}

/// The machine of several registers.
pub(crate) struct MultiRegister {
    states: Vectors,
    initial: u32,
    transactions: Vec<Vec<Micro>>,
}

impl Machine for MultiRegister {
    fn initial(&self) -> u32 {
        self.initial
    }

    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        let mut after = state;
        for micro in &self.transactions[code as usize] {
            match *micro {
                Micro::Read { register, value } if self.states.get(after, register) != value => return None,
                Micro::Read { .. } => {}
                Micro::Write { register, value } => after = self.states.with(after, register, value),
            }
        }
        Some(after)
    }

    fn is_blind(&self, _code: u32) -> bool {
        false
    }

    fn shown(&self, _state: u32) -> Option<String> {
        None
    }

    fn soon(&self) -> u64 {
        self.states.soon()
    }
}

/// The accesses of one transaction: what was read is in the output where there is one.
fn accesses<'a>(operation: &'a Operation) -> Option<Vec<(bool, &'a Value, &'a Value)>> {
    let happened = operation.completion == Completion::Ok && operation.output != Value::Nil;
    let Value::List(micros) = (if happened { &operation.output } else { &operation.input }) else { return None };
    let access = |micro: &'a Value| match micro {
        Value::List(parts) => match &**parts {
            [word, key, value] => match word.word()?.trim_start_matches(':') {
                "r" | "read" => Some((true, key, value)),
                "w" | "write" => Some((false, key, value)),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    micros.iter().map(access).collect()
}

/// All operations. A transaction of unknown outcome has effects, but what it read is unknown.
pub(crate) fn multi_register<'a>(
    history: &'a History,
    members: &[u32],
    options: &'a Options,
) -> Result<(MultiRegister, Steps), String> {
    let nil = Value::Nil;
    let (mut keys, mut values) = (Interner::new(), Interner::new());
    let initial = initial_values(options)?;
    let default = values.number(options.initial.as_ref().filter(|_| initial.is_empty()).unwrap_or(&nil));
    let mut codes = Codes::new();
    let mut known = BTreeMap::new();
    for &index in members {
        let operation = &history.operations[index as usize];
        let found = if &*operation.function == "txn" { accesses(operation) } else { None };
        let Some(required) = required(operation) else { continue };
        let mut micros = Vec::new();
        for (reads, key, value) in found.ok_or_else(|| unknown("multi-register", index, operation))? {
            let register = keys.number(key);
            if !reads {
                micros.push(Micro::Write { register, value: values.number(value) });
            } else if required && !is_wildcard(value, options) {
                micros.push(Micro::Read { register, value: values.number(value) });
            }
        }
        let pure = !micros.iter().any(|micro| matches!(micro, Micro::Write { .. }));
        let next = number_of(known.len());
        let key = *known.entry(micros.clone()).or_insert(next);
        codes.add(index, required, u64::from(key), micros, pure);
    }
    let mut first = vec![default; keys.len() as usize];
    for (key, value) in &initial {
        if let Some(register) = keys.values().iter().position(|known| known == key) {
            first[register] = values.number(value);
        }
    }
    let mut states = Vectors::new(first.len());
    let initial = states.of(&first);
    Ok((MultiRegister { states, initial, transactions: codes.effects }, codes.steps))
}

/// A map gives each register its own initial value; anything else is the initial value of all.
fn initial_values(options: &Options) -> Result<Vec<(&Value, &Value)>, String> {
    match &options.initial {
        Some(Value::Map(entries)) => Ok(entries.iter().map(|(key, value)| (key, value)).collect()),
        Some(Value::List(_)) => Err("the initial value of the model multi-register is one value or a map".to_owned()),
        Some(Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Text(_) | Value::Keyword(_))
        | None => Ok(Vec::new()),
    }
}
