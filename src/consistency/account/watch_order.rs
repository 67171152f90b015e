//! Gaps in a watch, and revisions against real time. Looks at no single event.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Numbered, who};
use super::watch::{Seen, Watch};
use crate::allowance::{Meter, Stop};
use crate::history::{Completion, Moment, Operation, Value};
use crate::outcome::AnomalyKind;

/// Changes that a watch must have delivered and did not.
pub(super) fn gaps(seen: &Seen<'_>, watch: &Watch<'_>, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    let Some(last) = watch.last() else { return Ok(()) };
    // By revision: every deletion of a key is the same key without a value. Written values are unique.
    let places: BTreeSet<(i64, &Value)> = watch.events.iter().map(|event| (event.revision, event.key)).collect();
    let delivered: BTreeSet<(&Value, &Value)> = watch.events.iter().map(|event| (event.key, event.value)).collect();
    let key = watch.operation.key.as_ref();
    let mut missing: BTreeMap<(&Value, &Value, Option<i64>), (u32, String)> = BTreeMap::new();
    // What others saw between the revisions that this one covers.
    let from = (watch.after.saturating_add(1), &Value::Nil);
    for ((revision, event), (value, other)) in seen.revisions.range(from..) {
        meter.spend(8)?;
        if *revision > last {
            break;
        }
        if watch.covers(event) && !places.contains(&(*revision, *event)) {
            let why = format!("which another watch saw at revision {revision}");
            missing.insert((*event, *value, Some(*revision)), (*other, why));
        }
    }
    // What was acknowledged between writes that this one delivered.
    let own = || watch.events.iter().filter_map(|event| Some(seen.writes.get(&(event.key, event.value))?.1));
    let acknowledged = own().filter(|write| write.completion == Completion::Ok);
    let first: Option<Moment> = acknowledged.map(Operation::finish).min();
    let latest: Option<Moment> = own().map(|write| write.call.at).max();
    if let (Some(first), Some(latest)) = (first, latest) {
        let from = seen.acknowledged.partition_point(|(_, write)| write.call.at <= first);
        for (number, write) in seen.acknowledged[from..].iter().take_while(|(_, write)| write.call.at < latest) {
            meter.spend(8)?;
            let (event, value) = (write.key.as_ref().unwrap_or(&Value::Nil), &write.input);
            let told =
                || missing.range((event, value, Some(i64::MIN))..=(event, value, Some(i64::MAX))).next().is_some();
            if write.finish() < latest && watch.covers(event) && !delivered.contains(&(event, value)) && !told() {
                let why = "which was acknowledged between writes that it saw".to_owned();
                missing.insert((event, value, None), (*number, why));
            }
        }
    }
    for ((event, value, _), (number, why)) in missing {
        let what = match value {
            Value::Nil => format!("the deletion of {event}"),
            value => format!("{value} in {event}"),
        };
        let sentence = format!("{} did not see {what}, {why}", who(watch.operation));
        findings.add(AnomalyKind::Skipped, key, &[number, watch.number], sentence);
    }
    Ok(())
}

/// The revision of each write that was delivered, with the watch that delivered it first.
pub(super) type Known<'a> = BTreeMap<u32, (i64, Numbered<'a>, u32)>;

/// Revisions that contradict real time, and writes that were delivered at two revisions.
pub(super) fn revisions(seen: &Seen<'_>, findings: &mut Findings) {
    let mut known: Known<'_> = BTreeMap::new();
    for ((revision, key), (value, watch)) in &seen.revisions {
        let Some(write) = seen.writes.get(&(*key, *value)) else { continue };
        let first = known.entry(write.0).or_insert((*revision, *write, *watch));
        if first.0 != *revision {
            let sentence = format!("{value} was written once and seen at revisions {} and {revision}", first.0);
            findings.add(AnomalyKind::Duplicate, Some(key), &[write.0, first.2, *watch], sentence);
        }
    }
    let mut calls: Vec<(i64, Numbered<'_>, u32)> = known.into_values().collect();
    let mut reached: Vec<(i64, Numbered<'_>)> = calls.iter().map(|(revision, write, _)| (*revision, *write)).collect();
    reached.extend(seen.watches.iter().filter_map(|watch| Some((watch.last()?, (watch.number, watch.operation)))));
    calls.sort_by_key(|(_, (_, write), _)| write.call.at);
    reached.sort_by_key(|(_, (_, one))| one.finish());
    let mut passed = 0;
    let mut highest: Option<(i64, Numbered<'_>)> = None;
    for (revision, write, watch) in calls {
        while let Some(one) = reached.get(passed).filter(|(_, (_, one))| one.finish() < write.1.call.at) {
            if highest.is_none_or(|(highest, _)| one.0 > highest) {
                highest = Some(*one);
            }
            passed += 1;
        }
        if let Some((before, earlier)) = highest.filter(|(before, _)| *before >= revision) {
            let sentence = format!(
                "{} was written after {}, but got revision {revision}, not above {before}",
                write.1.input,
                reached_by(earlier.1)
            );
            findings.add(AnomalyKind::OutOfOrder, write.1.key.as_ref(), &[earlier.0, write.0, watch], sentence);
        }
    }
}

fn reached_by(earlier: &Operation) -> String {
    match &*earlier.function {
        "write" => format!("{} had been acknowledged", earlier.input),
        _ => format!("the watch of {} had ended", who(earlier)),
    }
}
