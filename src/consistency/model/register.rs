//! A register: `read`, `write v`, `cas [from to]`; one that failed and says what it saw is a read. A state is the number of its value.

use super::{Codes, FailedCas, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::Completion;
use crate::intern::{Interner, NONE};

#[derive(Clone, Copy)]
enum Effect {
    Read(u32),
    Write(u32),
    Cas(u32, u32),
    Other(u32),
}

/// The machine of a register.
pub(crate) struct Register {
    effects: Vec<Effect>,
    values: Vec<Value>,
}

impl Machine for Register {
    fn initial(&self) -> u32 {
        0
    }

    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        match self.effects[code as usize] {
            Effect::Read(value) => (state == value).then_some(state),
            Effect::Write(value) => Some(value),
            Effect::Cas(from, to) => (state == from).then_some(to),
            Effect::Other(value) => (state != value).then_some(state),
        }
    }

    fn is_blind(&self, code: u32) -> bool {
        matches!(self.effects[code as usize], Effect::Write(_))
    }

    fn shown(&self, state: u32) -> Option<String> {
        self.values.get(state as usize).map(ToString::to_string)
    }

    fn soon(&self) -> u64 {
        0
    }
}

/// The operations of one key.
pub(crate) fn register(history: &History, members: &[u32], options: &Options) -> Result<(Register, Steps), String> {
    let nil = Value::Nil;
    let mut values = Interner::new();
    let mut codes = Codes::new();
    values.number(options.initial.as_ref().unwrap_or(&nil));
    for &index in members {
        let operation = &history.operations[index as usize];
        let (effect, happened) = match (&*operation.function, &operation.input) {
            ("read", _) if operation.completion != Completion::Ok || is_wildcard(&operation.output, options) => {
                continue;
            }
            ("read", _) => (Effect::Read(values.number(&operation.output)), Some(true)),
            ("write", value) => (Effect::Write(values.number(value)), required(operation)),
            ("cas", _) if operation.saw.as_ref().is_some_and(|saw| is_wildcard(saw, options)) => continue,
            ("cas", Value::List(pair)) if pair.len() == 2 => {
                if let Some(saw) = &operation.saw {
                    let read = values.number(saw);
                    codes.add(index, true, u64::from(read), Effect::Read(read), true);
                    continue;
                }
                let (from, to) = (values.number(&pair[0]), values.number(&pair[1]));
                match (operation.completion, options.failed_cas) {
                    (Completion::Fail, FailedCas::Observed) => (Effect::Other(from), Some(true)),
                    (Completion::Ok | Completion::Info | Completion::Fail, _) => {
                        (Effect::Cas(from, to), required(operation))
                    }
                }
            }
            _ => return Err(unknown("register", index, operation)),
        };
        let Some(happened) = happened else { continue };
        let (key, pure) = match effect {
            Effect::Read(value) => (u64::from(value), true),
            Effect::Write(value) => (1 << 62 | u64::from(value), false),
            Effect::Cas(from, to) => (2 << 62 | u64::from(from) << 31 | u64::from(to), from == to),
            Effect::Other(value) => (3 << 62 | u64::from(value), true),
        };
        codes.add(index, happened, key, effect, pure);
    }
    forget(&mut codes.effects, values.len());
    let values = values.values().iter().map(|&value| value.clone()).collect();
    Ok((Register { effects: codes.effects, values }, codes.steps))
}

/// Values that nothing asks for are one value: no operation can tell them apart.
fn forget(effects: &mut [Effect], values: u32) {
    let mut asked = vec![false; values as usize];
    for effect in &*effects {
        if let Effect::Read(value) | Effect::Cas(value, _) | Effect::Other(value) = effect {
            asked[*value as usize] = true;
        }
    }
    for effect in effects {
        if let Effect::Write(value) | Effect::Cas(_, value) = effect
            && !asked[*value as usize]
        {
            *value = NONE;
        }
    }
}
