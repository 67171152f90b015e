//! Random small histories, each verdict of each claim against brute force.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::brute::{Access, Order, Txn, read_committed, serializable, snapshot_isolated};
use crate::Allowance;
use crate::append::Claim;
use crate::append::registers::{analyse, verify_order};
use crate::history::{Call, Completion, History, Operation, Value};
use crate::outcome::{Certificate, Outcome};

/// More with `DRIFTPROOF_HISTORIES=100000 cargo test -p driftproof-consistency --lib registers::tests::differential`.
const HISTORIES: u64 = 3_000;

fn histories() -> u64 {
    std::env::var("DRIFTPROOF_HISTORIES").ok().and_then(|count| count.parse().ok()).unwrap_or(HISTORIES)
}

/// A random history: run on one copy with snapshots that may be old, with some reads that return another value.
fn random(random: &mut ChaCha8Rng) -> Vec<Txn> {
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

fn history(all: &[Txn]) -> History {
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

/// By the definition of the claim.
fn expected(all: &[Txn], claim: Claim) -> bool {
    match claim {
        Claim::StrictSerializable => serializable(all, Order::Realtime),
        Claim::StrongSessionSerializable => serializable(all, Order::Process),
        Claim::Serializable | Claim::RepeatableRead => serializable(all, Order::Any),
        Claim::StrongSnapshotIsolation => snapshot_isolated(all, Order::Realtime),
        Claim::SnapshotIsolation => snapshot_isolated(all, Order::Any),
        Claim::ReadCommitted => read_committed(all),
        // Any order of the transactions gives an order of versions without a cycle of writes.
        Claim::ReadUncommitted => true,
    }
}

#[test]
fn brute_force_agrees() {
    let mut counts = [[0_u64; 2]; Claim::ALL.len()];
    for seed in 0..histories() {
        let all = random(&mut ChaCha8Rng::seed_from_u64(seed));
        let history = history(&all);
        let analysis = analyse(&history, None, Allowance::unlimited()).expect("unique");
        let nothing = all.iter().all(|txn| txn.ended != Some(true));
        for (claim, counts) in Claim::ALL.into_iter().zip(&mut counts) {
            let told = || format!("{}, seed {seed}: {all:#?}\n{:#?}", claim.word(), analysis.anomalies);
            let (outcome, expected) = (analysis.clone().outcome(claim), expected(&all, claim));
            counts[usize::from(!expected)] += 1;
            match &outcome {
                Outcome::Ok(_) => assert!(expected, "false ok of {}", told()),
                Outcome::Violation(_) => assert!(!expected, "false violation of {}", told()),
                Outcome::Unknown(_) => assert!(nothing, "unknown {}", told()),
            }
            if let Outcome::Ok(Certificate::Orders(orders)) = &outcome {
                verify_order(&history, claim, None, &orders[0]).unwrap_or_else(|wrong| panic!("{wrong} {}", told()));
            }
        }
        assert!(analysis.anomalies.iter().all(|anomaly| (1..=6).contains(&anomaly.witness.len())));
    }
    println!("histories of each claim that hold and do not: {counts:?}");
    assert!(counts[..7].iter().all(|[good, bad]| *good > histories() / 20 && *bad > histories() / 50), "{counts:?}");
}
