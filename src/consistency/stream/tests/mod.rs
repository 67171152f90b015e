//! Reading while judging says what the general way says: of histories that are sound, broken, and no histories at all.

mod recorded;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;

use self::recorded::{Shape, recorded};
use super::*;
use crate::check::Nil;
use crate::explain::{Surroundings, explain};
use crate::format::read;
use crate::history::Value;
use crate::text::check_text;
use crate::vacuity::{Least, Needs, Window};
use crate::verify;

fn request(options: Options) -> Request {
    Request { model: Model::Register, format: Format::Native, claim: None, options }
}

/// What a run asks of a history besides.
fn needed() -> (Vec<Window>, Needs) {
    let least = ["read", "write"].map(|function| Least { function: function.to_owned(), in_window: 3, in_all: 8 });
    let needs = Needs {
        least: least.to_vec(),
        contended: true,
        final_reads: vec!["db-0".to_owned()],
        reads: vec!["read".to_owned()],
    };
    (vec![Window { name: "kill-1".to_owned(), from: 20, to: 40 }], needs)
}

/// What the streaming way says of the bytes, given in pieces of this size; none if it has no opinion.
fn streamed(bytes: &[u8], request: &Request, piece: usize) -> Option<Result<Judged, ReadError>> {
    let (windows, needs) = needed();
    let mut reading = Reading::new(request, &|| false).expect("applies").counting(Tally::new(windows, needs));
    let _ = bytes.chunks(piece.max(1)).all(|piece| reading.push(piece));
    let (answered, tally) = match reading.finish_counted() {
        Ok(answered) => answered,
        Err(error) => return Some(Err(error)),
    };
    if let Ok(history) = read(bytes, Format::Native) {
        let (windows, needs) = needed();
        let (whole, tally) = (Tally::of(&history, windows, needs), tally.expect("read to its end"));
        assert_eq!((whole.counts(), whole.lacks()), (tally.counts(), tally.lacks()));
    }
    match answered {
        Answered::Judged(judged) => Some(Ok(judged)),
        Answered::Undecided => None,
        Answered::Again(mut telling) => {
            assert!(bytes.chunks(piece.max(1)).all(|piece| telling.push(piece)));
            Some(telling.finish())
        }
    }
}

/// An outcome with all that is told of it.
fn told(judged: &Judged) -> Vec<String> {
    let Outcome::Violation(anomalies) = &judged.outcome else { return Vec::new() };
    let history = judged.history.as_ref().expect("what is broken is shown");
    let tell = |anomaly| {
        let told = explain(history, anomaly, anomalies, &Surroundings::default());
        format!("{} {}", told.headline, told.operations.join("; "))
    };
    anomalies.iter().map(tell).collect()
}

/// What is said, in a word; `beyond` if only the general way has an opinion.
fn agree(bytes: &[u8], options: &Options, piece: usize) -> &'static str {
    let request = request(options.clone());
    let general = check_text(bytes, &request, &|| false);
    let Some(streamed) = streamed(bytes, &request, piece) else { return "beyond" };
    let text = String::from_utf8_lossy(bytes);
    match (general, streamed) {
        (Err(general), Err(streamed)) => {
            assert_eq!(general, streamed, "\n{text}");
            "error"
        }
        (Ok(general), Ok(streamed)) => {
            assert_eq!(general.outcome, streamed.outcome_of_all(), "\n{text}");
            assert_eq!(told(&general), told(&streamed), "\n{text}");
            let history = general.history.as_ref().expect("read in general");
            let confirmed = verify(history, Model::Register, options, &streamed.outcome_of_all());
            assert!(!matches!(confirmed, Err(verify::Refusal::Wrong(_))), "{confirmed:?}\n{text}");
            streamed.word()
        }
        (general, streamed) => panic!("{general:?}\n{streamed:?}\n{text}"),
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let percents = (
        prop_oneof![Just(0), Just(0), Just(4), Just(25)],
        0..20_u64,
        prop_oneof![Just(0), Just(10), Just(50)],
        0..8_u64,
    );
    (any::<u64>(), 0..60_usize, 1..6_u64, 1..4_u64, percents).prop_map(
        |(seed, operations, clients, keys, (lies, failed, unknown, silent))| Shape {
            seed,
            operations,
            clients,
            keys,
            lies,
            failed,
            unknown,
            silent,
        },
    )
}

fn options() -> impl Strategy<Value = Options> {
    let initial = prop_oneof![Just(None), Just(Some(Value::Int(2)))];
    (initial, prop_oneof![Just(Nil::Absent), Just(Nil::Wildcard)]).prop_map(|(initial, nil)| Options {
        initial,
        nil,
        ..Options::default()
    })
}

/// One change of a text: at this byte (or its line), of this kind.
fn changed(text: &str, at: usize, kind: u8, byte: u8) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if bytes.is_empty() {
        return vec![byte];
    }
    let (at, line) = (at % bytes.len(), at % lines.len());
    match kind {
        0 => bytes[at] = byte,
        1 => drop(bytes.remove(at)),
        2 => bytes.insert(at, byte),
        3 => bytes.truncate(at),
        4 => {
            lines.remove(line);
            bytes = lines.concat().into_bytes();
        }
        5 => {
            lines.insert(line, lines[line]);
            bytes = lines.concat().into_bytes();
        }
        6 => {
            lines.swap(line, 0);
            bytes = lines.concat().into_bytes();
        }
        7 => bytes = text.replacen("\"write\"", "\"paint\"", 1 + at % 2).into_bytes(),
        8 => bytes = text.replacen(&format!("\"v\":{}", at % 30), &format!("\"v\":{}", at % 7), 1).into_bytes(),
        _ => bytes.splice(at..at, *b"\n \n\r\n").for_each(drop),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn of_any_history_both_ways_say_the_same(shape in shape(), options in options(), piece in 1..400_usize) {
        agree(recorded(shape).as_bytes(), &options, piece);
    }

    #[test]
    fn of_any_text_that_is_no_history_both_ways_say_the_same(
        shape in shape(),
        changes in prop::collection::vec((any::<usize>(), 0..10_u8, any::<u8>()), 1..3),
        piece in 1..400_usize,
    ) {
        let mut bytes = recorded(shape).into_bytes();
        for (at, kind, byte) in changes {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            bytes = changed(&text, at, kind, byte);
        }
        agree(&bytes, &Options::default(), piece);
    }
}

