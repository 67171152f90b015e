//! A revision for each acknowledged write that no watch delivered: above all that was reached before it was called, below all
//! that was called after it, and none that a watch of its key covers. Looks at no single event.
//!
//! Revisions are given out when a write ends, in the order of these ends, each the least that is left above all that was reached
//! when the write was called: if any choice is good, this one is. For take a good one, and the first write that it gives
//! another revision than the least. If nobody of its key has the least one, the write may as well have it: less is reached by
//! its end. Else somebody has it who ends later, and the two may change places: what is called after the later end is above
//! both, and so is, of what was reached when the other was called, neither. Where this choice fails, none is good.

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Numbered, who};
use super::watch::{Seen, covers};
use crate::allowance::{Meter, Stop};
use crate::history::{Moment, Value};
use crate::outcome::AnomalyKind;

/// What happens at a moment.
#[derive(Clone, Copy)]
enum Event<'a> {
    /// A write is called that was delivered at this revision.
    Delivered(i64, Numbered<'a>),
    /// A write is called that no watch delivered.
    Unseen(Numbered<'a>),
    /// The write of this number is over.
    Over(u32),
    /// A watch is over that had reached this revision.
    Reached(i64),
}

/// Tells a write for which no revision is left, if nothing else was found to be wrong.
pub(super) fn places(seen: &Seen<'_>, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    if !findings.is_empty() {
        return Ok(());
    }
    let events = events(seen, meter)?;
    let covered = covered(seen);
    // What watches alone rule out is told by itself.
    for sharing in [Sharing::Free, Sharing::Refused] {
        let Err((unseen, late, revision)) = place(seen, &events, &covered, sharing, meter)? else { continue };
        let key = unseen.1.key.as_ref();
        let name = key.unwrap_or(&Value::Nil);
        let why = match sharing {
            Sharing::Free => "watches that cover every revision left for it did not deliver it",
            Sharing::Refused => "watches that did not deliver it and other writes of that key leave no revision for it",
        };
        let sentence = format!(
            "{} of {} in {name} was acknowledged before {} was written, which has revision {revision}, and {why}",
            unseen.1.input,
            who(unseen.1),
            late.1.input,
        );
        findings.add(AnomalyKind::Skipped, key, &[unseen.0, late.0], sentence);
        return Ok(());
    }
    Ok(())
}

fn events<'a>(seen: &Seen<'a>, meter: &Meter<'_>) -> Result<Vec<Event<'a>>, Stop> {
    let mut delivered: BTreeMap<u32, (i64, Numbered<'a>)> = BTreeMap::new();
    for ((revision, key), (value, _)) in &seen.revisions {
        meter.spend(8)?;
        if let Some(write) = seen.writes.get(&(*key, *value)) {
            delivered.insert(write.0, (*revision, *write));
        }
    }
    let mut events: Vec<(Moment, Event<'a>)> = Vec::new();
    for (revision, write) in delivered.values() {
        events.push((write.1.call.at, Event::Delivered(*revision, *write)));
    }
    for write in &seen.acknowledged {
        meter.spend(8)?;
        if write.1.input == Value::Nil {
            continue;
        }
        if !delivered.contains_key(&write.0) {
            events.push((write.1.call.at, Event::Unseen(*write)));
        }
        events.push((write.1.finish(), Event::Over(write.0)));
    }
    for watch in &seen.watches {
        events.extend(watch.last().map(|last| (watch.operation.finish(), Event::Reached(last))));
    }
    events.sort_by_key(|(moment, event)| (*moment, !matches!(event, Event::Delivered(..) | Event::Unseen(_))));
    Ok(events.into_iter().map(|(_, event)| event).collect())
}

/// Stretches of revisions, both ends included, by the prefix of the watches that delivered them whole.
type Covered<'a> = BTreeMap<Option<&'a Value>, Vec<(i64, i64)>>;

fn covered<'a>(seen: &Seen<'a>) -> Covered<'a> {
    let mut covered: Covered<'a> = BTreeMap::new();
    for watch in &seen.watches {
        if let Some(last) = watch.last().filter(|last| *last > watch.after) {
            covered.entry(watch.operation.key.as_ref()).or_default().push((watch.after + 1, last));
        }
    }
    for stretches in covered.values_mut() {
        stretches.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in stretches.drain(..) {
            match merged.last_mut() {
                Some(before) if from <= before.1.saturating_add(1) => before.1 = before.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        *stretches = merged;
    }
    covered
}

/// Whether two writes of one key that nobody saw may have one revision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Free,
    Refused,
}

/// The write without a revision, the one that came too late because of it, and the revision of that one.
type Crowded<'a> = (Numbered<'a>, Numbered<'a>, i64);

fn place<'a>(
    seen: &Seen<'a>,
    events: &[Event<'a>],
    covered: &Covered<'_>,
    sharing: Sharing,
    meter: &Meter<'_>,
) -> Result<Result<(), Crowded<'a>>, Stop> {
    let mut delivered: BTreeMap<u32, i64> = BTreeMap::new();
    // What was reached when each of those that nobody saw was called.
    let mut open: BTreeMap<u32, (i64, Numbered<'a>)> = BTreeMap::new();
    let mut taken: BTreeSet<(i64, &Value)> = BTreeSet::new();
    // What was reached so far (the first revision is 1), and the unseen write that reached it.
    let (mut floor, mut by) = (0, None);
    for event in events {
        meter.spend(16)?;
        match *event {
            Event::Delivered(revision, write) => {
                if let Some(unseen) = by.filter(|_| floor >= revision) {
                    return Ok(Err((unseen, write, revision)));
                }
                delivered.insert(write.0, revision);
            }
            Event::Unseen(write) => drop(open.insert(write.0, (floor, write))),
            Event::Over(number) => {
                let (revision, unseen) = match (open.remove(&number), delivered.get(&number)) {
                    (None, None) => continue,
                    (None, Some(revision)) => (*revision, None),
                    (Some((reached, write)), _) => {
                        let key = write.1.key.as_ref().unwrap_or(&Value::Nil);
                        let mut revision = reached.saturating_add(1);
                        loop {
                            meter.spend(8 * (covered.len() + 1))?;
                            let used = seen.revisions.contains_key(&(revision, key))
                                || (sharing == Sharing::Refused && taken.contains(&(revision, key)));
                            let after = if used { Some(revision) } else { end_of_cover(covered, key, revision) };
                            let Some(after) = after else { break };
                            revision = after.saturating_add(1);
                        }
                        taken.insert((revision, key));
                        (revision, Some(write))
                    }
                };
                if revision > floor {
                    (floor, by) = (revision, unseen);
                }
            }
            Event::Reached(revision) => {
                if revision > floor {
                    (floor, by) = (revision, None);
                }
            }
        }
    }
    Ok(Ok(()))
}

/// The end of a stretch that covers the key at this revision.
fn end_of_cover(covered: &Covered<'_>, key: &Value, revision: i64) -> Option<i64> {
    covered.iter().filter(|(prefix, _)| covers(**prefix, key)).find_map(|(_, stretches)| {
        let next = stretches.partition_point(|(_, to)| *to < revision);
        stretches.get(next).filter(|(from, _)| *from <= revision).map(|(_, to)| *to)
    })
}
