//! Whether the elements of a queue came out in the order in which they went in. Looks at no element alone.
//!
//! A queue in order has one line of elements, in which they go in and come out. `x` must stand before `y` in it if the enqueue of
//! `x` was over, or `x` had come out, before `y` began to be enqueued; if `x` had come out before the first of the calls
//! that gave out `y`; or if one drain gave out `x` and behind it `y`, which nothing else gave out. There is such a line iff
//! these rules have no ring, which taking out one element after the other shows: the first of a line is one that no rule
//! holds back. An element that comes out more than once does so for the first time between the first call and the first answer
//! of all that gave it out. One that was acknowledged and never came out comes out after all others, unless something of
//! unknown outcome may have taken it.

use std::collections::BTreeMap;

use super::findings::{Findings, Numbered, of, some};
use super::queue::{Delivered, Queue};
use crate::allowance::{Meter, Stop};
use crate::history::{Completion, Moment, Value};
use crate::outcome::AnomalyKind;

/// One element, with the stretches in which it went in and first came out.
struct Element<'a> {
    value: &'a Value,
    enqueue: Numbered<'a>,
    /// What gave it out; nothing if it never came out.
    out: Option<Delivered<'a>>,
    entered: (Moment, Moment),
    left: (Moment, Moment),
    /// Elements that must come out later, since one drain gave out both.
    later: Vec<usize>,
    /// How many such elements must come out before it.
    earlier: usize,
}

/// Tells elements that were overtaken.
pub(super) fn overtaken(
    queue: &Queue<'_>,
    operations: &[Numbered<'_>],
    findings: &mut Findings,
    meter: &Meter<'_>,
) -> Result<(), Stop> {
    let mut elements = elements(queue, operations);
    meter.spend(16 * elements.len())?;
    if pairs(queue, &elements, findings) {
        return Ok(());
    }
    drains(queue, &mut elements);
    meter.spend(32 * elements.len())?;
    let rest = unplaced(&mut elements);
    if !rest.is_empty() {
        let values = rest.iter().map(|place| elements[*place].value);
        let sentence =
            format!("no order of these elements agrees with how they went in and came out: {}", some(values));
        let outs = rest.iter().filter_map(|place| elements[*place].out.map(|out| out.number));
        let mut witness: Vec<u32> = outs.collect();
        witness.sort_unstable();
        witness.dedup();
        witness.truncate(3);
        witness.extend(rest.iter().map(|place| elements[*place].enqueue.0).take(3));
        findings.add(AnomalyKind::OutOfOrder, queue.key, &witness, sentence);
    }
    Ok(())
}

fn elements<'a>(queue: &Queue<'a>, operations: &[Numbered<'a>]) -> Vec<Element<'a>> {
    let mut open = of(operations, "dequeue").chain(of(operations, "drain"));
    let taken = open.any(|(_, one)| one.completion == Completion::Info);
    let element = |(value, enqueue): (&&'a Value, &Numbered<'a>)| {
        let entered = (enqueue.1.call.at, enqueue.1.finish());
        let deliveries = queue.delivered.get(value).map_or(&[][..], Vec::as_slice);
        let first = deliveries.iter().min_by_key(|one| one.operation.finish()).copied();
        let left = match first {
            Some(first) => (deliveries[0].operation.call.at, first.operation.finish()),
            None if taken || enqueue.1.completion != Completion::Ok => return None,
            None => (Moment::MAX, Moment::MAX),
        };
        let entered = (entered.0, entered.1.min(left.1));
        Some(Element { value, enqueue: *enqueue, out: first, entered, left, later: Vec::new(), earlier: 0 })
    };
    let enqueued = queue.enqueued.iter().filter(|(_, (_, enqueue))| enqueue.completion != Completion::Fail);
    enqueued.filter_map(element).collect()
}

/// Pairs of which the one that surely went in first surely came out last: the plainest way to tell it. Whether there were any.
fn pairs(queue: &Queue<'_>, elements: &[Element<'_>], findings: &mut Findings) -> bool {
    let mut by_call: Vec<&Element<'_>> = elements.iter().collect();
    let mut by_end = by_call.clone();
    by_call.sort_by_key(|one| one.entered.0);
    by_end.sort_by_key(|one| one.entered.1);
    let (mut passed, mut found) = (0, false);
    // Of those that were in before this one, the one that came out last; within a drain, the one that stands last.
    let mut latest: Option<&Element<'_>> = None;
    let key = |one: &Element<'_>| (one.left.0, one.out.map_or(0, |out| out.place));
    for second in by_call {
        while let Some(one) = by_end.get(passed).filter(|one| one.entered.1 < second.entered.0) {
            if latest.is_none_or(|latest| key(one) > key(latest)) {
                latest = Some(one);
            }
            passed += 1;
        }
        let Some(first) = latest else { continue };
        let Some(out) = second.out else { continue };
        let once = |one: &Element<'_>| queue.delivered.get(one.value).is_some_and(|all| all.len() == 1);
        let same = first.out.filter(|other| other.number == out.number && once(first) && once(second));
        if second.left.1 < first.left.0 || same.is_some_and(|other| other.place > out.place) {
            let what = if first.out.is_some() { "but came out after it" } else { "which came out, and it did not" };
            let sentence = format!("{} had been enqueued before {}, {what}", first.value, second.value);
            let mut witness = vec![first.enqueue.0, second.enqueue.0, out.number];
            witness.extend(first.out.filter(|_| same.is_none()).map(|other| other.number));
            findings.add(AnomalyKind::OutOfOrder, queue.key, &witness, sentence);
            found = true;
        }
    }
    found
}

/// Notes which elements stand before which in a drain.
fn drains(queue: &Queue<'_>, elements: &mut [Element<'_>]) {
    let mut drained: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
    for (element, one) in elements.iter().enumerate() {
        for delivery in queue.delivered.get(one.value).into_iter().flatten() {
            drained.entry(delivery.number).or_default().push((delivery.place, element));
        }
    }
    for places in drained.values_mut().filter(|places| places.len() > 1) {
        places.sort_unstable();
        // Those since the last one that came out nowhere else, that one included: all that are before it are before those.
        let mut since: Vec<usize> = Vec::new();
        for &(_, element) in &*places {
            if queue.delivered.get(elements[element].value).is_some_and(|all| all.len() == 1) {
                for before in since.drain(..) {
                    elements[before].later.push(element);
                    elements[element].earlier += 1;
                }
            }
            since.push(element);
        }
    }
}

