//! Text by key: `get`, `put s`, `append s`; initially empty. A state is a text, by number.
//!
//! A text with which no text that was ever got begins is as good as any other such text: nothing but a `put` leads out. All of
//! them are one state. Every other text is the beginning of one that was got, so that no state needs a text of its own: it
//! is a length, and the stretch of the sorted texts that begin so.

use std::sync::Arc;

use super::{Codes, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::Completion;
use crate::intern::{Numbers, Shelf, number_of, soon};

#[derive(Clone, Copy)]
enum Effect {
    Get(u32),
    Put(u32),
    Append(u32),
}

/// The beginning, of some length, of the texts that were got from one place up to another one.
#[derive(Clone, Copy)]
struct Beginning {
    from: u32,
    to: u32,
    length: u32,
}

/// The state of all texts with which nothing begins that was got.
const LOST: u32 = 0;

/// The machine of one text.
pub(crate) struct Text {
    /// What was got, sorted.
    got: Vec<Arc<str>>,
    /// By state; that of the lost one means nothing.
    beginnings: Vec<Beginning>,
    numbers: Numbers,
    initial: u32,
    effects: Vec<Effect>,
    pieces: Shelf,
}

impl Machine for Text {
    fn initial(&self) -> u32 {
        self.initial
    }

    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        match self.effects[code as usize] {
            Effect::Get(text) => (state == text).then_some(state),
            Effect::Put(text) => Some(text),
            Effect::Append(_) if state == LOST => Some(state),
            Effect::Append(piece) => {
                let longer = longer(&self.got, self.beginnings[state as usize], self.pieces.get(piece));
                Some(self.number(longer))
            }
        }
    }

    fn is_blind(&self, code: u32) -> bool {
        matches!(self.effects[code as usize], Effect::Put(_))
    }

    fn shown(&self, state: u32) -> Option<String> {
        let Beginning { from, length, .. } = self.beginnings[state as usize];
        let short = state != LOST && length <= 40;
        short.then(|| format!("`{}`", &self.got[from as usize][..length as usize]))
    }

    fn soon(&self) -> u64 {
        self.numbers.soon() + soon(self.beginnings.len(), self.beginnings.capacity(), size_of::<Beginning>())
    }
}

impl Text {
    fn number(&mut self, beginning: Option<Beginning>) -> u32 {
        let Some(beginning) = beginning else { return LOST };
        let next = number_of(self.beginnings.len());
        let key = u64::from(beginning.from) << 32 | u64::from(beginning.length);
        let number = self.numbers.get_or_insert(key, next);
        if number == next {
            self.beginnings.push(beginning);
        }
        number
    }

    fn text(&mut self, text: &str) -> u32 {
        let all = Beginning { from: 0, to: number_of(self.got.len()), length: 0 };
        let beginning = longer(&self.got, all, text.as_bytes());
        self.number(beginning)
    }
}

/// The beginning with a piece behind it; none if nothing that was got begins so.
fn longer(got: &[Arc<str>], beginning: Beginning, piece: &[u8]) -> Option<Beginning> {
    let Beginning { from, to, length } = beginning;
    let some = &got[from as usize..to as usize];
    let length_now = length as usize;
    let first = some.partition_point(|text| &text.as_bytes()[length_now..] < piece);
    let count = some[first..].partition_point(|text| text.as_bytes()[length_now..].starts_with(piece));
    (count > 0).then(|| {
        let from = from + number_of(first);
        Beginning { from, to: from + number_of(count), length: length + number_of(piece.len()) }
    })
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Nil => Some(""),
        Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Keyword(_) | Value::List(_) | Value::Map(_) => None,
    }
}

/// The operations of one key.
pub(crate) fn kv(history: &History, members: &[u32], options: &Options) -> Result<(Text, Steps), String> {
    let initial = options.initial.as_ref().map_or(Some(""), text);
    let initial = initial.ok_or("the initial value of the model kv is a text")?;
    let (mut got, mut operations) = (Vec::new(), Vec::with_capacity(members.len()));
    for &index in members {
        let operation = &history.operations[index as usize];
        let (kind, words) = match &*operation.function {
            "get" if operation.completion != Completion::Ok || is_wildcard(&operation.output, options) => continue,
            "get" => (0, &operation.output),
            "put" => (1, &operation.input),
            "append" => (2, &operation.input),
            _ => return Err(unknown("kv", index, operation)),
        };
        let words = match words {
            Value::Text(words) => Arc::clone(words),
            Value::Nil => Arc::from(""),
            Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Keyword(_) | Value::List(_) | Value::Map(_) => {
                return Err(unknown("kv", index, operation));
            }
        };
        if kind == 0 {
            got.push(Arc::clone(&words));
        }
        operations.extend(required(operation).map(|required| (index, required, kind, words)));
    }
    got.sort_unstable();
    got.dedup();
    let lost = Beginning { from: 0, to: 0, length: 0 };
    let (numbers, pieces) = (Numbers::new(), Shelf::new());
    let mut machine = Text { got, beginnings: vec![lost], numbers, initial: LOST, effects: Vec::new(), pieces };
    machine.initial = machine.text(initial);
    let mut codes = Codes::new();
    for (index, required, kind, words) in operations {
        let number = if kind == 2 { machine.pieces.number(words.as_bytes()) } else { machine.text(&words) };
        let effect = [Effect::Get, Effect::Put, Effect::Append][kind](number);
        codes.add(index, required, (kind as u64) << 32 | u64::from(number), effect, kind == 0);
    }
    machine.effects = codes.effects;
    Ok((machine, codes.steps))
}
