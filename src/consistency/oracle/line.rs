//! Linearizability by definition: every order is tried until one is a run of the object.

use super::objects::{State, initial, matters, step};
use super::{happened, precedes};
use crate::check::{Model, Options};
use crate::history::Operation;

/// Whether there is such an order.
pub(super) fn explainable(operations: &[&Operation], model: Model, options: &Options) -> bool {
    let some: Vec<&Operation> = operations.iter().copied().filter(|one| matters(one, model, options)).collect();
    let mut placed = vec![false; some.len()];
    // More than 2^24 orders of optional operations would never end.
    assert!(some.len() <= 24, "brute force is for small histories");
    extend(&some, &mut placed, &initial(model, options), model, options)
}

fn extend(some: &[&Operation], placed: &mut [bool], state: &State, model: Model, options: &Options) -> bool {
    if (0..some.len()).all(|place| placed[place] || !must(some[place])) {
        return true;
    }
    for place in 0..some.len() {
        let waits =
            |other: usize| other != place && !placed[other] && must(some[other]) && before(some[other], some[place]);
        if placed[place] || (0..some.len()).any(waits) {
            continue;
        }
        if let Some(after) = step(state, some[place], model, options) {
            placed[place] = true;
            if extend(some, placed, &after, model, options) {
                return true;
            }
            placed[place] = false;
        }
    }
    false
}

fn must(operation: &Operation) -> bool {
    happened(operation) || operation.saw.is_some()
}

fn before(first: &Operation, second: &Operation) -> bool {
    // What failed and says what it saw was there, as a read.
    let seen = first.saw.is_some() && first.end.is_some_and(|end| end.at < second.call.at);
    seen || precedes(first, second)
}
