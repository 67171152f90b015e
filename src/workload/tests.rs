//! What generators promise: the same seed gives the same requests, values are unique, and clients whose outcome is
//! unknown go on as somebody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{
    Action, Generator, Kind, Micro, Options, OptionsError, Outcome, ReadFrom, Request, StoreKind, Target, Verb, can_run,
};
use crate::consistency::{Completion, Value};

fn options(seed: u64) -> Options {
    let prefix = "driftproof-test-".to_owned();
    let reads = ReadFrom::Anywhere;
    Options { seed, clients: 3, keys: 2, rotate_after: 20, prefix, replicas: 3, reads, mix: Vec::new() }
}

fn generator(kind: Kind, seed: u64) -> Generator {
    Generator::new(kind, options(seed)).expect("valid options")
}

/// A store without faults, as far as generators look at it.
fn answer(request: &Request, last: &mut BTreeMap<Arc<str>, i64>, revision: &mut i64) -> Outcome {
    *revision += 1;
    let mut outcome = match &request.action {
        Action::Read { key } => Outcome::ok(last.get(key).map_or(Value::Nil, |value| Value::Int(*value))),
        Action::Write { key, value } => {
            last.insert(key.clone(), *value);
            Outcome::ok(Value::Int(*value))
        }
        Action::Cas { key, from, to } if last.get(key) == Some(from) => {
            last.insert(key.clone(), *to);
            Outcome::ok(Value::Nil)
        }
        Action::Cas { key, .. } => {
            Outcome { actual: last.get(key).copied().map(Value::Int), ..Outcome::fail("differs") }
        }
        Action::Acquire { .. } => Outcome::ok(Value::Int(*revision)),
        _ => Outcome::ok(Value::Nil),
    };
    outcome.revision = Some(*revision);
    outcome
}

fn play(kind: Kind, seed: u64, rounds: usize) -> Vec<Request> {
    let (mut generator, mut last, mut revision) = (generator(kind, seed), BTreeMap::new(), 0);
    let mut requests = generator.setup();
    for round in 0..rounds {
        let client = round % 3;
        let request = generator.next(client);
        generator.completed(client, &answer(&request, &mut last, &mut revision));
        requests.push(request);
    }
    requests.append(&mut generator.final_reads(3));
    requests
}

