//! A set: `add v`, and `read` of all its elements. A state is a vector of bits, by number: sets share what they have in common.

use super::vectors::Vectors;
use super::{Codes, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::{Completion, Operation};
use crate::intern::{Interner, NONE};

#[derive(Clone, Copy)]
enum Effect {
    Add(u32),
    /// Of a set, or of what is none: an element is there twice.
    Read(u32),
}

/// The machine of a set.
pub(crate) struct Set {
    states: Vectors,
    initial: u32,
    effects: Vec<Effect>,
}

/// Bits of a number: a number of 32 would not be one.
const BITS: u32 = 31;

impl Machine for Set {
    fn initial(&self) -> u32 {
        self.initial
    }

    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        match self.effects[code as usize] {
            Effect::Read(seen) => (state == seen).then_some(state),
            Effect::Add(element) => {
                let word = self.states.get(state, element / BITS);
                let bits = word | 1 << (element % BITS);
                Some(if bits == word { state } else { self.states.with(state, element / BITS, bits) })
            }
        }
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

fn listed(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Nil => Some(&[]),
        Value::List(values) => Some(values),
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Text(_) | Value::Keyword(_) | Value::Map(_) => None,
    }
}

/// The set of some elements that all have numbers; [`NONE`] if one is there twice.
fn set_of<'a>(values: &'a [Value], numbers: &mut Interner<'a>, states: &mut Vectors, once: bool) -> u32 {
    let mut words = vec![0_u32; numbers.len().div_ceil(BITS) as usize];
    for value in values {
        let element = numbers.number(value);
        let (word, bit) = (&mut words[(element / BITS) as usize], 1 << (element % BITS));
        if once && *word & bit != 0 {
            return NONE;
        }
        *word |= bit;
    }
    states.of(&words)
}

/// The operations of one key. A read that shows an element twice fits no state.
pub(crate) fn set<'a>(history: &'a History, members: &[u32], options: &'a Options) -> Result<(Set, Steps), String> {
    let mut numbers = Interner::new();
    let initial = options.initial.as_ref().map_or(Some(&[][..]), listed);
    let initial = initial.ok_or("the initial value of the model set is a list")?;
    for value in initial {
        numbers.number(value);
    }
    let reads = |operation: &Operation| {
        &*operation.function == "read"
            && operation.completion == Completion::Ok
            && !is_wildcard(&operation.output, options)
    };
    for &index in members {
        let operation = &history.operations[index as usize];
        match &*operation.function {
            "add" => {
                numbers.number(&operation.input);
            }
            "read" if reads(operation) => {
                let seen = listed(&operation.output).ok_or_else(|| unknown("set", index, operation))?;
                for value in seen {
                    numbers.number(value);
                }
            }
            "read" => {}
            _ => return Err(unknown("set", index, operation)),
        }
    }
    let mut states = Vectors::new(numbers.len().div_ceil(BITS) as usize);
    let initial = set_of(initial, &mut numbers, &mut states, false);
    let mut codes = Codes::new();
    for &index in members {
        let operation = &history.operations[index as usize];
        if &*operation.function == "add" {
            let element = numbers.number(&operation.input);
            let Some(required) = required(operation) else { continue };
            codes.add(index, required, u64::from(element), Effect::Add(element), false);
        } else if reads(operation) {
            let seen = set_of(listed(&operation.output).unwrap_or(&[]), &mut numbers, &mut states, true);
            codes.add(index, true, 1 << 32 | u64::from(seen), Effect::Read(seen), true);
        }
    }
    Ok((Set { states, initial, effects: codes.effects }, codes.steps))
}
