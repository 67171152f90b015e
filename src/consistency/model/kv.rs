//! Text by key: `get`, `put s`, `append s`; initially empty. A state is a text, by number.
//!
//! A text with which no text that was ever got begins is as good as any other such text: nothing but a `put` leads out. All of
//! them are one state.

use super::{Codes, History, Machine, Options, Steps, Value, is_wildcard, required, unknown};
use crate::history::Completion;
use crate::intern::{Numbers, Shelf};

#[derive(Clone, Copy)]
enum Effect {
    Get(u32),
    Put(u32),
    Append(u32),
}

/// The machine of one text.
pub(crate) struct Text {
    texts: Shelf,
    effects: Vec<Effect>,
    appended: Numbers,
    /// What was got, sorted; a text lives while one of these begins with it.
    got: Vec<Box<[u8]>>,
    /// The state of all texts that do not.
    lost: u32,
    scratch: Vec<u8>,
}

impl Machine for Text {
    fn step(&mut self, state: u32, code: u32) -> Option<u32> {
        match self.effects[code as usize] {
            Effect::Get(text) => (state == text).then_some(state),
            Effect::Put(text) => Some(text),
            Effect::Append(_) if state == self.lost => Some(state),
            Effect::Append(text) => {
                let key = u64::from(state) << 32 | u64::from(text);
                if let Some(known) = self.appended.get(key) {
                    return Some(known);
                }
                self.scratch.clear();
                self.scratch.extend_from_slice(self.texts.get(state));
                self.scratch.extend_from_slice(self.texts.get(text));
                let after = if lives(&self.got, &self.scratch) { self.texts.number(&self.scratch) } else { self.lost };
                self.appended.insert(key, after);
                Some(after)
            }
        }
    }

    fn is_blind(&self, code: u32) -> bool {
        matches!(self.effects[code as usize], Effect::Put(_))
    }

    fn shown(&self, state: u32) -> Option<String> {
        let text = self.texts.get(state);
        let short = state != self.lost && text.len() <= 40;
        short.then(|| format!("`{}`", String::from_utf8_lossy(text)))
    }

    fn held(&self) -> u64 {
        self.texts.held() + self.appended.bytes()
    }
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
    let mut texts = Shelf::new();
    let mut codes = Codes::new();
    let initial = options.initial.as_ref().map_or(Some(""), text);
    texts.number(initial.ok_or("the initial value of the model kv is a text")?.as_bytes());
    // No text: it is not UTF-8.
    let lost = texts.number(&[0xFF]);
    for &index in members {
        let operation = &history.operations[index as usize];
        let strange = || unknown("kv", index, operation);
        let (input, output) = (text(&operation.input), text(&operation.output));
        let (kind, words) = match &*operation.function {
            "get" if operation.completion != Completion::Ok || is_wildcard(&operation.output, options) => continue,
            "get" => (0, output),
            "put" => (1, input),
            "append" => (2, input),
            _ => return Err(strange()),
        };
        let number = texts.number(words.ok_or_else(strange)?.as_bytes());
        let effect = [Effect::Get, Effect::Put, Effect::Append][kind](number);
        let Some(required) = required(operation) else { continue };
        codes.add(index, required, (kind as u64) << 32 | u64::from(number), effect, kind == 0);
    }
    let mut got: Vec<Box<[u8]>> = Vec::new();
    for effect in &codes.effects {
        if let Effect::Get(text) = effect {
            got.push(texts.get(*text).into());
        }
    }
    got.sort_unstable();
    for effect in &mut codes.effects {
        if let Effect::Put(text) = effect
            && !lives(&got, texts.get(*text))
        {
            *text = lost;
        }
    }
    let machine = Text { texts, effects: codes.effects, appended: Numbers::new(), got, lost, scratch: Vec::new() };
    Ok((machine, codes.steps))
}

/// Whether something that was got begins with the text.
fn lives(got: &[Box<[u8]>], text: &[u8]) -> bool {
    let place = got.partition_point(|got| **got < *text);
    got.get(place).is_some_and(|got| got.starts_with(text))
}
