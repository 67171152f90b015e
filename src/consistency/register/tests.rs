//! The register against the trial of all orders, exhaustively where that is short; and what it says of each anomaly.

use std::fmt::Write as _;

use super::{Access, Compact, Judgement, NEVER, NONE, Unsuitable, judge};
use crate::differential::{Dice, KINDS, Shape, compare, every, random};
use crate::{
    Budget, Call, Completion, Confirmation, Engine, History, Model, Nil, Operation, Options, Outcome, Value, check,
    verify,
};

/// All histories of up to 3 operations (also indeterminate ones, and values that nobody wrote), and all others of 4; the bench
/// goes to 6.
#[test]
fn every_short_history() {
    let (mut count, mut good) = (0, 0);
    for length in 1..=4 {
        let shape = Shape { length, cas: true, indeterminate: length < 4, phantom: length < 4 };
        every(shape, &mut |history| {
            count += 1;
            good += u32::from(compare(history, KINDS[0], &[Engine::Auto]).unwrap_or_else(|wrong| panic!("{wrong}")));
        });
    }
    assert!(good > 10_000 && count > 200_000, "{count} histories, {good} can be explained");
}

/// `client function values start..end`, one a line; `start..?` for an unknown outcome, `start..end!` for a failure, and
/// `start..end!value` for one that saw a value.
fn history(text: &str) -> History {
    let mut history = History::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        let (start, end) = words[words.len() - 1].split_once("..").expect("start..end");
        let value = |word: &str| word.parse().map_or(Value::Nil, Value::Int);
        let values: Vec<_> = words[2..words.len() - 1].iter().map(|word| value(word)).collect();
        let at = |word: &str| Call { at: word.parse().expect("a moment"), time: 0, line: 0 };
        let (end, saw) = match end.split_once('!') {
            Some((_, "")) | None => (end, None),
            Some((end, saw)) => (end, Some(Box::new(value(saw)))),
        };
        let completion = match end {
            _ if saw.is_some() => Completion::Fail,
            "?" => Completion::Info,
            _ if end.ends_with('!') => Completion::Fail,
            _ => Completion::Ok,
        };
        let reads = words[1] == "read";
        history.operations.push(Operation {
            process: words[0].parse().expect("a client"),
            function: words[1].into(),
            key: Some(Value::Text("k7".into())),
            input: match &values[..] {
                _ if reads => Value::Nil,
                [value] => value.clone(),
                _ => Value::List(values.clone().into()),
            },
            output: if reads { values[0].clone() } else { Value::Nil },
            completion,
            saw,
            call: at(start),
            end: (end != "?").then(|| at(end.trim_end_matches('!'))),
            node: None,
        });
    }
    history.operations.sort_by_key(|operation| operation.call.at);
    history
}

/// The name and the sentence of the first anomaly, and how many operations show it by themselves.
fn told(text: &str) -> String {
    let history = history(text);
    let options = Options::default();
    let outcome = check(&history, Model::Register, &options, &|| false);
    let Outcome::Violation(anomalies) = &outcome else { return format!("{outcome:?}") };
    let confirmed = verify(&history, Model::Register, &options, &outcome).expect("the verifier agrees");
    assert_eq!(confirmed, [Confirmation::Witness], "{text}");
    format!("{} ({}): {}", anomalies[0].kind, anomalies[0].witness.len(), anomalies[0].sentence)
}

#[test]
fn a_stale_read() {
    assert_eq!(
        told("2 write 41 1..2\n 5 write 42 3..4\n 9 read 42 5..6\n 3 read 41 7..8"),
        "stale-read (3): k7: client 3 read 41, but client 5 had already written 42 before that read began, and client 2 had \
         written 41 before client 5 began to write 42: a stale read"
    );
    assert_eq!(
        told("5 write 42 3..4\n 9 read 42 5..6\n 3 read nil 7..8"),
        "stale-read (2): k7: client 3 read nil, but client 5 had already written 42 before that read began, and nil is the \
         initial value: a stale read"
    );
    assert_eq!(
        told("2 write 41 1..2\n 5 cas 41 42 3..20\n 9 read 42 5..6\n 3 read 41 7..8"),
        "stale-read (4): k7: client 3 read 41, but client 9 had already read 42 before that read began, and 41 had been \
         changed to 42 by then: a stale read"
    );
}