/// Takes out one element after the other that nothing holds back; what is left when none can be.
fn unplaced(elements: &mut [Element<'_>]) -> Vec<usize> {
    let sorted = |key: &dyn Fn(&Element<'_>) -> Moment| {
        let mut places: Vec<usize> = (0..elements.len()).collect();
        places.sort_by_key(|place| key(&elements[*place]));
        places
    };
    let calls = [sorted(&|one| one.entered.0), sorted(&|one| one.left.0)];
    let ends = [sorted(&|one| one.entered.1), sorted(&|one| one.left.1)];
    let side = |one: &Element<'_>, side: usize| if side == 0 { one.entered } else { one.left };
    let mut held: Vec<usize> = elements.iter().map(|one| 2 + one.earlier).collect();
    let mut gone = vec![false; elements.len()];
    let (mut called, mut ended) = ([0; 2], [0; 2]);
    let mut free: Vec<usize> = Vec::new();
    loop {
        for at in 0..2 {
            while ends[at].get(ended[at]).is_some_and(|place| gone[*place]) {
                ended[at] += 1;
            }
            let bound = ends[at].get(ended[at]).map_or(Moment::MAX, |place| side(&elements[*place], at).1);
            while let Some(&place) = calls[at].get(called[at]).filter(|place| side(&elements[**place], at).0 <= bound) {
                called[at] += 1;
                held[place] -= 1;
                free.extend((held[place] == 0).then_some(place));
            }
        }
        let Some(place) = free.pop() else { break };
        gone[place] = true;
        for later in std::mem::take(&mut elements[place].later) {
            held[later] -= 1;
            free.extend((held[later] == 0).then_some(later));
        }
    }
    (0..elements.len()).filter(|place| !gone[*place]).collect()
}
