//! Random small histories of transactions of registers: honest ones, and such in which much is wrong. Judges nothing.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::brute::{Access, Txn};
use crate::history::{Call, Completion, History, Operation, Value};

/// A random history: run on one copy with snapshots that may be old, with some reads that return another value.
pub(super) fn random(random: &mut ChaCha8Rng) -> Vec<Txn> {
    let (count, keys) = (random.random_range(1..=5_u32), random.random_range(1..=3));
    let strange = random.random_range(0..4) == 0;
    let mut states = vec![vec![0; keys]];
    let mut written = vec![vec![0]; keys];
    let mut all = Vec::new();
    for at in 0..count {
        let age = if random.random_bool(0.4) { random.random_range(0..states.len()) } else { 0 };
        let mut view = states[states.len() - 1 - age].clone();
        let mut next = states[states.len() - 1].clone();
        let mut accesses = Vec::new();
        for number in 0..random.random_range(1..=3) {
            let key = random.random_range(0..keys);
            if random.random_bool(0.5) {
                let value = i64::from(at) * 10 + number + 1;
                (view[key], next[key]) = (value, value);
                written[key].push(value);
                accesses.push(Access::Write(key, value));
            } else {
                accesses.push(Access::Read(key, Some(view[key])));
            }
        }
        states.push(next);
        let ended = match random.random_range(0..10) {
            0 => None,
            1 => Some(false),
            _ => Some(true),
        };
        let call = random.random_range(0..20) * 10 + u64::from(at);
        let end = call + random.random_range(1..100) * 10 + 5;
        all.push(Txn { process: u64::from(at), accesses, ended, call, end });
    }
    for txn in &mut all {
        for access in &mut txn.accesses {
            if let Access::Read(key, value) = access {
                if strange && random.random_bool(0.3) {
                    *value = Some(written[*key][random.random_range(0..written[*key].len())]);
                }
                *value = value.filter(|_| txn.ended == Some(true));
            }
        }
    }
    all.sort_by_key(|txn| txn.call);
    for at in 1..all.len() {
        // A process that is free takes the next transaction.
        let free = (0..at).find(|other| {
            let process = all[*other].process;
            let mut of_process = all[..at].iter().filter(|one| one.process == process);
            of_process.all(|one| one.ended.is_some() && one.end < all[at].call)
        });
        if let Some(free) = free {
            all[at].process = all[free].process;
        }
    }
    all
}

pub(super) fn history(all: &[Txn]) -> History {
    let value = |accesses: &[Access], called: bool| {
        let one = |access: &Access| {
            let (word, key, value) = match access {
                Access::Write(key, value) => ("w", *key, Value::Int(*value)),
                Access::Read(key, Some(value)) if !called && *value != 0 => ("r", *key, Value::Int(*value)),
                Access::Read(key, _) => ("r", *key, Value::Nil),
            };
            Value::List([Value::Text(Arc::from(word)), Value::Int(i64::try_from(key).expect("small")), value].into())
        };
        Value::List(accesses.iter().map(one).collect())
    };
    let call = |at: u64| Call { at, time: 0, line: 0 };
    let operation = |txn: &Txn| Operation {
        process: txn.process,
        function: Arc::from("txn"),
        key: None,
        input: value(&txn.accesses, true),
        output: if txn.ended == Some(true) { value(&txn.accesses, false) } else { Value::Nil },
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