#[test]
fn a_compare_and_set_that_failed_and_saw_a_value_is_a_read() {
    assert_eq!(
        told("2 write 41 1..2\n 5 write 42 3..4\n 9 read 42 5..6\n 3 cas 40 50 7..8!41"),
        "stale-read (3): k7: client 3 saw 41 in a compare-and-set that failed, but client 5 had already written 42 before \
         that read began, and client 2 had written 41 before client 5 began to write 42: a stale read"
    );
    assert_eq!(
        told("2 write 41 1..2\n 3 cas 40 50 3..4!nil"),
        "lost-write (2): k7: client 3 saw nil in a compare-and-set that failed, but client 2 had already written 41 before \
         that read began, and nil is the initial value: an acknowledged write is lost"
    );
    assert_eq!(
        told("9 write 41 1..2!\n 3 cas 40 50 3..4!41"),
        "read-of-failed (2): k7: client 3 saw 41 in a compare-and-set that failed, but 41 is of a write of client 9 that \
         failed for sure"
    );
    // What it was to set was not set, and it shows that an indeterminate write happened.
    assert!(told("3 cas 40 50 1..2!nil\n 4 read 50 3..4").starts_with("read-of-failed"));
    assert!(told("2 write 41 1..?\n 3 cas 40 50 3..4!41\n 4 read nil 5..6").starts_with("stale-read (3)"));
    for explained in
        ["2 write 41 1..2\n 3 cas 40 50 3..4!41\n 4 read 41 5..6", "2 write 41 1..9\n 3 cas 40 50 3..4!nil"]
    {
        let outcome = check(&history(explained), Model::Register, &Options::default(), &|| false);
        assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
    }
}

#[test]
fn a_lost_write() {
    assert_eq!(
        told("2 write 41 1..2\n 5 write 42 3..4\n 3 read 41 7..8\n 4 read 41 9..10"),
        "lost-write (3): k7: client 3 read 41, but client 5 had already written 42 before that read began, and client 2 had \
         written 41 before client 5 began to write 42: an acknowledged write is lost"
    );
}

#[test]
fn reads_of_what_was_not_there() {
    assert_eq!(
        told("3 read 41 1..2"),
        "phantom-read (1): k7: client 3 read 41, but nobody wrote 41; if 41 is the initial value, say --initial 41"
    );
    assert_eq!(
        told("9 write 41 1..2!\n 3 read 41 3..4"),
        "read-of-failed (2): k7: client 3 read 41, but 41 is of a write of client 9 that failed for sure"
    );
    assert_eq!(
        told("3 read 41 1..2\n 9 write 41 3..4"),
        "read-from-the-future (2): k7: client 3 read 41 and was done before client 9 began to write 41; if 41 is the initial \
         value, say --initial 41"
    );
    assert_eq!(
        told("3 cas 41 42 1..2\n 9 write 41 3..4"),
        "read-from-the-future (2): k7: client 3 changed 41 to 42 and was done before client 9 began to write 41; if 41 is \
         the initial value, say --initial 41"
    );
    // A write that began when the read was over is not where the value came from, and its failure says nothing.
    assert_eq!(
        told("3 read 41 1..2\n 9 write 41 3..4!"),
        "phantom-read (2): k7: client 3 read 41, before anybody called a write of 41; if 41 is the initial value, say \
         --initial 41"
    );
    let known = Options { initial: Some(Value::Int(41)), ..Options::default() };
    let outcome = check(&history("3 read 41 1..2\n 9 write 41 3..4!"), Model::Register, &known, &|| false);
    assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
}

#[test]
fn a_lost_update() {
    assert_eq!(
        told("2 write 41 1..2\n 3 cas 41 42 3..9\n 5 cas 41 43 4..8"),
        "lost-update (3): k7: client 3 changed 41 to 42 and client 5 changed 41 to 43, but 41 was written only once, by \
         client 2: a lost update"
    );
    // A value that was read before anybody set it says more than that two set theirs.
    assert_eq!(
        told("2 write 41 1..2\n 6 read 42 3..4\n 3 cas 41 42 5..?\n 5 cas 41 43 6..8"),
        "read-from-the-future (2): k7: client 6 read 42 and was done before client 3 began to write 42; if 42 is the initial \
         value, say --initial 42"
    );
    // An indeterminate one counts once its value was seen.
    assert!(
        told("2 write 41 1..2\n 3 cas 41 42 3..9\n 5 cas 41 43 4..?\n 6 read 43 10..11").starts_with("lost-update (4)")
    );
}

#[test]
fn a_ring() {
    assert_eq!(
        told("1 cas 1 2 1..8\n 2 cas 2 1 2..9"),
        "not-linearizable (2): k7: client 1 changed 1 to 2 and client 2 changed 2 to 1: each needs the one before, around"
    );
}

/// A chain that is longer than a witness: the verifier says that it needs more.
#[test]
fn a_long_chain() {
    let mut text = "0 write 1 1..2\n 8 write 100 21..22\n 7 read 1 19..20\n 9 read 100 24..25\n".to_owned();
    for link in 1..10 {
        let (from, to, start) = (link, link + 1, link + 2);
        writeln!(text, "{link} cas {from} {to} {start}..{}", 40 + link).expect("a string takes it");
    }
    text += "6 read 10 30..31\n";
    let history = history(&text);
    let options = Options::default();
    let outcome = check(&history, Model::Register, &options, &|| false);
    let Outcome::Violation(anomalies) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(anomalies[0].witness.len(), 6);
    assert!(anomalies[0].sentence.contains("not all compare-and-sets are shown"), "{}", anomalies[0].sentence);
    let confirmed = verify(&history, Model::Register, &options, &outcome).expect("the verifier agrees");
    assert!(matches!(confirmed[..], [Confirmation::Closure { operations: 12 }]), "{confirmed:?}");
}

