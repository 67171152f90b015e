//! Watches: every change once, in the order of revisions, without a gap. Reads no file.
//!
//! An event names its revision; writes do not, so that a write's revision is known from any watch that delivered it. A
//! change is missing from a watch when another watch delivered it between the revisions that this one covers, or when
//! it was acknowledged between two writes that this watch delivered. What comes after a watch's last event may yet come.
//! A deletion is an event without a value that no call here asked for; it is known by its revision.
//!
//! Revisions are whole numbers from 1 that grow with time: what was called after something had been acknowledged, or been delivered
//! to a watch that has ended, has a greater one. So a write that no watch delivered must still find one (`watch_places`).

use std::collections::BTreeMap;

use super::findings::{Findings, Numbered, by_key, list, shape, who, whole, within};
use super::{watch_order, watch_places};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::{ReadError, unique_inputs};
use crate::history::{Completion, History, Operation, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// Accounts for every event of every watch.
///
/// # Errors
/// The first operation that is not of a watch, and the second write of one value to one key.
pub fn check(history: &History, allowance: Allowance<'_>) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| account(history, findings, meter))
}

fn account(history: &History, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    unique_inputs(history, "write", meter)?;
    let keys = by_key(history, "watch", &["write", "watch"], meter)?;
    let all: Vec<Numbered<'_>> = keys.into_values().flatten().collect();
    let seen = Seen::of(&all, meter)?;
    if seen.watches.is_empty() {
        findings.lacks("no watch succeeded: nobody knows what was delivered".to_owned());
    }
    for watch in &seen.watches {
        meter.spend(64 * (watch.events.len() + 1))?;
        seen.events(watch, findings);
        watch_order::gaps(&seen, watch, findings, meter)?;
    }
    watch_order::revisions(&seen, findings);
    watch_places::places(&seen, findings, meter)
}

/// One event.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) revision: i64,
    pub(super) key: &'a Value,
    pub(super) value: &'a Value,
}

/// One watch that ended well.
pub(super) struct Watch<'a> {
    pub(super) number: u32,
    pub(super) operation: &'a Operation,
    /// Revision after which it begins.
    pub(super) after: i64,
    pub(super) events: Vec<Event<'a>>,
}

impl Watch<'_> {
    /// The last revision that it delivered.
    pub(super) fn last(&self) -> Option<i64> {
        self.events.iter().map(|event| event.revision).max()
    }

    /// Whether a key lies below its prefix.
    pub(super) fn covers(&self, key: &Value) -> bool {
        covers(self.operation.key.as_ref(), key)
    }
}

/// Whether a key lies below a prefix; without a prefix all do.
pub(super) fn covers(prefix: Option<&Value>, key: &Value) -> bool {
    match (prefix, key) {
        (Some(Value::Text(prefix)), Value::Text(key)) => key.starts_with(&**prefix),
        (None, _) => true,
        (Some(prefix), key) => prefix == key,
    }
}

/// Everything that was written and everything that was seen.
pub(super) struct Seen<'a> {
    /// Writes by key and value.
    pub(super) writes: BTreeMap<(&'a Value, &'a Value), Numbered<'a>>,
    /// Those that were acknowledged, in the order of their calls.
    pub(super) acknowledged: Vec<Numbered<'a>>,
    pub(super) watches: Vec<Watch<'a>>,
    /// What was delivered at each revision and key, and by which watch first.
    pub(super) revisions: BTreeMap<(i64, &'a Value), (&'a Value, u32)>,
}

impl<'a> Seen<'a> {
    fn of(all: &[Numbered<'a>], meter: &Meter<'_>) -> Result<Self, Stop> {
        let mut seen =
            Self { writes: BTreeMap::new(), acknowledged: Vec::new(), watches: Vec::new(), revisions: BTreeMap::new() };
        for (number, operation) in all.iter().copied() {
            meter.spend(16)?;
            if &*operation.function == "write" {
                if operation.completion == Completion::Ok {
                    seen.acknowledged.push((number, operation));
                }
                // One deletion looks like the other: nobody knows whose an event without a value is.
                if operation.input != Value::Nil {
                    let key = operation.key.as_ref().unwrap_or(&Value::Nil);
                    seen.writes.insert((key, &operation.input), (number, operation));
                }
            } else if operation.completion == Completion::Ok {
                let after = match &operation.input {
                    Value::Nil => 0,
                    input => whole(operation, "a revision, which is a whole number", input)?,
                };
                let events = list(operation, "events, which are a list", &operation.output)?;
                let events = events.iter().map(|one| event(operation, one)).collect::<Result<Vec<_>, _>>()?;
                meter.spend(16 * events.len())?;
                seen.watches.push(Watch { number, operation, after, events });
            }
        }
        seen.acknowledged.sort_by_key(|(_, write)| write.call.at);
        for watch in &seen.watches {
            for event in &watch.events {
                seen.revisions.entry((event.revision, event.key)).or_insert((event.value, watch.number));
            }
        }
        Ok(seen)
    }

    /// Each event alone, and against the one before it.
    fn events(&self, watch: &Watch<'_>, findings: &mut Findings) {
        let key = watch.operation.key.as_ref();
        let whose = who(watch.operation);
        let mut add = |kind, more: &[u32], sentence| {
            let witness: Vec<u32> = more.iter().copied().chain([watch.number]).collect();
            findings.add(kind, key, &witness, sentence);
        };
        let mut before = watch.after;
        let mut delivered: BTreeMap<(i64, &Value), &Value> = BTreeMap::new();
        for event in &watch.events {
            let Event { revision, key, value } = *event;
            if delivered.insert((revision, key), value).is_some() {
                add(AnomalyKind::Duplicate, &[], format!("{whose} saw {key} at revision {revision} twice"));
            } else if revision < before || revision <= watch.after {
                let sentence = format!("{whose} saw revision {revision} after revision {before}");
                add(AnomalyKind::OutOfOrder, &[], sentence);
            }
            before = before.max(revision);
            if !watch.covers(key) {
                add(AnomalyKind::Unexpected, &[], format!("{whose} saw {value} in {key}, which it did not watch"));
            }
            if let Some((other, first)) = self.revisions.get(&(revision, key))
                && *other != value
            {
                let sentence =
                    format!("{whose} saw {value} in {key} at revision {revision}, another watch saw {other}");
                add(AnomalyKind::Divergence, &[*first], sentence);
            }
            match self.writes.get(&(key, value)) {
                // A deletion, and what the store itself puts below the prefix, is written by nobody here.
                None if *value == Value::Nil => {}
                None => {
                    add(AnomalyKind::Unexpected, &[], format!("{whose} saw {value} in {key}, which nobody wrote"));
                }
                Some((number, write)) if write.completion == Completion::Fail => {
                    let sentence = format!("{whose} saw {value} in {key}, but its write had failed");
                    add(AnomalyKind::ReadOfFailed, &[*number], sentence);
                }
                Some((number, write)) if watch.operation.finish() < write.call.at => {
                    let sentence = format!("{whose} saw {value} in {key} before it was written");
                    add(AnomalyKind::ReadFromTheFuture, &[*number], sentence);
                }
                Some(_) => {}
            }
        }
    }
}

fn event<'a>(watch: &Operation, value: &'a Value) -> Result<Event<'a>, ReadError> {
    const WHAT: &str = "an event, which is [revision key value]";
    match value {
        Value::List(parts) if parts.len() == 3 => {
            Ok(Event { revision: whole(watch, WHAT, &parts[0])?, key: &parts[1], value: &parts[2] })
        }
        other => Err(shape(watch, WHAT, other)),
    }
}
