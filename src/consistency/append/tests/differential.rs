//! Random small histories, each verdict against brute force.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::brute::{Deed, Order, Txn, serializable, snapshot_isolated};
use crate::append::{Analysis, Claim, Transactions, analyse, verify_order};
use crate::history::{Call, Completion, History, Operation, Value};
use crate::outcome::{Certificate, Outcome};

/// More with `DRIFTPROOF_HISTORIES=1000000 cargo test --release --lib append::tests::differential`.
const HISTORIES: u64 = 6_000;

fn histories() -> u64 {
    std::env::var("DRIFTPROOF_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES)
}

/// A random history: either run on one copy with a snapshot that may be old, or with lists chosen at random.
fn random(random: &mut ChaCha8Rng) -> Vec<Txn> {
    let count: u32 = random.random_range(1..=4);
    let keys = random.random_range(1..=2);
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

/// Some reads return another beginning of the list.
fn disturb(all: &mut [Txn], lists: &[Vec<i64>], random: &mut ChaCha8Rng) {
    for txn in all {
        for deed in &mut txn.deeds {
            if let Deed::Read(key, Some(list)) = deed
                && random.random_bool(0.5)
            {
                *list = lists[*key][..random.random_range(0..=lists[*key].len())].to_vec();
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

fn history(all: &[Txn]) -> History {
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
    let call = |at: u64| Call { at, time: 0, line: 1 };
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

/// Whether each append that happened is in some list that was read.
fn all_read(all: &[Txn]) -> bool {
    let deeds = || all.iter().filter(|txn| txn.ended == Some(true)).flat_map(|txn| &txn.deeds);
    let read = |value: &i64| deeds().any(|deed| matches!(deed, Deed::Read(_, Some(list)) if list.contains(value)));
    let appended = all.iter().filter(|txn| txn.ended != Some(false)).flat_map(|txn| &txn.deeds);
    appended.into_iter().all(|deed| match deed {
        Deed::Append(_, value) => read(value),
        Deed::Read(..) => true,
    })
}

/// Every order that is given as a proof is one.
fn verified(history: &History, analysis: &Analysis) {
    for claim in [Claim::StrictSerializable, Claim::StrongSessionSerializable, Claim::Serializable] {
        if let Outcome::Ok(certificate) = analysis.clone().outcome(claim) {
            let Certificate::Orders(orders) = certificate else { panic!("no order for {}", claim.word()) };
            verify_order(history, claim, &orders[0]).unwrap_or_else(|wrong| panic!("{}: {wrong}", claim.word()));
            let mut other = orders[0].clone();
            assert!(other.pop().is_none_or(|last| {
                history.operations[last as usize].completion != Completion::Ok
                    || verify_order(history, claim, &other).is_err()
            }));
        }
    }
}

#[test]
fn brute_force_agrees() {
    let mut broken = [0_u32; 4];
    for seed in 0..histories() {
        let all = random(&mut ChaCha8Rng::seed_from_u64(seed));
        let transactions = Transactions::from_history(&history(&all)).expect("transactions");
        let analysis = analyse(&transactions).expect("unique");
        let told = || format!("seed {seed}: {all:#?}\n{:#?}", analysis.anomalies);
        let orders = [
            (Claim::StrictSerializable, Order::Realtime),
            (Claim::StrongSessionSerializable, Order::Process),
            (Claim::Serializable, Order::Any),
        ];
        for (at, (claim, order)) in orders.into_iter().enumerate() {
            let expected = serializable(&all, order);
            assert_eq!(analysis.holds(claim), expected, "{} {}", claim.word(), told());
            broken[at] += u32::from(!expected);
        }
        verified(&history(&all), &analysis);
        let expected = snapshot_isolated(&all);
        if analysis.holds(Claim::SnapshotIsolation) != expected {
            // Without a read of them, nothing tells which of two appends came first.
            assert!(!expected && !all_read(&all), "snapshot isolation {}", told());
        }
        broken[3] += u32::from(!expected);
        assert!(analysis.anomalies.iter().all(|anomaly| anomaly.witness.len() <= 6));
    }
    assert!(broken.iter().all(|count| u64::from(*count) > histories() / 20), "too few anomalies: {broken:?}");
}
