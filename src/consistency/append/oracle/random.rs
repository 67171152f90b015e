//! Random small histories of list-append transactions: honest ones, and such in which much is wrong. Judges nothing.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::brute::{Deed, Txn};
use crate::history::{Call, Completion, History, Operation, Value};

/// A random history: either run on one copy with a snapshot that may be old, or with lists chosen at random.
pub(crate) fn random(random: &mut ChaCha8Rng) -> Vec<Txn> {
    let count: u32 = random.random_range(1..=4);
    let keys = random.random_range(1..=3);
    let honest = random.random_bool(0.5);
    let mut lists = vec![Vec::new(); keys];
    let mut all = Vec::new();
    for at in 0..count {
        let mut deeds = Vec::new();
        let old: Vec<Vec<i64>> = lists.clone();
        for number in 0..random.random_range(1..=3) {
            let key = random.random_range(0..keys);
            if random.random_bool(0.5) {
                let value = i64::from(at) * 10 + number;
                lists[key].push(value);
                deeds.push(Deed::Append(key, value));
            } else {
                let list = if random.random_bool(0.7) { &lists[key] } else { &old[key] };
                deeds.push(Deed::Read(key, Some(list.clone())));
            }
        }
        let ended = match random.random_range(0..10) {
            0 => None,
            1 if !honest => Some(false),
            _ => Some(true),
        };
        let call = random.random_range(0..20) * 10 + u64::from(at);
        all.push(Txn { process: u64::from(at), deeds, ended, call, end: call + random.random_range(1..100) * 10 + 5 });
    }
    if !honest {
        // As if transactions had been mixed.
        if random.random_bool(0.3) {
            for list in &mut lists {
                for at in (1..list.len()).rev() {
                    list.swap(at, random.random_range(0..=at));
                }
            }
        }
        disturb(&mut all, &lists, random);
    }
    for txn in all.iter_mut().filter(|txn| txn.ended != Some(true)) {
        for deed in &mut txn.deeds {
            if let Deed::Read(_, list) = deed {
                *list = None;
            }
        }
    }
    all.sort_by_key(|txn| txn.call);
    share_processes(&mut all);
    all
}

/// Some reads return another beginning of the list, some a list that cannot be.
fn disturb(all: &mut [Txn], lists: &[Vec<i64>], random: &mut ChaCha8Rng) {
    let strange = random.random_bool(0.4);
    for txn in all {
        for deed in &mut txn.deeds {
            if let Deed::Read(key, Some(list)) = deed
                && random.random_bool(0.5)
            {
                *list = lists[*key][..random.random_range(0..=lists[*key].len())].to_vec();
                if strange && random.random_bool(0.4) && !list.is_empty() {
                    let (one, other) = (random.random_range(0..list.len()), random.random_range(0..list.len()));
                    match random.random_range(0..8) {
                        0 => list.push(list[one]),
                        1..4 => drop(list.remove(one)),
                        4..7 => list.swap(one, other),
                        _ => list.push(99),
                    }
                }
            }
        }
    }
}

/// A process that is free takes the next transaction.
fn share_processes(all: &mut [Txn]) {
    for at in 0..all.len() {
        let free = (0..at).rev().find(|other| {
            let process = all[*other].process;
            let last = (0..at).rev().find(|one| all[*one].process == process) == Some(*other);
            last && all[*other].ended.is_some() && all[*other].end < all[at].call
        });
        if let Some(free) = free {
            all[at].process = all[free].process;
        }
    }
}

pub(crate) fn history(all: &[Txn]) -> History {
    let value = |deeds: &[Deed], called: bool| {
        let one = |deed: &Deed| {
            let (word, key, value) = match deed {
                Deed::Append(key, value) => ("append", *key, Value::Int(*value)),
                Deed::Read(key, Some(list)) if !called => {
                    ("r", *key, Value::List(list.iter().map(|value| Value::Int(*value)).collect()))
                }
                Deed::Read(key, _) => ("r", *key, Value::Nil),
            };
            Value::List([Value::Text(Arc::from(word)), Value::Int(i64::try_from(key).expect("small")), value].into())
        };
        Value::List(deeds.iter().map(one).collect())
    };
    let call = |at: u64| Call { at, time: 0, line: 0 };
    let operation = |txn: &Txn| Operation {
        process: txn.process,
        function: Arc::from("txn"),
        key: None,
        input: value(&txn.deeds, true),
        output: if txn.ended == Some(true) { value(&txn.deeds, false) } else { Value::Nil },
        completion: match txn.ended {
            Some(true) => Completion::Ok,
            Some(false) => Completion::Fail,
            None => Completion::Info,
        },
        saw: None,
        call: call(txn.call),
        end: txn.ended.map(|_| call(txn.end)),
        node: None,
    };
    History { operations: all.iter().map(operation).collect() }
}
