//! What a history lacks, and that event by event the same is found as by looking at all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::*;
use crate::differential::Dice;
use crate::history::{Completion, Moment};
use crate::outcome::Budget;

fn operation(function: &str, from: u64, to: u64, node: &str) -> Operation {
    let at = |at| Call { at, time: i64::try_from(at).unwrap_or(i64::MAX), line: 0 };
    Operation {
        process: from,
        function: Arc::from(function),
        key: None,
        input: Value::Nil,
        output: Value::Nil,
        completion: Completion::Ok,
        saw: None,
        call: at(from),
        end: Some(at(to)),
        node: Some(Arc::from(node)),
    }
}

fn needs() -> Needs {
    let least = Least { function: "write".to_owned(), in_window: 1, in_all: 2 };
    Needs { least: vec![least], contended: true, final_reads: vec!["db-0".to_owned()], reads: vec!["read".to_owned()] }
}

fn told(operations: Vec<Operation>) -> String {
    let window = Window { name: "partition-1".to_owned(), from: 10, to: 20 };
    match check(&History { operations }, &[window], &needs()) {
        None => "enough".to_owned(),
        Some(Outcome::Unknown(Budget::Evidence(lacks))) => lacks,
        Some(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_history_in_which_nothing_happened_is_no_pass() {
    let write = |from, to| operation("write", from, to, "db-0");
    let read = |from, to| operation("read", from, to, "db-0");
    assert_eq!(told(vec![write(1, 12), write(11, 13), read(30, 31)]), "enough");
    assert_eq!(
        told(vec![]),
        "0 ok of write, 2 are needed; 0 ok of write in partition-1, 1 are needed; no key was used by two clients at \
         once; no final read from db-0"
    );
    assert_eq!(told(vec![write(1, 4), write(3, 5), read(30, 31)]), "0 ok of write in partition-1, 1 are needed");
    assert_eq!(told(vec![write(1, 4), write(11, 12), read(30, 31)]), "no key was used by two clients at once");
    assert_eq!(told(vec![write(1, 12), write(11, 35), read(30, 31)]), "no final read from db-0");
    let mut apart = vec![write(1, 12), write(11, 13), read(30, 31)];
    apart[0].key = Some(Value::Int(1));
    assert_eq!(told(apart), "no key was used by two clients at once");
}

/// The same by looking at the whole: the definitions.
fn by_definition(history: &History, windows: &[Window], needs: &Needs) -> Option<String> {
    let all = || history.operations.iter();
    let ends = || all().flat_map(|one| [Some(one.call), one.end]).flatten();
    let mut lacks = Vec::new();
    for least in &needs.least {
        let done = || all().filter(|one| one.completion == Completion::Ok && *one.function == *least.function);
        if done().count() < least.in_all {
            lacks.push(format!("{} ok of {}, {} are needed", done().count(), least.function, least.in_all));
        }
        for window in windows {
            let from = ends().filter(|end| end.time >= window.from).map(|end| end.at).min();
            let to = ends().filter(|end| end.time <= window.to).map(|end| end.at).max();
            let inside = |one: &&Operation| {
                from.is_some_and(|from| one.finish() >= from) && to.is_some_and(|to| one.call.at <= to)
            };
            let count = done().filter(inside).count();
            if count < least.in_window {
                let (function, name, needed) = (&least.function, &window.name, least.in_window);
                lacks.push(format!("{count} ok of {function} in {name}, {needed} are needed"));
            }
        }
    }
    let is_read = |one: &Operation| needs.reads.iter().any(|read| **read == *one.function);
    let overlap = |one: &Operation, other: &Operation| {
        let end = |one: &Operation| one.end.map_or(Moment::MAX, |end| end.at);
        one.call.at < end(other) && other.call.at < end(one)
    };
    let contend = |one: &Operation, other: &Operation| {
        let counts = [one, other].iter().all(|one| one.completion != Completion::Fail);
        let shared = keys(one).iter().any(|key| keys(other).contains(key));
        counts && shared && overlap(one, other) && !(is_read(one) && is_read(other))
    };
    let pairs = || (0..history.operations.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
    if !pairs().any(|(one, other)| contend(&history.operations[one], &history.operations[other])) {
        lacks.push("no key was used by two clients at once".to_owned());
    }
    let quiet = all().filter(|one| !is_read(one)).map(|one| one.end.unwrap_or(one.call).at).max().unwrap_or(0);
    let last = |one: &&Operation| one.completion == Completion::Ok && is_read(one) && one.call.at > quiet;
    let answered: BTreeSet<&str> = all().filter(last).filter_map(|one| one.node.as_deref()).collect();
    let silent: Vec<&str> =
        needs.final_reads.iter().map(String::as_str).filter(|replica| !answered.contains(replica)).collect();
    if !silent.is_empty() {
        lacks.push(format!("no final read from {}", silent.join(", ")));
    }
    (!lacks.is_empty()).then(|| lacks.join("; "))
}

/// A small history of a few clients, whose stamps disagree with its order now and then.
fn random(dice: &mut Dice) -> History {
    let (mut open, mut operations, mut time): (BTreeMap<u64, usize>, Vec<Operation>, u64) =
        (BTreeMap::new(), vec![], 0);
    for at in 1..=dice.below(40) {
        time += dice.below(4);
        let stamp = i64::try_from(time.saturating_sub(dice.below(4) * dice.below(2))).unwrap_or(0);
        let event = Call { at, time: stamp, line: 0 };
        let process = dice.below(3);
        if let Some(place) = open.remove(&process) {
            if dice.below(8) > 0 {
                let one: &mut Operation = &mut operations[place];
                one.end = Some(event);
                one.completion = [Completion::Ok, Completion::Ok, Completion::Fail, Completion::Info]
                    [usize::try_from(dice.below(4)).unwrap_or(0)];
            }
            continue;
        }
        let function = ["read", "write", "txn"][usize::try_from(dice.below(3)).unwrap_or(0)];
        let mut one = operation(function, at, at, ["db-0", "db-1"][usize::try_from(dice.below(2)).unwrap_or(0)]);
        let key = |dice: &mut Dice| Value::Int(i64::try_from(dice.below(3)).unwrap_or(0));
        if function == "txn" {
            let micro = |dice: &mut Dice| Value::List([Value::Text("r".into()), key(dice)].into());
            one.input = Value::List((0..dice.below(3)).map(|_| micro(dice)).collect());
        } else {
            one.key = Some(key(dice));
        }
        (one.call, one.end, one.completion) = (event, None, Completion::Info);
        open.insert(process, operations.len());
        operations.push(one);
    }
    History { operations }
}

#[test]
fn event_by_event_the_same_is_found() {
    let mut dice = Dice(11);
    let mut seen: BTreeMap<bool, u32> = BTreeMap::new();
    for _ in 0..20_000 {
        let history = random(&mut dice);
        let from = i64::try_from(dice.below(40)).unwrap_or(0);
        let to = from + i64::try_from(dice.below(20)).unwrap_or(0);
        let window = Window { name: "kill-1".to_owned(), from, to };
        let mut needs = needs();
        needs.least[0].in_window = usize::try_from(dice.below(3)).unwrap_or(0);
        let expected = by_definition(&history, std::slice::from_ref(&window), &needs);
        let found = check(&history, std::slice::from_ref(&window), &needs);
        *seen.entry(found.is_none()).or_default() += 1;
        let found = found.map(|outcome| match outcome {
            Outcome::Unknown(Budget::Evidence(lacks)) => lacks,
            other => panic!("{other:?}"),
        });
        assert_eq!(found, expected, "{window:?} {needs:?} {history:#?}");
        let mut counts: BTreeMap<String, [u64; 3]> = BTreeMap::new();
        for one in &history.operations {
            counts.entry(one.function.to_string()).or_default()[one.completion as usize] += 1;
        }
        let counted = Tally::of(&history, vec![], Needs::default()).counts();
        let counted: BTreeMap<String, [u64; 3]> =
            counted.into_iter().map(|count| (count.function, [count.ok, count.fail, count.info])).collect();
        assert_eq!(counted, counts);
    }
    assert!(seen[&true] > 50 && seen[&false] > 1000, "{seen:?}");
}
