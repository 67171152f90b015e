//! Gaps in a watch, and revisions against real time. Looks at no single event.

use std::collections::BTreeMap;

use super::findings::{Findings, Numbered, who};
use super::watch::{Seen, Watch};
use crate::allowance::{Meter, Stop};
use crate::history::{Completion, Moment, Operation, Value};
use crate::outcome::AnomalyKind;

/// Changes that a watch must have delivered and did not.
pub(super) fn gaps(seen: &Seen<'_>, watch: &Watch<'_>, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    let Some(last) = watch.events.iter().map(|event| event.revision).max() else { return Ok(()) };
    let delivered: BTreeMap<(&Value, &Value), i64> =
        watch.events.iter().map(|event| ((event.key, event.value), event.revision)).collect();
    let key = watch.operation.key.as_ref();
    let mut missing: BTreeMap<(&Value, &Value), (u32, String)> = BTreeMap::new();
    // What others saw between the revisions that this one covers.
    let from = (watch.after.saturating_add(1), &Value::Nil);
    for ((revision, event), (value, other)) in seen.revisions.range(from..) {
        meter.spend(8)?;
        if *revision > last {
            break;
        }
        if watch.covers(event) && !delivered.contains_key(&(*event, *value)) {
            missing.insert((*event, *value), (*other, format!("which another watch saw at revision {revision}")));
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
            if write.finish() < latest && watch.covers(event) && !delivered.contains_key(&(event, value)) {
                let why = "which was acknowledged between writes that it saw".to_owned();
                missing.entry((event, value)).or_insert((*number, why));
            }
        }
    }
    for ((event, value), (number, why)) in missing {
        let sentence = format!("{} did not see {value} in {event}, {why}", who(watch.operation));
        findings.add(AnomalyKind::Skipped, key, &[number, watch.number], sentence);
    }
    Ok(())
}

/// Revisions that contradict real time, and writes that were delivered at two revisions.
pub(super) fn revisions(seen: &Seen<'_>, findings: &mut Findings) {
    let mut of_write: BTreeMap<u32, (i64, Numbered<'_>, u32)> = BTreeMap::new();
    for ((revision, key), (value, watch)) in &seen.revisions {
        let Some(write) = seen.writes.get(&(*key, *value)) else { continue };
        let known = of_write.entry(write.0).or_insert((*revision, *write, *watch));
        if known.0 != *revision {
            let sentence = format!("{value} was written once and seen at revisions {} and {revision}", known.0);
            findings.add(AnomalyKind::Duplicate, Some(key), &[write.0, known.2, *watch], sentence);
        }
    }
    let mut calls: Vec<(i64, Numbered<'_>, u32)> = of_write.into_values().collect();
    let mut ends = calls.clone();
    calls.sort_by_key(|(_, (_, write), _)| write.call.at);
    ends.sort_by_key(|(_, (_, write), _)| write.finish());
    let mut passed = 0;
    let mut highest: Option<(i64, Numbered<'_>, u32)> = None;
    for (revision, write, watch) in calls {
        while let Some(one) = ends.get(passed).filter(|(_, (_, one), _)| one.finish() < write.1.call.at) {
            if highest.is_none_or(|(highest, _, _)| one.0 > highest) {
                highest = Some(*one);
            }
            passed += 1;
        }
        if let Some((before, earlier, _)) = highest.filter(|(before, _, _)| *before >= revision) {
            let sentence = format!(
                "{} was written after {} had been acknowledged, but got revision {revision}, not above {before}",
                write.1.input, earlier.1.input
            );
            findings.add(AnomalyKind::OutOfOrder, write.1.key.as_ref(), &[earlier.0, write.0, watch], sentence);
        }
    }
}
