//! What a picture of an anomaly shows: its witness, and its neighbours counted together where they are many. Draws nothing.

use std::collections::BTreeMap;

use super::clock::{Clock, end, span};
use super::sentences::short;
use super::{AnnotationKind, Surroundings};
use crate::history::{Completion, History, Operation};
use crate::outcome::Anomaly;

/// Neighbours that are drawn one by one; more are counted together.
const SINGLE_MAX: usize = 150;
/// Lanes of neighbours: the busiest nodes; the others share one lane.
const LANES_MAX: usize = 8;
const BUCKETS: i64 = 60;
const BANDS_MAX: usize = 40;

/// Everything that a picture shows, bounded whatever the size of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The window: nanoseconds, or places in the order of a history without times.
    pub from: i64,
    /// Its end.
    pub to: i64,
    /// Whether times are nanoseconds.
    pub timed: bool,
    /// The witness first, one lane for each operation; then its neighbours.
    pub lanes: Vec<Lane>,
    /// Faults and drifts.
    pub bands: Vec<Band>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What stands before it.
    pub label: String,
    /// What lies in it.
    pub marks: Vec<Mark>,
}

/// One operation, or several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Its begin.
    pub from: i64,
    /// Its end.
    pub to: i64,
    /// What it is.
    pub kind: MarkKind,
    /// What is said of it.
    pub label: String,
}

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkKind {
    /// An operation of the witness: the number of its sentence, from 1.
    Witness(usize),
    /// One neighbour.
    Single(Completion),
    /// Neighbours that began in one stretch, and how many of them were not ok.
    Crowd {
        /// All.
        count: u32,
        /// Failed or indeterminate.
        troubled: u32,
    },
}

/// A fault or a drift.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: AnnotationKind,
    /// Its begin, within the window.
    pub from: i64,
    /// Its end, within the window.
    pub to: i64,
}

/// The neighbourhood of an anomaly: its operations, and others that overlap it (of the same key, if it has one).
#[must_use]
pub fn picture(history: &History, anomaly: &Anomaly, around: &Surroundings) -> Picture {
    let witness = || anomaly.witness.iter().filter_map(|number| history.operations.get(*number as usize));
    let timed = Clock::of(history) == Clock::Time;
    let (first, last) = span(witness()).unwrap_or((0, 1));
    let margin = (last.saturating_sub(first) / 5).max(1);
    let (from, to) = (first.saturating_sub(margin), last.saturating_add(margin));
    let mut lanes: Vec<Lane> = witness().enumerate().map(|(at, one)| shown(at, one, to)).collect();
    lanes.append(&mut neighbours(history, anomaly, from, to));
    let bands = around
        .annotations
        .iter()
        .filter(|annotation| timed && annotation.overlaps(from, to))
        .take(BANDS_MAX)
        .map(|one| Band {
            name: one.name.clone(),
            kind: one.kind,
            from: one.from.max(from),
            to: one.to.unwrap_or(to).min(to),
        })
        .collect();
    Picture { from, to, timed, lanes, bands }
}

fn shown(at: usize, operation: &Operation, to: i64) -> Lane {
    let node = operation.node.as_ref().map(|node| format!(" at {node}")).unwrap_or_default();
    let until = if operation.completion == Completion::Info { to } else { end(operation) };
    let mark = Mark { from: operation.call.time, to: until, kind: MarkKind::Witness(at + 1), label: label(operation) };
    Lane { label: format!("{}. process {}{node}", at + 1, operation.process), marks: vec![mark] }
}

fn label(operation: &Operation) -> String {
    let told = if operation.completion == Completion::Ok { &operation.output } else { &operation.input };
    format!("{} {}", operation.function, short(told))
}

fn neighbours(history: &History, anomaly: &Anomaly, from: i64, to: i64) -> Vec<Lane> {
    let near = |one: &Operation| {
        let same =
            anomaly.key.is_none() || one.key.is_none() || one.key.as_ref().map(ToString::to_string) == anomaly.key;
        one.call.time <= to && end(one) >= from && same
    };
    let mut nodes: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for (number, operation) in (0_u32..).zip(&history.operations) {
        if !anomaly.witness.contains(&number) && near(operation) {
            nodes.entry(operation.node.as_deref().unwrap_or("other clients")).or_default().push(operation);
        }
    }
    let many = nodes.values().map(Vec::len).sum::<usize>() > SINGLE_MAX;
    let mut busiest: Vec<(&str, Vec<&Operation>)> = nodes.into_iter().collect();
    busiest.sort_by_key(|(name, operations)| (std::cmp::Reverse(operations.len()), *name));
    let rest: Vec<&Operation> =
        busiest.split_off(busiest.len().min(LANES_MAX)).into_iter().flat_map(|(_, operations)| operations).collect();
    busiest.sort_by_key(|(name, _)| *name);
    if !rest.is_empty() {
        busiest.push(("other nodes", rest));
    }
    let lane = |(name, operations): (&str, Vec<&Operation>)| Lane {
        label: format!("{name} ({})", operations.len()),
        marks: if many { crowds(&operations, from, to) } else { operations.into_iter().map(single).collect() },
    };
    busiest.into_iter().map(lane).collect()
}

fn single(operation: &Operation) -> Mark {
    let label = format!("process {}: {}", operation.process, label(operation));
    Mark { from: operation.call.time, to: end(operation), kind: MarkKind::Single(operation.completion), label }
}

/// Neighbours by the stretch of the window in which they were called.
fn crowds(operations: &[&Operation], from: i64, to: i64) -> Vec<Mark> {
    let width = (to.saturating_sub(from) / BUCKETS).max(1);
    let mut buckets: BTreeMap<i64, (u32, u32)> = BTreeMap::new();
    for operation in operations {
        let at = (operation.call.time.max(from).saturating_sub(from) / width).min(BUCKETS - 1);
        let (count, troubled) = buckets.entry(at).or_default();
        *count += 1;
        *troubled += u32::from(operation.completion != Completion::Ok);
    }
    let mark = |(at, (count, troubled)): (i64, (u32, u32))| {
        let begin = from.saturating_add(at.saturating_mul(width));
        let label = format!("{count} operations, {troubled} of them not ok");
        Mark { from: begin, to: begin.saturating_add(width), kind: MarkKind::Crowd { count, troubled }, label }
    };
    buckets.into_iter().map(mark).collect()
}
