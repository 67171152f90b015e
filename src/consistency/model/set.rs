//! A set: `add v`, and `read` of all its elements. A state is the sorted list of the numbers of its elements, by number.

use super::{Codes, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::Completion;
use crate::intern::{Interner, Numbers, Shelf};

#[derive(Clone, Copy)]
enum Effect {
    Add(u32),
    Read(u32),
}

/// The machine of a set.
pub(crate) struct Set {
    states: Shelf,
    effects: Vec<Effect>,
    added: Numbers,
}

fn packed(elements: &[u32]) -> Vec<u8> {
    elements.iter().flat_map(|element| element.to_le_bytes()).collect()
}

fn unpacked(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

impl Machine for Set {
    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        match self.effects[code as usize] {
            Effect::Read(seen) => (state == seen).then_some(state),
            Effect::Add(element) => {
                let key = u64::from(state) << 32 | u64::from(element);
                if let Some(known) = self.added.get(key) {
                    return Some(known);
                }
                let mut elements = unpacked(self.states.get(state));
                if let Err(place) = elements.binary_search(&element) {
                    elements.insert(place, element);
                }
                let after = self.states.number(&packed(&elements));
                self.added.insert(key, after);
                Some(after)
            }
        }
    }

    fn is_blind(&self, _code: u32) -> bool {
        false
    }

    fn shown(&self, _state: u32) -> Option<String> {
        None
    }

    fn held(&self) -> u64 {
        self.states.held() + self.added.bytes()
    }
}

fn elements<'a>(value: &'a Value, numbers: &mut Interner<'a>) -> Option<Vec<u32>> {
    match value {
        Value::Nil => Some(Vec::new()),
        Value::List(values) => {
            let mut elements: Vec<_> = values.iter().map(|value| numbers.number(value)).collect();
            elements.sort_unstable();
            Some(elements)
        }
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Text(_) | Value::Keyword(_) | Value::Map(_) => None,
    }
}

/// The operations of one key. A read that shows an element twice fits no state.
pub(crate) fn set<'a>(history: &'a History, members: &[u32], options: &'a Options) -> Result<(Set, Steps), String> {
    let mut numbers = Interner::new();
    let mut states = Shelf::new();
    let mut codes = Codes::new();
    let initial = options.initial.as_ref().map_or(Some(Vec::new()), |value| elements(value, &mut numbers));
    states.number(&packed(&initial.ok_or("the initial value of the model set is a list")?));
    for &index in members {
        let operation = &history.operations[index as usize];
        match &*operation.function {
            "add" => {
                let element = numbers.number(&operation.input);
                let Some(required) = required(operation) else { continue };
                codes.add(index, required, u64::from(element), Effect::Add(element), false);
            }
            "read" if operation.completion != Completion::Ok || is_wildcard(&operation.output, options) => {}
            "read" => {
                let seen = elements(&operation.output, &mut numbers);
                let seen = seen.ok_or_else(|| unknown("set", index, operation))?;
                let seen = states.number(&packed(&seen));
                codes.add(index, true, 1 << 32 | u64::from(seen), Effect::Read(seen), true);
            }
            _ => return Err(unknown("set", index, operation)),
        }
    }
    Ok((Set { states, effects: codes.effects, added: Numbers::new() }, codes.steps))
}
