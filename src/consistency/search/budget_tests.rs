//! What the searches may hold and how often they look at the clock: counted, not measured.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Budget, Call, Completion, History, Model, Operation, Options, Outcome, Value, check};

/// One operation after the other.
fn history(operations: Vec<(&str, Value, Value)>) -> History {
    let at = |moment| Call { at: moment, time: 0, line: 0 };
    let each = (0..).zip(operations).map(|(place, (function, input, output))| Operation {
        process: 1,
        function: function.into(),
        key: None,
        input,
        output,
        completion: Completion::Ok,
        saw: None,
        call: at(place * 2),
        end: Some(at(place * 2 + 1)),
        node: None,
    });
    History { operations: each.collect() }
}

fn judged(history: &History, model: Model, memory: u64) -> Outcome {
    check(history, model, &Options { memory: Some(memory), ..Options::default() }, &|| false)
}

fn appends(count: usize) -> History {
    let mut all: Vec<_> =
        (0..count).map(|one| ("append", Value::Text(format!("x{one:04}").into()), Value::Nil)).collect();
    let text = all.iter().fold(String::new(), |text, (_, piece, _)| text + &piece.to_string());
    all.push(("get", Value::Nil, Value::Text(text.into())));
    history(all)
}

/// Every element twice, so that only a search can tell.
fn twice(count: i64) -> History {
    let add = |value| ("add", Value::Int(value), Value::Nil);
    let mut all: Vec<_> = (0..count).chain(0..count).map(add).collect();
    all.push(("read", Value::Nil, Value::List((0..count).map(Value::Int).collect())));
    history(all)
}

/// Each transaction writes one of many registers.
fn transactions(registers: i64) -> History {
    let micro = |key| Value::List([Value::Text("w".into()), Value::Int(key), Value::Int(key)].into());
    history((0..registers).map(|key| ("txn", Value::List([micro(key)].into()), Value::Nil)).collect())
}

/// As copies, the states of each of these would take more than twelve million bytes.
#[test]
fn states_share_what_they_have_in_common() {
    for (history, model) in
        [(appends(2_400), Model::Kv), (twice(2_400), Model::Set), (transactions(2_400), Model::MultiRegister)]
    {
        let outcome = judged(&history, model, 12_000_000);
        assert!(matches!(outcome, Outcome::Ok(_)), "{model}: {outcome:?}");
        assert_eq!(judged(&history, model, 300_000), Outcome::Unknown(Budget::Memory(300_000)), "{model}");
    }
}

/// The clock is asked after as much work, not after as many turns: when it says that the time is over, that is the last question.
#[test]
fn the_clock_is_asked_all_the_time() {
    let limit = Duration::from_secs(7);
    let options = Options { timeout: Some(limit), ..Options::default() };
    for (history, model, least) in [(hard(14), Model::Set, 20), (appends(8_000), Model::Kv, 4)] {
        let asked = AtomicU64::new(0);
        let ask = |over_from| {
            asked.store(0, Ordering::Relaxed);
            let exhausted = || asked.fetch_add(1, Ordering::Relaxed) >= over_from;
            (check(&history, model, &options, &exhausted), asked.load(Ordering::Relaxed))
        };
        let (outcome, questions) = ask(u64::MAX);
        assert!(!matches!(outcome, Outcome::Unknown(_)) && questions >= least, "{model}: {questions}, {outcome:?}");
        for over_from in [0, questions / 2] {
            let (outcome, asked) = ask(over_from);
            assert_eq!(outcome, Outcome::Unknown(Budget::Time(limit)), "{model}");
            assert!(asked <= over_from + 2, "{model}: {asked} questions, over from {over_from}");
        }
    }
}

/// Each of so many elements may be there or not, and of the two reads one is wrong however that may be.
fn hard(unknown: i64) -> History {
    let add = |value| ("add", Value::Int(value), Value::Nil);
    let read =
        |shown: &[i64]| ("read", Value::Nil, Value::List(shown.iter().map(|value| Value::Int(*value)).collect()));
    let mut all: Vec<_> = (0..unknown).chain(0..unknown).map(add).collect();
    all.extend([add(99), read(&[99]), read(&[])]);
    let mut all = history(all);
    for one in all.operations.iter_mut().filter(|one| one.input != Value::Nil && one.input != Value::Int(99)) {
        (one.completion, one.end) = (Completion::Info, None);
    }
    all
}
