//! Budgets of every checker that needs no search: a tiny one ends it with its name, a large one hides no violation. Times
//! nothing: the question whether the time is over is what is counted.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::allowance::Allowance;
use super::check::{Model, Options};
use super::format::{self, Format, Keys};
use super::outcome::{Budget, Outcome};
use super::text::{Claim, Request, check_text};

/// Operations of a history.
const OPERATIONS: u64 = 20_000;
/// What a check may still ask after it was told that the time is over: once for each meter.
const AFTER_MAX: usize = 8;
const LIMIT: Duration = Duration::from_secs(5);

/// An operation: function, key, what is sent, what comes back.
type Deed = (&'static str, &'static str, String, String);

#[expect(clippy::needless_pass_by_value, reason = "numbers and texts alike, as they are written")]
fn deed(function: &'static str, sent: impl ToString, came: impl ToString) -> Deed {
    (function, "k", sent.to_string(), came.to_string())
}

/// One operation after the other, as the recorder writes them.
fn native(deeds: &[Deed]) -> String {
    let mut text = String::new();
    for (number, (function, key, sent, came)) in deeds.iter().enumerate() {
        let (call, end) = (number * 2, number * 2 + 1);
        // Two clients, such that tokens that follow each other are of both.
        let process = 1 + came.parse::<u64>().unwrap_or(0) % 2;
        for (at, kind, value) in [(call, "invoke", sent), (end, "ok", came)] {
            let _ = writeln!(
                text,
                r#"{{"i":{at},"t":{at},"p":{process},"type":"{kind}","f":"{function}","k":"{key}","v":{value}}}"#
            );
        }
    }
    text
}