fn written(action: &Action) -> Vec<i64> {
    match action {
        Action::Write { value, .. } => vec![*value],
        Action::Cas { to, .. } => vec![*to],
        Action::Add { element, .. } | Action::Enqueue { element, .. } => vec![*element],
        Action::Transact { steps } => {
            let appended = |step: &Micro| match step {
                Micro::Append(_, element) => Some(*element),
                Micro::Read(_) => None,
            };
            steps.iter().filter_map(appended).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    for kind in Kind::ALL {
        assert_eq!(play(kind, 7, 200), play(kind, 7, 200), "{}", kind.name());
        assert_ne!(play(kind, 7, 200), play(kind, 8, 200), "{}", kind.name());
    }
}

#[test]
fn no_value_is_written_twice() {
    for kind in Kind::ALL {
        let values: Vec<i64> = play(kind, 7, 900).iter().flat_map(|request| written(&request.action)).collect();
        let unique: BTreeSet<i64> = values.iter().copied().collect();
        assert_eq!(values.len(), unique.len(), "{}", kind.name());
        assert!(values.iter().all(|value| *value > 0));
    }
}

#[test]
fn a_client_draws_the_same_whatever_the_pace_of_the_others() {
    let alone: Vec<Action> = {
        let mut generator = generator(Kind::Append, 7);
        (0..40).map(|_| generator.next(1).action).collect()
    };
    let mut generator = generator(Kind::Append, 7);
    let among = (0..40).map(|_| {
        generator.next(0);
        generator.next(2);
        generator.next(1).action
    });
    assert_eq!(alone, among.collect::<Vec<_>>());
}

#[test]
fn every_function_of_a_mix_is_used() {
    for kind in Kind::ALL {
        let used: BTreeSet<Verb> = play(kind, 7, 300).iter().filter_map(|request| request.action.verb()).collect();
        for minimum in super::minima(kind) {
            assert!(used.contains(&minimum.verb), "{} never uses {}", kind.name(), minimum.verb.name());
        }
    }
}

#[test]
fn a_mix_is_kept_to() {
    let mut options = options(7);
    options.mix = vec![(Verb::Write, 1), (Verb::Read, 0)];
    let mut generator = Generator::new(Kind::Register, options).expect("valid options");
    assert!((0..100).all(|_| matches!(generator.next(0).action, Action::Write { .. })));
}

#[test]
fn an_unknown_outcome_renews_the_process() {
    let mut generator = generator(Kind::Register, 7);
    let processes: Vec<u64> = [Outcome::info("timeout"), Outcome::fail("no"), Outcome::info("timeout")]
        .iter()
        .map(|outcome| {
            let request = generator.next(2);
            generator.completed(2, outcome);
            request.process
        })
        .collect();
    assert_eq!(processes, [2, 5, 5]);
    assert_eq!(generator.next(2).process, 8);
    assert_eq!(generator.next(0).process, 0);
}

#[test]
fn final_reads_go_to_every_replica_each_as_a_new_process() {
    for kind in [Kind::Register, Kind::Set, Kind::Append, Kind::Bank, Kind::Counter, Kind::Watch] {
        let requests = play(kind, 7, 60);
        let before: BTreeSet<u64> = requests[..60].iter().map(|request| request.process).collect();
        let last: Vec<&Request> = requests[60..].iter().filter(|request| !before.contains(&request.process)).collect();
        let processes: BTreeSet<u64> = last.iter().map(|request| request.process).collect();
        assert_eq!(processes.len(), last.len(), "{}", kind.name());
        for replica in 0..3 {
            assert!(last.iter().any(|request| request.target == Target::Replica(replica)), "{}", kind.name());
        }
    }
}

#[test]
fn keys_rotate_and_the_final_phase_reads_all_of_them() {
    let requests = play(Kind::Register, 7, 180);
    let used: BTreeSet<_> = requests[..180].iter().filter_map(|request| request.action.key()).collect();
    let read: BTreeSet<_> = requests[180..].iter().filter_map(|request| request.action.key()).collect();
    assert_eq!(used.len(), 6, "60 requests of each client with new keys after 20: {used:?}");
    assert!(used.is_subset(&read));
}

#[test]
fn a_compare_and_set_starts_from_what_was_seen() {
    let (mut generator, mut last, mut revision) = (generator(Kind::Register, 7), BTreeMap::new(), 0);
    let mut outcomes = BTreeMap::new();
    for _ in 0..300 {
        let request = generator.next(0);
        let outcome = answer(&request, &mut last, &mut revision);
        if matches!(request.action, Action::Cas { .. }) {
            *outcomes.entry(outcome.completion).or_insert(0) += 1;
        }
        generator.completed(0, &outcome);
    }
    // Alone, a client always knows the value.
    assert_eq!(outcomes.keys().copied().collect::<Vec<_>>(), [Completion::Ok]);
}

#[test]
fn who_holds_a_lock_gives_it_back_under_its_token() {
    let mut generator = generator(Kind::Lock, 7);
    let taken = generator.next(1);
    let Action::Acquire { lock } = taken.action else { panic!("{taken:?}") };
    generator.completed(1, &Outcome::ok(Value::Int(41)));
    let Action::Release { lock: given, token } = generator.next(1).action else { panic!("a release") };
    assert_eq!((given, token), (lock, 41));
    generator.completed(1, &Outcome::info("timeout"));
    assert!(matches!(generator.next(1).action, Action::Acquire { .. }));
}

#[test]
fn a_watch_goes_on_from_where_it_got_to() {
    let mut options = options(7);
    options.mix = vec![(Verb::Watch, 1)];
    let mut generator = Generator::new(Kind::Watch, options).expect("valid options");
    assert!(matches!(generator.next(0).action, Action::Write { .. }), "nobody knows a revision yet");
    generator.completed(0, &Outcome { revision: Some(10), ..Outcome::ok(Value::Nil) });
    assert!(matches!(generator.next(1).action, Action::Watch { after: 10, .. }));
    let event = super::words::list([Value::Int(14), Value::Text("k".into()), Value::Int(1)]);
    generator.completed(1, &Outcome::ok(super::words::list([event])));
    assert!(matches!(generator.next(1).action, Action::Watch { after: 14, .. }));
    assert!(matches!(generator.next(2).action, Action::Watch { after: 10, .. }));
    assert!(matches!(generator.next(0).action, Action::Write { .. }), "somebody must write");
}

#[test]
fn options_that_cannot_work_are_named() {
    let wrong = |change: fn(&mut Options), kind| {
        let mut options = options(7);
        change(&mut options);
        Generator::new(kind, options).map(|_| ()).expect_err("refused").to_string()
    };
    assert_eq!(wrong(|o| o.clients = 0, Kind::Set), "workload `set`: clients must be at least 1, not 0");
    assert_eq!(wrong(|o| o.keys = 1, Kind::Bank), "workload `bank`: keys must be at least 2, not 1");
    assert_eq!(wrong(|o| o.prefix.clear(), Kind::Set), "workload `set`: the prefix of its keys must not be empty");
    let unknown = wrong(|o| o.mix = vec![(Verb::Cas, 1)], Kind::Set);
    assert_eq!(unknown, "workload `set` has no function `cas`; it has `add`, `read`");
    let empty = Generator::new(Kind::Set, Options { mix: vec![(Verb::Add, 0)], ..options(7) }).map(|_| ());
    assert_eq!(empty, Err(OptionsError::EmptyMix { kind: Kind::Set }));
}

#[test]
fn what_a_store_cannot_run_names_what_it_can() {
    for store in StoreKind::ALL {
        for kind in Kind::ALL {
            if let Err(refusal) = can_run(store, kind) {
                assert_eq!(can_run(store, refusal.instead), Ok(()), "{refusal}");
            }
        }
    }
    let refusal = can_run(StoreKind::Etcd, Kind::Queue).expect_err("refused").to_string();
    assert_eq!(
        refusal,
        "etcd cannot run the workload `queue`: etcd has no queue; use `set` here, or a `command` store with a \
         program of your own"
    );
}

#[test]
fn the_claim_of_a_workload_is_one_that_it_can_test() {
    for kind in Kind::ALL {
        assert_eq!(kind.claims().first(), Some(&kind.claim()), "{}", kind.name());
    }
}

#[test]
fn reads_go_where_they_were_sent() {
    for (reads, expected) in [(ReadFrom::Anywhere, 0), (ReadFrom::Replicas, 3)] {
        let mut generator = Generator::new(Kind::Register, Options { reads, ..options(7) }).expect("valid options");
        let requests: Vec<Request> = (0..200).map(|round| generator.next(round % 3)).collect();
        let replica = |request: &Request| match request.target {
            Target::Any => None,
            Target::Replica(replica) => Some(replica),
        };
        let used: BTreeSet<usize> = requests.iter().filter_map(replica).collect();
        assert_eq!(used.len(), expected);
        assert!(requests.iter().all(|request| request.action.is_read() || request.target == Target::Any));
    }
}
