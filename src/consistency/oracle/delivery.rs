//! Queues of elements that are each put in once.
//!
//! *At least once*: what comes out was put in, by a call that had begun and did not fail; and what was acknowledged before the queue
//! was last seen empty has come out, unless a call of unknown outcome took it (a dequeue one element, a drain any number).
//! *Exactly once*: nothing comes out twice besides. *In order*: at some moments between the ends of the calls, a drain being
//! a dequeue for each of its elements, elements come out for the first time in the order in which they went in; what
//! was acknowledged and never came out is still in, unless something of unknown outcome may have taken it.

use std::collections::BTreeSet;

use super::objects::items;
use super::{Truth, happened, possible};
use crate::history::{Completion, Operation, Value};

/// One element that came out, where it stood in its drain.
struct Out<'a> {
    element: Value,
    operation: &'a Operation,
    place: usize,
}

pub(super) fn queue(operations: &[&Operation], once: bool, ordered: bool) -> Truth {
    let enqueues: Vec<_> = operations.iter().copied().filter(|one| &*one.function == "enqueue").collect();
    let mut outs = Vec::new();
    let mut emptied = None;
    for operation in operations.iter().copied().filter(|one| happened(one)) {
        let all = match &*operation.function {
            "dequeue" if operation.output == Value::Nil => Vec::new(),
            "dequeue" => vec![operation.output.clone()],
            "drain" => items(&operation.output),
            _ => continue,
        };
        if &*operation.function == "drain" || all.is_empty() {
            emptied = emptied.max(Some(operation.call.at));
        }
        outs.extend(all.into_iter().enumerate().map(|(place, element)| Out { element, operation, place }));
    }
    let came = |element: &Value| outs.iter().filter(|out| out.element == *element).count();
    let mut broken = outs.iter().any(|out| {
        let source = |one: &&Operation| {
            one.input == out.element && possible(one) && out.operation.end.is_none_or(|end| one.call.at < end.at)
        };
        !enqueues.iter().any(source) || (once && came(&out.element) > 1)
    });
    let gone: Vec<_> = enqueues.iter().filter(|one| happened(one) && came(&one.input) == 0).collect();
    let ended = |one: &Operation| one.end.map_or(u64::MAX, |end| end.at);
    let lost = gone.iter().filter(|one| emptied.is_some_and(|emptied| ended(one) < emptied)).count();
    let open = |function: &str| {
        operations.iter().filter(|one| &*one.function == function && one.completion == Completion::Info).count()
    };
    broken |= open("drain") == 0 && lost > open("dequeue");
    let taken = open("drain") + open("dequeue") > 0;
    broken |= ordered && !broken && !in_order(&enqueues, &outs, taken);
    Truth { broken, says_enough: gone.is_empty() }
}

/// A moment to be chosen: an element goes in, or comes out.
struct Point<'a> {
    element: Value,
    operation: &'a Operation,
    /// Its place in a drain; none if it goes in.
    out: Option<usize>,
}

fn in_order(enqueues: &[&Operation], outs: &[Out<'_>], taken: bool) -> bool {
    let mut points: Vec<Point<'_>> = Vec::new();
    for &operation in enqueues {
        let came = outs.iter().any(|out| out.element == operation.input);
        if came || (happened(operation) && !taken) {
            points.push(Point { element: operation.input.clone(), operation, out: None });
        }
    }
    points.extend(outs.iter().map(|out| {
        let (element, operation) = (out.element.clone(), out.operation);
        Point { element, operation, out: Some(out.place) }
    }));
    assert!(points.len() <= 24, "brute force is for small histories");
    extend(&points, 0, &mut Vec::new(), &mut BTreeSet::new(), &mut BTreeSet::new())
}

/// Chooses one point after the other. `inside` are the elements that are in, the first in front.
fn extend(
    points: &[Point<'_>],
    done: u32,
    inside: &mut Vec<Value>,
    left: &mut BTreeSet<Value>,
    tried: &mut BTreeSet<(u32, Vec<Value>)>,
) -> bool {
    if done.count_ones() as usize == points.len() {
        return true;
    }
    if !tried.insert((done, inside.clone())) {
        return false;
    }
    let open = |place: usize| done >> place & 1 == 0;
    for place in (0..points.len()).filter(|place| open(*place)) {
        let point = &points[place];
        let waits = |other: usize| {
            let one = &points[other];
            let same = std::ptr::eq(one.operation, point.operation) && one.out < point.out;
            open(other) && (same || super::precedes(one.operation, point.operation))
        };
        if (0..points.len()).any(waits) {
            continue;
        }
        let again = left.contains(&point.element);
        let next = done | 1 << place;
        let found = if point.out.is_none() {
            inside.push(point.element.clone());
            let found = extend(points, next, inside, left, tried);
            inside.pop();
            found
        } else if again {
            extend(points, next, inside, left, tried)
        } else if inside.first() == Some(&point.element) {
            let element = inside.remove(0);
            left.insert(element.clone());
            let found = extend(points, next, inside, left, tried);
            left.remove(&element);
            inside.insert(0, element);
            found
        } else {
            false
        };
        if found {
            return true;
        }
    }
    false
}