/// A large history of the model in which nothing is wrong.
fn honest(model: Model) -> Vec<Deed> {
    let half = OPERATIONS / 2;
    let list = |upto: u64| format!("{:?}", (0..upto).collect::<Vec<_>>());
    match model {
        Model::Set => {
            let adds = (0..half).map(|value| deed("add", value, value));
            adds.chain((0..200).map(|_| deed("read", "null", list(half)))).collect()
        }
        Model::Bank => (0..OPERATIONS).map(|_| deed("read", "null", r#"{"a":4,"b":6}"#)).collect(),
        Model::Queue => (0..half).flat_map(|one| [deed("enqueue", one, one), deed("dequeue", "null", one)]).collect(),
        Model::Counter => (0..half).flat_map(|one| [deed("add", 1, 1), deed("read", "null", one + 1)]).collect(),
        Model::Mutex => {
            (0..half).flat_map(|one| [deed("acquire", "null", one + 1), deed("release", one + 1, one + 1)]).collect()
        }
        Model::Watch => {
            let events: Vec<String> = (0..half).map(|one| format!(r#"[{},"k",{one}]"#, one + 1)).collect();
            let watch = || deed("watch", 0, format!("[{}]", events.join(",")));
            (0..half).map(|one| deed("write", one, one)).chain((0..20).map(|_| watch())).collect()
        }
        Model::Append => (0..OPERATIONS)
            .map(|one| {
                let key = one / 10;
                let micros = |read: &str| format!(r#"[["append",{key},{one}],["r",{key},{read}]]"#);
                let read = format!("{:?}", (key * 10..=one).collect::<Vec<_>>());
                deed("txn", micros("null"), micros(&read))
            })
            .collect(),
        Model::Register | Model::Kv | Model::MultiRegister | Model::RwRegister => Vec::new(),
    }
}

/// What is wrong at the end of the history.
fn planted(model: Model) -> Vec<Deed> {
    let lost = OPERATIONS * 2;
    match model {
        Model::Set => vec![deed("add", lost, lost), deed("read", "null", "[]")],
        Model::Bank => vec![deed("read", "null", r#"{"a":4,"b":7}"#)],
        Model::Queue => vec![deed("dequeue", "null", lost)],
        Model::Counter => vec![deed("read", "null", 3)],
        Model::Mutex => vec![
            deed("acquire", "null", lost),
            deed("acquire", "null", lost + 1),
            deed("release", lost, lost),
            deed("release", lost + 1, lost + 1),
        ],
        Model::Watch => vec![deed("watch", 0, r#"[[1,"k",0],[3,"k",2]]"#)],
        // The last transaction does not see the append before it.
        Model::Append => vec![
            deed("txn", r#"[["append",-1,1]]"#, r#"[["append",-1,1]]"#),
            deed("txn", r#"[["r",-1,null]]"#, r#"[["r",-1,[]]]"#),
            deed("txn", r#"[["r",-1,null]]"#, r#"[["r",-1,[1]]]"#),
        ],
        Model::Register | Model::Kv | Model::MultiRegister | Model::RwRegister => Vec::new(),
    }
}

const MODELS: [Model; 7] =
    [Model::Set, Model::Bank, Model::Queue, Model::Counter, Model::Mutex, Model::Watch, Model::Append];

fn request(model: Model, options: Options) -> Request {
    // The search for a line of acquires and releases has budgets, and tests of them, of its own.
    let claim = if model == Model::Mutex { Some(Claim::MutualExclusion) } else { None };
    Request { model, format: Format::Native, claim, options }
}

/// The outcome if the time is over from this question on, and how many were asked.
fn judged(request: &Request, text: &str, over_from: usize) -> (Outcome, usize) {
    let asked = AtomicUsize::new(0);
    let exhausted = || asked.fetch_add(1, Ordering::Relaxed) >= over_from;
    let outcome = check_text(text.as_bytes(), request, &exhausted).expect("a history of the model").outcome;
    (outcome, asked.load(Ordering::Relaxed))
}

fn large() -> Options {
    Options { memory: Some(1 << 34), timeout: Some(LIMIT), ..Options::default() }
}

#[test]
fn whenever_the_time_is_over_the_check_ends_and_says_so() {
    for model in MODELS {
        let text = native(&honest(model));
        let request = request(model, large());
        let (outcome, questions) = judged(&request, &text, usize::MAX);
        assert!(matches!(outcome, Outcome::Ok(_)), "{model}: {outcome:?}");
        assert!(questions > 100, "{model}: asked {questions} times only");
        for over_from in [0, 1, questions / 4, questions / 2, questions * 3 / 4, questions - 2] {
            let (outcome, asked) = judged(&request, &text, over_from);
            assert_eq!(outcome, Outcome::Unknown(Budget::Time(LIMIT)), "{model}, over from {over_from} of {questions}");
            assert!(asked <= over_from + AFTER_MAX, "{model}: asked {asked} times, over from {over_from}");
        }
    }
}

#[test]
fn too_little_memory_is_named_and_never_a_pass() {
    for model in MODELS {
        let text = native(&honest(model));
        let read = format::read_within(text.as_bytes(), Format::Native, Keys::Known, &Allowance::unlimited().meter());
        let history = text.len() as u64 + read.expect("a history").held;
        // None at all, all but the history, and all but what the checker itself needs.
        for memory in [1, history - 1, history, history + OPERATIONS] {
            let options = Options { memory: Some(memory), ..Options::default() };
            let (outcome, _) = judged(&request(model, options), &text, usize::MAX);
            assert_eq!(outcome, Outcome::Unknown(Budget::Memory(memory)), "{model}");
        }
    }
}

#[test]
fn a_large_budget_hides_no_violation() {
    for model in MODELS {
        let mut deeds = honest(model);
        deeds.append(&mut planted(model));
        let (outcome, _) = judged(&request(model, large()), &native(&deeds), usize::MAX);
        assert!(matches!(outcome, Outcome::Violation(_)), "{model}: {outcome:?}");
    }
}

#[test]
fn transactions_out_of_edn_end_too() {
    let mut text = String::new();
    for one in 0..OPERATIONS * 4 {
        for kind in ["invoke", "ok"] {
            let _ = writeln!(text, "{{:process 0, :type :{kind}, :f :txn, :value [[:append {} {one}]]}}", one / 10);
        }
    }
    let request = Request { format: Format::Elle, ..request(Model::Append, large()) };
    let (outcome, questions) = judged(&request, &text, usize::MAX);
    assert!(matches!(outcome, Outcome::Ok(_)), "{outcome:?}");
    for over_from in [0, questions / 2, questions - 2] {
        let (outcome, asked) = judged(&request, &text, over_from);
        assert_eq!(outcome, Outcome::Unknown(Budget::Time(LIMIT)), "over from {over_from} of {questions}");
        assert!(asked <= over_from + AFTER_MAX, "asked {asked} times, over from {over_from}");
    }
    let memory = Some(text.len() as u64);
    let few = Request { options: Options { memory, ..Options::default() }, ..request };
    assert_eq!(judged(&few, &text, usize::MAX).0, Outcome::Unknown(Budget::Memory(text.len() as u64)));
}
