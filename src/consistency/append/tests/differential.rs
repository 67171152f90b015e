//! Random small histories, each verdict against brute force.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::brute::{Deed, Order, Txn, serializable, snapshot_isolated};
use super::phenomena::{Level, allowed};
use crate::append::{Claim, Transactions, analyse, verify_order};
use crate::history::{Call, Completion, History, Operation, Value};
use crate::outcome::{Certificate, Outcome};

/// More with `DRIFTPROOF_HISTORIES=100000 cargo test -p driftproof-consistency --lib append::tests::differential`.
const HISTORIES: u64 = 2_000;

fn histories() -> u64 {
    std::env::var("DRIFTPROOF_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES)
}

/// A random history: either run on one copy with a snapshot that may be old, or with lists chosen at random.
fn random(random: &mut ChaCha8Rng) -> Vec<Txn> {
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

/// Every order that is given as a proof is one.
fn verified(history: &History, claim: Claim, outcome: &Outcome) {
    if let Outcome::Ok(Certificate::Orders(orders)) = outcome {
        verify_order(history, claim, &orders[0]).unwrap_or_else(|wrong| panic!("{}: {wrong}", claim.word()));
        let mut other = orders[0].clone();
        assert!(other.pop().is_none_or(|last| {
            history.operations[last as usize].completion != Completion::Ok
                || verify_order(history, claim, &other).is_err()
        }));
    }
}

/// By the definition of the claim.
fn expected(all: &[Txn], claim: Claim) -> bool {
    match claim {
        Claim::StrictSerializable => serializable(all, Order::Realtime),
        Claim::StrongSessionSerializable => serializable(all, Order::Process),
        // All reads are by key, so that there are no other anti-dependencies.
        Claim::Serializable | Claim::RepeatableRead => serializable(all, Order::Any),
        Claim::StrongSnapshotIsolation => snapshot_isolated(all, Order::Realtime),
        Claim::SnapshotIsolation => snapshot_isolated(all, Order::Any),
        Claim::ReadCommitted => allowed(all, Level::Committed),
        Claim::ReadUncommitted => allowed(all, Level::Uncommitted),
    }
}

#[test]
fn brute_force_agrees() {
    let mut counts = [[0_u64; 3]; Claim::ALL.len()];
    for seed in 0..histories() {
        let all = random(&mut ChaCha8Rng::seed_from_u64(seed));
        let history = history(&all);
        let transactions = Transactions::from_history(&history).expect("transactions");
        let analysis = analyse(&transactions).expect("unique");
        for (claim, counts) in Claim::ALL.into_iter().zip(&mut counts) {
            let told = || format!("{}, seed {seed}: {all:#?}\n{:#?}", claim.word(), analysis.anomalies);
            let (outcome, expected) = (analysis.clone().outcome(claim), expected(&all, claim));
            match &outcome {
                Outcome::Ok(_) => assert!(expected, "false ok of {}", told()),
                Outcome::Violation(_) => assert!(!expected, "false violation of {}", told()),
                Outcome::Unknown(_) if all.iter().all(|txn| txn.ended != Some(true)) => {}
                // Lists that contradict each other have no order of versions at all.
                Outcome::Unknown(_) => assert!(claim == Claim::ReadUncommitted && !expected, "unknown {}", told()),
            }
            counts[if expected { 0 } else { 1 + usize::from(matches!(outcome, Outcome::Unknown(_))) }] += 1;
            verified(&history, claim, &outcome);
        }
        assert!(analysis.anomalies.iter().all(|anomaly| (1..=6).contains(&anomaly.witness.len())));
    }
    println!("histories of each claim that hold, do not, are unknown: {counts:?}");
    let enough = |[good, bad, _]: &[u64; 3]| *good > histories() / 20 && *bad > histories() / 150;
    assert!(counts.iter().all(enough), "too few of one kind: {counts:?}");
}
