//! Orders: real time, legality, and nothing left out.

use std::collections::BTreeSet;

use super::object::{Object, Presence};
use crate::history::History;

pub(super) fn check(history: &History, object: &Object, orders: &[Vec<u32>]) -> Result<(), String> {
    let mut placed = vec![false; history.operations.len()];
    let mut keys = BTreeSet::new();
    for order in orders {
        one(history, object, order, &mut placed)?;
        if let Some(&first) = order.first()
            && !keys.insert(object.key(&history.operations[first as usize]))
        {
            return Err(format!("two orders are about the key of operation {first}"));
        }
    }
    for (index, operation) in history.operations.iter().enumerate() {
        if !placed[index] && object.presence(operation) == Presence::Must {
            return Err(format!("operation {index} happened and is in no order"));
        }
    }
    Ok(())
}

fn one(history: &History, object: &Object, order: &[u32], placed: &mut [bool]) -> Result<(), String> {
    let mut state = object.initial();
    let mut latest = None;
    let mut key = None;
    for &index in order {
        let Some(operation) = history.operations.get(index as usize) else {
            return Err(format!("there is no operation {index}"));
        };
        if std::mem::replace(&mut placed[index as usize], true) {
            return Err(format!("operation {index} is there twice"));
        }
        if object.presence(operation) == Presence::MustNot {
            return Err(format!("operation {index} did not happen, or says nothing"));
        }
        if *key.get_or_insert(object.key(operation)) != object.key(operation) {
            return Err(format!("operation {index} is on another key than those before it"));
        }
        // Real time: what stands before this one was called before this one was over.
        if latest.is_some_and(|(at, _)| operation.finish() < at) {
            let before = latest.map_or(0, |(_, before)| before);
            return Err(format!("operation {index} was over before operation {before}, placed before it, was called"));
        }
        latest = latest.max(Some((operation.call.at, index)));
        state = object.after(&state, operation).ok_or_else(|| format!("operation {index} cannot follow: {state}"))?;
    }
    Ok(())
}
