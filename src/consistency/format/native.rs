//! Driftproof's own histories: JSON Lines, one event a line. Reads and writes text; joins nothing itself.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};

use super::error::{ReadError, Wrong};
use super::join::{Event as Joined, EventType, Joiner};
use super::json;
use crate::consistency::history::{Completion, History, Operation, Value};

/// One line. Fields that are not known are left out, so that a newer recorder can say more.
#[derive(Deserialize)]
struct Line<'a> {
    i: i64,
    t: i64,
    p: u64,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    f: Cow<'a, str>,
    #[serde(default)]
    k: Option<Value>,
    #[serde(default)]
    v: Option<Value>,
    #[serde(borrow, default)]
    node: Option<Cow<'a, str>>,
    /// Absent, or a value that may be null: the key was not there.
    #[serde(default, deserialize_with = "given")]
    saw: Option<Value>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// One event to write; the fields of a line in their order.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// `i`: place in the recorder's order.
    pub index: u64,
    /// `t`: nanoseconds of the recorder's clock.
    pub time: i64,
    /// `p`: logical process.
    pub process: u64,
    /// `type`: none for a call.
    pub completion: Option<Completion>,
    /// `f`: what was asked.
    pub function: &'a str,
    /// `k`: the key, if there is one.
    pub key: Option<&'a Value>,
    /// `v`: what was sent or what came back.
    pub value: &'a Value,
    /// `node`: who answered.
    pub node: Option<&'a str>,
    /// `saw`: what a compare-and-set that failed found instead.
    pub saw: Option<&'a Value>,
}

pub(super) fn read(text: &str, mut joiner: Joiner<'_>) -> Result<History, ReadError> {
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            let read: Line<'_> = serde_json::from_str(line.trim_end()).map_err(|error| {
                let column = error.column().saturating_sub(1).min(line.trim_end().len());
                json::wrong(&error).at(text, offset + column)
            })?;
            let event = event(read, number as u64 + 1, &mut joiner);
            event.and_then(|event| joiner.push(event)).map_err(|wrong| wrong.at(text, offset))?;
        }
        offset += line.len();
        if joiner.is_over() {
            break;
        }
    }
    Ok(joiner.finish())
}

fn event(line: Line<'_>, number: u64, joiner: &mut Joiner<'_>) -> Result<Joined, Wrong> {
    let key = line.k.map(|key| match key {
        Value::Text(text) => Value::Text(joiner.word(&text)),
        other => other,
    });
    Ok(Joined {
        line: number,
        index: Some(line.i),
        time: Some(line.t),
        process: Some(line.p),
        kind: EventType::parse(&line.kind)?,
        function: Some(joiner.word(&line.f)),
        key,
        value: line.v.unwrap_or(Value::Nil),
        node: line.node.map(|node| joiner.word(&node)),
        saw: line.saw,
    })
}

impl Event<'_> {
    /// Appends the event as one line, its end included.
    pub fn write(&self, out: &mut String) {
        let kind = match self.completion {
            None => "invoke",
            Some(Completion::Ok) => "ok",
            Some(Completion::Fail) => "fail",
            Some(Completion::Info) => "info",
        };
        let _ = write!(out, r#"{{"i":{},"t":{},"p":{},"type":"{kind}","f":"#, self.index, self.time, self.process);
        json::write_text(self.function, out);
        if let Some(key) = self.key {
            out.push_str(",\"k\":");
            json::write(key, out);
        }
        if *self.value != Value::Nil {
            out.push_str(",\"v\":");
            json::write(self.value, out);
        }
        if let Some(node) = self.node {
            out.push_str(",\"node\":");
            json::write_text(node, out);
        }
        if let Some(saw) = self.saw {
            out.push_str(",\"saw\":");
            json::write(saw, out);
        }
        out.push_str("}\n");
    }
}

/// A whole history, its events in their order.
#[must_use]
pub fn write(history: &History) -> String {
    let mut events: Vec<Event<'_>> =
        history.operations.iter().flat_map(|one| [Some(call(one)), end(one)]).flatten().collect();
    events.sort_by_key(|event| event.index);
    let mut out = String::with_capacity(events.len() * 80);
    for event in &events {
        event.write(&mut out);
    }
    out
}

fn call(operation: &Operation) -> Event<'_> {
    Event {
        index: operation.call.at,
        time: operation.call.time,
        process: operation.process,
        completion: None,
        function: &operation.function,
        key: operation.key.as_ref(),
        value: &operation.input,
        node: operation.node.as_deref(),
        saw: None,
    }
}

fn end(operation: &Operation) -> Option<Event<'_>> {
    let end = operation.end?;
    Some(Event {
        index: end.at,
        time: end.time,
        completion: Some(operation.completion),
        value: &operation.output,
        saw: operation.saw.as_deref(),
        ..call(operation)
    })
}
