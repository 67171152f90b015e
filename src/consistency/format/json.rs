//! JSON values and the events of Jepsen and Elle as JSON. Joins nothing itself.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::error::{ReadError, Wrong, quoted};
use super::join::{Event, EventType, Joiner};
use super::lines::LineCount;
use crate::history::Value;

/// One array of objects, or one object after the other.
pub(super) fn read(text: &str, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
    let mut lines = LineCount::new(text);
    for item in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let item = item.map_err(|error| wrong(&error).at(text, offset_of(text, &error)))?;
        if item.get().starts_with('[') {
            let events: Vec<&RawValue> = parse(text, item.get())?;
            for event in events {
                push(text, event.get(), &mut lines, joiner)?;
                if joiner.is_over() {
                    break;
                }
            }
        } else {
            push(text, item.get(), &mut lines, joiner)?;
        }
        if joiner.is_over() {
            break;
        }
    }
    Ok(())
}

/// A part of the text as a value of serde's.
fn parse<'a, T: serde::Deserialize<'a>>(text: &str, part: &'a str) -> Result<T, ReadError> {
    serde_json::from_str(part).map_err(|error| wrong(&error).at(text, start_of(text, part) + offset_of(part, &error)))
}

/// Where a part of the text begins in it.
fn start_of(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The byte at which serde stopped.
fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (before + error.column().saturating_sub(1)).min(text.len())
}

#[derive(serde::Deserialize)]
struct Fields<'a> {
    process: Option<Value>,
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    f: Option<Cow<'a, str>>,
    key: Option<Value>,
    value: Option<Value>,
    time: Option<i64>,
    index: Option<i64>,
    #[serde(borrow)]
    node: Option<Cow<'a, str>>,
}

fn push(text: &str, raw: &str, lines: &mut LineCount<'_>, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
    let start = start_of(text, raw);
    let fields: Fields<'_> = parse(text, raw)?;
    let event = event(fields, lines.of(start), joiner);
    let pushed = event.and_then(|event| event.map_or(Ok(()), |event| joiner.push(event)));
    pushed.map_err(|wrong| wrong.at(text, start))
}

/// None if it is not of a client.
fn event(fields: Fields<'_>, line: u64, joiner: &mut Joiner<'_>) -> Result<Option<Event>, Wrong> {
    let process = match fields.process {
        None | Some(Value::Nil) => None,
        Some(Value::Int(process)) if process >= 0 => Some(process.unsigned_abs()),
        Some(Value::Text(_)) => return Ok(None),
        Some(other) => {
            return Err(Wrong::new(
                format!("the process is {}", quoted(&other.to_string())),
                "processes are numbered from 0; the nemesis and its kin have names",
            ));
        }
    };
    let kind = fields
        .kind
        .ok_or_else(|| Wrong::new("an event without a type", "each event has a type of invoke, ok, fail or info"))?;
    // Exports of EDN keep the colon of a keyword now and then.
    let kind = EventType::parse(kind.strip_prefix(':').unwrap_or(&kind))?;
    Ok(Some(Event {
        line,
        index: fields.index,
        time: fields.time,
        process,
        kind,
        function: fields.f.map(|word| joiner.word(word.strip_prefix(':').unwrap_or(&word))),
        key: fields.key,
        value: fields.value.unwrap_or(Value::Nil),
        node: fields.node.map(|node| joiner.word(&node)),
        saw: None,
    }))
}

/// What serde says, with what to do about it.
pub(super) fn wrong(error: &serde_json::Error) -> Wrong {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default().to_lowercase();
    match error.classify() {
        serde_json::error::Category::Eof => Wrong::new(
            format!("the event is cut off ({what})"),
            "remove the last, unfinished event, or record the history again",
        ),
        serde_json::error::Category::Data => {
            Wrong::new(what, "see `driftproof check --help` for what an event looks like")
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            Wrong::new(what, "each event is one JSON object; is the file of this format?")
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

/// A whole number that may be too large for 64 bits with a sign.
pub(super) fn large(value: u64) -> Value {
    i64::try_from(value).map_or_else(|_| Value::Number(Arc::from(value.to_string())), Value::Int)
}

pub(super) struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(large(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Arc::from(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            entries.push((Value::Text(Arc::from(key)), value));
        }
        Value::map(entries).map_err(|key| A::Error::custom(format!("duplicate field {}", quoted(&key.to_string()))))
    }
}

/// A value as JSON. Maps whose keys are not text become lists of pairs, since JSON has no others.
pub(super) fn write(value: &Value, out: &mut String) {
    match value {
        Value::Nil => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(value) => {
            let _ = write!(out, "{value}");
        }
        // A number that JSON does not know: a ratio, a decimal of EDN.
        Value::Number(number) if serde_json::from_str::<f64>(number).is_err() => write_text(number, out),
        Value::Number(number) => out.push_str(number),
        Value::Text(text) | Value::Keyword(text) => write_text(text, out),
        Value::List(items) => write_list(items.iter(), out),
        Value::Map(entries) if entries.iter().all(|(key, _)| matches!(key, Value::Text(_))) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(key, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Map(entries) => {
            let pairs: Vec<Value> =
                entries.iter().map(|(key, value)| Value::List([key.clone(), value.clone()].into())).collect();
            write_list(pairs.iter(), out);
        }
    }
}

fn write_list<'a>(items: impl Iterator<Item = &'a Value>, out: &mut String) {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(']');
}

pub(super) fn write_text(text: &str, out: &mut String) {
    // Writing a text into a text cannot fail.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
