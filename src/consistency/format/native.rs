//! Driftproof's own histories: JSON Lines, one event a line. Reads and writes text; joins nothing itself.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};

use super::error::{ReadError, Wrong};
use super::join::{Event as Joined, EventType, Joiner};
use super::json;
use super::lines::Lines;
use super::plain;
use super::seen::Seen;
use crate::allowance::Stop;
use crate::history::{Completion, History, Operation, Value};

/// One line, nothing of it copied. Fields that are not known are left out, so that a newer recorder can say more.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Line<'a> {
    pub(crate) i: i64,
    pub(crate) t: i64,
    pub(crate) p: u64,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) f: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) k: Option<Seen<'a>>,
    #[serde(borrow, default)]
    pub(super) v: Option<Seen<'a>>,
    #[serde(borrow, default)]
    pub(crate) node: Option<Cow<'a, str>>,
    /// Absent, or a value that may be null: the key was not there.
    #[serde(borrow, default, deserialize_with = "given")]
    pub(crate) saw: Option<Seen<'a>>,
}

fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Seen<'de>>, D::Error> {
    Seen::deserialize(from).map(Some)
}

impl<'a> Line<'a> {
    /// Reads a line of the file; none if it is blank.
    #[inline]
    pub(crate) fn read(number: u64, line: &'a str) -> Result<Option<Self>, ReadError> {
        let line = line.trim_end();
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        if let Some(plain) = plain::line(line) {
            return Ok(Some(plain));
        }
        serde_json::from_str(line).map(Some).map_err(|error| {
            let column = error.column().saturating_sub(1).min(line.len());
            json::wrong(&error).on(number, column as u64 + 1)
        })
    }

    /// What the event is.
    pub(crate) fn kind(&self) -> Result<EventType, Wrong> {
        EventType::parse(&self.kind)
    }

    /// What was sent or what came back.
    pub(crate) fn value(&self) -> &Seen<'a> {
        self.v.as_ref().unwrap_or(&Seen::Nil)
    }

    /// Gives the event to the joiner.
    pub(crate) fn join(self, number: u64, joiner: &mut Joiner<'_>) -> Result<(), ReadError> {
        let event = self.event(number, joiner);
        event.and_then(|event| joiner.push(event)).map_err(|wrong| wrong.on(number, 1))
    }

    fn event(self, number: u64, joiner: &mut Joiner<'_>) -> Result<Joined, Wrong> {
        let kind = self.kind()?;
        let key = self.k.map(|key| match key {
            Seen::Text(text) => Value::Text(joiner.word(&text)),
            other => other.into_value(),
        });
        Ok(Joined {
            line: number,
            index: Some(self.i),
            time: Some(self.t),
            process: Some(self.p),
            kind,
            function: Some(joiner.word(&self.f)),
            key,
            value: self.v.map_or(Value::Nil, Seen::into_value),
            node: self.node.map(|node| joiner.word(&node)),
            saw: self.saw.map(Seen::into_value),
        })
    }
}

pub(super) fn read(bytes: &[u8], joiner: &mut Joiner<'_>) -> Result<(), Stop> {
    let mut each = |number: u64, line: &str| {
        if let Some(line) = Line::read(number, line)? {
            line.join(number, joiner)?;
        }
        joiner.go_on()
    };
    let mut lines = Lines::default();
    lines.push(bytes, &mut each)?;
    lines.finish(&mut each)
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