#[test]
fn what_need_not_have_happened_drops_out() {
    let good = |text: &str| assert!(told(text).starts_with("Ok"), "{text}: {}", told(text));
    good("1 write 1 1..2\n 2 write 2 3..?\n 3 read 1 5..6\n 3 read 1 7..8");
    good("1 write 1 1..2\n 2 write 2 3..?\n 3 read 1 5..6\n 3 read 2 7..8");
    good("1 write 1 1..2\n 2 cas 1 2 3..?\n 4 cas 2 3 4..?\n 3 read 1 5..6\n 3 read 3 7..8");
    good("1 write 1 1..2\n 2 cas 1 2 3..?\n 4 cas 1 3 4..5");
}

#[test]
fn nil_and_the_initial_value_are_options() {
    let history = history("1 write 1 1..2\n 2 read nil 3..4");
    let verdict = |options: &Options| match check(&history, Model::Register, options, &|| false) {
        Outcome::Ok(_) => "ok",
        Outcome::Violation(anomalies) => anomalies[0].kind.name(),
        Outcome::Unknown(_) => "unknown",
    };
    assert_eq!(verdict(&Options::default()), "lost-write");
    assert_eq!(verdict(&Options { nil: Nil::Wildcard, ..Options::default() }), "ok");
    assert_eq!(verdict(&Options { initial: Some(Value::Int(0)), ..Options::default() }), "phantom-read");
}

/// Where the algorithm applies, its witnesses rest on themselves, or on a chain, never on the whole history.
#[test]
fn witnesses_of_long_histories() {
    let mut dice = Dice(3);
    let mut counted = [0, 0];
    for _ in 0..1500 {
        let history = random(&mut dice, KINDS[0], 30, 6);
        let options = Options::default();
        let outcome = check(&history, Model::Register, &options, &|| false);
        let confirmed = verify(&history, Model::Register, &options, &outcome);
        match confirmed.unwrap_or_else(|refusal| panic!("{refusal}: {outcome:?}"))[0] {
            Confirmation::Order => {}
            Confirmation::Witness => counted[0] += 1,
            Confirmation::Closure { .. } => counted[1] += 1,
            Confirmation::Replay { .. } => panic!("not by its witness: {outcome:?}"),
        }
    }
    assert!(counted[0] > 300 && counted[0] > 20 * counted[1], "{counted:?}");
}

#[test]
fn what_is_not_its_history_is_refused() {
    let access = |start, finish, writes| Access { start, finish, reads: NONE, writes };
    let judged = |accesses: &[Access]| judge(&Compact { accesses: accesses.to_vec(), values: 3 });
    assert_eq!(judged(&[access(1, 2, 1), access(3, NEVER, 1)]), Err(Unsuitable::WrittenTwice { first: 0, second: 1 }));
    assert_eq!(judged(&[access(1, 2, 0)]), Err(Unsuitable::WrittenTwice { first: NONE, second: 0 }));
    assert_eq!(judged(&[access(5, 6, 1), access(3, 9, 2)]), Err(Unsuitable::Disordered { at: 1 }));
    assert_eq!(judged(&[access(5, 5, 1)]), Err(Unsuitable::Disordered { at: 0 }));
    assert_eq!(judged(&[access(5, 7, 1), access(6, 9, 2)]), Ok(Judgement::Linearizable(vec![0, 1])));
}

/// What is known to have happened stands in the order even if its end was not recorded; and budgets hold here too.
#[test]
fn an_end_that_was_not_recorded() {
    let mut history = history("1 write 1 1..2\n 2 write 2 3..?\n 3 read 1 5..6");
    history.operations[1].completion = Completion::Ok;
    let outcome = check(&history, Model::Register, &Options::default(), &|| false);
    verify(&history, Model::Register, &Options::default(), &outcome).expect("the verifier agrees");
    let options = Options { memory: Some(100), ..Options::default() };
    let outcome = check(&history, Model::Register, &options, &|| false);
    assert_eq!(outcome, Outcome::Unknown(Budget::Memory(100)));
}

/// Moments that do not fit into 32 bits are ranked.
#[test]
fn late_moments() {
    let mut history = history("1 write 1 1..2\n 2 write 2 3..?\n 3 read 1 5..6\n 3 read 2 7..8\n 3 read 1 9..10");
    for operation in &mut history.operations {
        operation.call.at <<= 40;
        operation.end = operation.end.map(|end| Call { at: end.at << 40, ..end });
    }
    let outcome = check(&history, Model::Register, &Options::default(), &|| false);
    assert!(
        matches!(&outcome, Outcome::Violation(anomalies) if anomalies[0].kind.name() == "stale-read"),
        "{outcome:?}"
    );
    verify(&history, Model::Register, &Options::default(), &outcome).expect("the verifier agrees");
}