/// So that what the properties compare is not always the same.
#[test]
fn random_histories_are_of_every_kind() {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..600 {
        let shape = Shape {
            seed,
            operations: 40,
            clients: 1 + seed % 5,
            keys: 1 + seed % 3,
            lies: [0, 4, 25][usize::try_from(seed % 3).unwrap_or(0)],
            failed: seed % 20,
            unknown: seed % 30,
            silent: seed % 7,
        };
        let text = recorded(shape);
        *words.entry(agree(text.as_bytes(), &Options::default(), 4096)).or_default() += 1;
        let judged = check_text(text.as_bytes(), &request(Options::default()), &|| false).expect("a history");
        if let Outcome::Violation(anomalies) = judged.outcome {
            for anomaly in &anomalies {
                *kinds.entry(anomaly.kind.name()).or_default() += 1;
            }
        }
    }
    assert!(words["ok"] > 100 && words["violation"] > 100 && !words.contains_key("error"), "{words:?}");
    assert!(words.get("beyond").is_none_or(|beyond| *beyond < 20), "{words:?}");
    for kind in ["stale-read", "phantom-read", "read-of-failed", "read-from-the-future", "lost-update", "lost-write"] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 5), "{kind}: {kinds:?}");
    }
}

/// One operation after the other on one key.
fn sequence(operations: u64, read: impl Fn(u64) -> u64) -> String {
    let mut text = String::new();
    for number in 0..operations {
        let (function, sent, came) = match number % 2 {
            0 => ("write", (number + 1).to_string(), number + 1),
            _ => ("read", "null".to_owned(), read(number)),
        };
        let at = number * 2;
        let _ = writeln!(text, r#"{{"i":{at},"t":{at},"p":1,"type":"invoke","f":"{function}","k":"k","v":{sent}}}"#);
        let _ = writeln!(text, r#"{{"i":{0},"t":{0},"p":1,"type":"ok","f":"{function}","k":"k","v":{came}}}"#, at + 1);
    }
    text
}

#[test]
fn what_a_search_must_judge_is_left_to_it() {
    let twice = sequence(4, |number| number).replace("\"v\":3", "\"v\":1");
    assert_eq!(agree(twice.as_bytes(), &Options::default(), 100), "beyond");
    for options in [
        Options { engine: Engine::Depth, ..Options::default() },
        Options { failed_cas: FailedCas::Observed, ..Options::default() },
    ] {
        assert!(Reading::new(&request(options), &|| false).is_none());
    }
    let other = Request { model: Model::Set, ..request(Options::default()) };
    assert!(Reading::new(&other, &|| false).is_none());
}

#[test]
fn a_budget_that_is_used_up_is_named() {
    let text = sequence(100_000, |number| number);
    let outcome = |options: Options, over_from: usize| {
        let asked = AtomicUsize::new(0);
        let exhausted = || asked.fetch_add(1, Ordering::Relaxed) >= over_from;
        let mut reading = Reading::new(&request(options), &exhausted).expect("applies");
        let _ = text.as_bytes().chunks(4096).all(|piece| reading.push(piece));
        match reading.finish() {
            Ok(Answered::Judged(judged)) => judged.outcome,
            _ => panic!("an outcome"),
        }
    };
    let limit = Duration::from_secs(5);
    let timed = || Options { timeout: Some(limit), ..Options::default() };
    for over_from in [0, 1, 100, 500] {
        assert_eq!(outcome(timed(), over_from), Outcome::Unknown(Budget::Time(limit)), "over from {over_from}");
    }
    assert!(matches!(outcome(timed(), usize::MAX), Outcome::Ok(_)));
    for memory in [1, 1 << 20, 7 << 20] {
        let options = Options { memory: Some(memory), ..Options::default() };
        assert_eq!(outcome(options, usize::MAX), Outcome::Unknown(Budget::Memory(memory)));
    }
    let enough = Options { memory: Some(16 << 20), ..Options::default() };
    assert!(matches!(outcome(enough, usize::MAX), Outcome::Ok(_)));
}

#[test]
fn a_file_that_changes_between_two_looks_gets_no_verdict() {
    let text = sequence(10, |number| if number == 9 { 1 } else { number });
    let again = || {
        let mut reading = Reading::new(&request(Options::default()), &|| false).expect("applies");
        assert!(reading.push(text.as_bytes()));
        match reading.finish() {
            Ok(Answered::Again(telling)) => telling,
            _ => panic!("broken"),
        }
    };
    for other in [sequence(12, |number| number), sequence(8, |number| number), String::new()] {
        let mut telling = again();
        assert!(telling.push(other.as_bytes()));
        assert!(telling.finish().is_err());
    }
    let mut telling = again();
    assert!(telling.push(text.as_bytes()));
    assert_eq!(telling.finish().expect("told").word(), "violation");
}
