//! Queues of unique elements: what went in comes out, at least once or exactly once, in order where that is claimed.
//! Reads no file.
//!
//! A queue was seen empty when it was drained, or when a dequeue found nothing. An element that was acknowledged before
//! that moment's call and that never came out is lost, unless an indeterminate dequeue may have taken it: such a
//! dequeue explains one missing element, an indeterminate drain any number.

use std::collections::BTreeMap;

use super::findings::{Findings, Numbered, by_key, done, list, of, some, who, within};
use super::queue_order;
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::{ReadError, unique_inputs};
use crate::history::{Completion, History, Moment, Operation, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// How often an element comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once or more.
    AtLeastOnce,
    /// Once.
    ExactlyOnce,
}

/// In which order elements come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// In any.
    Any,
    /// In the order in which they went in.
    Fifo,
}

/// Accounts for every element.
///
/// # Errors
/// The first operation that is not of a queue, and the second enqueue of one element.
pub fn check(
    history: &History,
    delivery: Delivery,
    order: Order,
    allowance: Allowance<'_>,
) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| account(history, delivery, order, findings, meter))
}

fn account(
    history: &History,
    delivery: Delivery,
    order: Order,
    findings: &mut Findings,
    meter: &Meter<'_>,
) -> Result<(), Stop> {
    unique_inputs(history, "enqueue", meter)?;
    for operations in by_key(history, "queue", &["enqueue", "dequeue", "drain"], meter)?.values() {
        let queue = Queue::of(operations, meter)?;
        queue.strange(findings);
        meter.spend(operations.len())?;
        if delivery == Delivery::ExactlyOnce {
            queue.twice(findings);
        }
        queue.lost(operations, findings);
        meter.spend(operations.len())?;
        if order == Order::Fifo {
            queue_order::overtaken(&queue, operations, findings, meter)?;
        }
    }
    Ok(())
}

/// One element that came out, with its place in a drain.
#[derive(Clone, Copy)]
pub(super) struct Delivered<'a> {
    pub(super) number: u32,
    pub(super) operation: &'a Operation,
    pub(super) place: usize,
}

/// What went into one queue, and what came out.
pub(super) struct Queue<'a> {
    pub(super) key: Option<&'a Value>,
    pub(super) enqueued: BTreeMap<&'a Value, Numbered<'a>>,
    /// Deliveries of each element, in the order of the calls.
    pub(super) delivered: BTreeMap<&'a Value, Vec<Delivered<'a>>>,
    /// The last call that found the queue empty or emptied it.
    emptied: Option<Moment>,
}

impl<'a> Queue<'a> {
    fn of(operations: &[Numbered<'a>], meter: &Meter<'_>) -> Result<Self, Stop> {
        let enqueued = of(operations, "enqueue").map(|(number, one)| (&one.input, (number, one))).collect();
        let mut delivered: BTreeMap<&Value, Vec<Delivered<'_>>> = BTreeMap::new();
        let mut emptied = None;
        for (number, operation) in done(operations, "dequeue") {
            meter.spend(16)?;
            if operation.output == Value::Nil {
                emptied = emptied.max(Some(operation.call.at));
            } else {
                delivered.entry(&operation.output).or_default().push(Delivered { number, operation, place: 0 });
            }
        }
        for (number, operation) in done(operations, "drain") {
            emptied = emptied.max(Some(operation.call.at));
            for (place, element) in list(operation, "a queue, which is a list", &operation.output)?.iter().enumerate() {
                meter.spend(16)?;
                delivered.entry(element).or_default().push(Delivered { number, operation, place });
            }
        }
        for deliveries in delivered.values_mut() {
            deliveries.sort_by_key(|one| (one.operation.call.at, one.place));
        }
        let key = operations.first().and_then(|(_, operation)| operation.key.as_ref());
        Ok(Self { key, enqueued, delivered, emptied })
    }

    /// Elements of nobody, of a failed enqueue, or from before their enqueue.
    fn strange(&self, findings: &mut Findings) {
        for (element, deliveries) in &self.delivered {
            // The one that was over first: it came out by then.
            let first = deliveries.iter().min_by_key(|one| one.operation.finish()).unwrap_or(&deliveries[0]);
            let (witness, why) = match self.enqueued.get(element) {
                None => (vec![first.number], "which nobody enqueued".to_owned()),
                Some((number, enqueue)) if enqueue.completion == Completion::Fail => {
                    (vec![*number, first.number], format!("but the enqueue of {} had failed", who(enqueue)))
                }
                Some((number, enqueue)) if first.operation.finish() < enqueue.call.at => {
                    (vec![first.number, *number], format!("before {} began to enqueue it", who(enqueue)))
                }
                Some(_) => continue,
            };
            let sentence = format!("{} dequeued {element}, {why}", who(first.operation));
            findings.add(AnomalyKind::Unexpected, self.key, &witness, sentence);
        }
    }

    fn twice(&self, findings: &mut Findings) {
        for (element, deliveries) in self.delivered.iter().filter(|(_, deliveries)| deliveries.len() > 1) {
            let enqueue = self.enqueued.get(element).map(|(number, _)| *number);
            let witness: Vec<u32> = enqueue.into_iter().chain(deliveries.iter().map(|one| one.number)).collect();
            let (first, second) = (who(deliveries[0].operation), who(deliveries[1].operation));
            let sentence = format!("{first} dequeued {element}, and {second} dequeued it again");
            findings.add(AnomalyKind::Duplicate, self.key, &witness, sentence);
        }
    }

    fn lost(&self, operations: &[Numbered<'a>], findings: &mut Findings) {
        let gone: Vec<&Numbered<'_>> = self
            .enqueued
            .values()
            .filter(|(_, one)| one.completion == Completion::Ok && !self.delivered.contains_key(&one.input))
            .collect();
        let seen = |one: &&&Numbered<'_>| self.emptied.is_some_and(|emptied| one.1.finish() < emptied);
        let lost: Vec<&&Numbered<'_>> = gone.iter().filter(seen).collect();
        if lost.len() < gone.len() {
            let key = self.key.map_or_else(|| "the queue".to_owned(), ToString::to_string);
            findings
                .lacks(format!("{key} was not seen empty after the last enqueue: nobody knows what is still in it"));
        }
        let open =
            |function: &str| of(operations, function).filter(|(_, one)| one.completion == Completion::Info).count();
        let explained = if open("drain") > 0 { usize::MAX } else { open("dequeue") };
        if lost.is_empty() {
            return;
        }
        if lost.len() <= explained {
            let key = self.key.map_or_else(|| "the queue".to_owned(), ToString::to_string);
            findings.lacks(format!(
                "{} acknowledged elements of {key} never came out, and so many dequeues are indeterminate",
                lost.len()
            ));
            return;
        }
        let sentence = format!(
            "{} acknowledged elements never came out, and indeterminate dequeues explain {explained} of them: {}",
            lost.len(),
            some(lost.iter().map(|(_, one)| &one.input))
        );
        let witness: Vec<u32> = lost.iter().map(|(number, _)| *number).take(6).collect();
        findings.add(AnomalyKind::LostWrite, self.key, &witness, sentence);
    }
}
