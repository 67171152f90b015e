//! Both searches against the trial of all orders; budgets; partitions.

use std::fs;
use std::path::Path;

use crate::differential::{Dice, ENGINES, KINDS, Kind, compare, random, recorded};
use crate::format::{self, Format};
use crate::{
    Anomaly, AnomalyKind, Budget, Call, Certificate, Completion, Confirmation, Engine, FailedCas, History, Model,
    Operation, Options, Outcome, Value, check, shrink, verify,
};

#[test]
fn random_histories_of_every_model() {
    for kind in KINDS {
        let mut dice = Dice(7);
        let (mut good, total) = (0, 3000);
        for _ in 0..total {
            let length = 1 + usize::try_from(dice.below(9)).unwrap_or(0);
            let clients = 1 + dice.below(5);
            let history = random(&mut dice, kind, length, clients);
            good += u32::from(compare(&history, kind, &ENGINES).unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}")));
        }
        // Both answers occur, or the comparison shows nothing.
        assert!(good > total / 10 && good < total - total / 50, "{kind:?}: {good} of {total} can be explained");
    }
}

#[test]
fn longer_histories_of_a_register() {
    let mut dice = Dice(11);
    for kind in KINDS.into_iter().filter(|kind| kind.model == Model::Register) {
        for _ in 0..150 {
            let history = random(&mut dice, kind, 24, 4);
            compare(&history, kind, &[Engine::Auto, Engine::Portfolio])
                .unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}"));
        }
    }
}

/// A history that is not in the order of its calls gets the same answers.
#[test]
fn histories_out_of_order() {
    for kind in KINDS {
        let mut dice = Dice(19);
        for _ in 0..150 {
            let mut history = random(&mut dice, kind, 8, 4);
            history.operations.reverse();
            compare(&history, kind, &ENGINES).unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}"));
        }
    }
}

/// Many of unknown outcome: which of them were used up decides what can still happen.
#[test]
fn histories_of_unknown_outcomes() {
    for kind in KINDS {
        let mut dice = Dice(17);
        for _ in 0..200 {
            let history = recorded(&mut dice, kind, 14, 4, [4, 50]);
            compare(&history, kind, &ENGINES).unwrap_or_else(|wrong| panic!("{kind:?}: {wrong}"));
        }
    }
}

/// 1 is read twice: the first time it must come from the compare-and-set, so that the write is left for the second time.
#[test]
fn optional_operations_that_do_not_dominate_each_other() {
    let pair = |from, to| Value::List([Value::Int(from), Value::Int(to)].into());
    for swapped in [false, true] {
        let mut optional = [("write", Value::Int(1)), ("cas", pair(2, 1))];
        if swapped {
            optional.reverse();
        }
        let mut operations = vec![operation(7, "write", Value::Int(2), Value::Nil, (1, 2))];
        for (at, (function, input)) in (3..).zip(optional) {
            let operation = operation(7, function, input, Value::Nil, (at, 99));
            operations.push(Operation { completion: Completion::Info, end: None, ..operation });
        }
        operations.push(operation(7, "read", Value::Nil, Value::Int(1), (5, 6)));
        operations.push(operation(7, "write", Value::Int(3), Value::Nil, (7, 8)));
        operations.push(operation(7, "read", Value::Nil, Value::Int(1), (9, 10)));
        let kind = Kind::of(Model::Register);
        assert_eq!(compare(&History { operations: operations.clone() }, kind, &ENGINES), Ok(true));
        operations.push(operation(7, "write", Value::Int(2), Value::Nil, (11, 12)));
        operations.push(operation(7, "read", Value::Nil, Value::Int(1), (13, 14)));
        assert_eq!(compare(&History { operations }, kind, &ENGINES), Ok(false));
    }
}

fn operation(key: i64, function: &str, input: Value, output: Value, ends: (u64, u64)) -> Operation {
    let at = |moment| Call { at: moment, time: 0, line: 0 };
    Operation {
        process: ends.0,
        function: function.into(),
        key: Some(Value::Int(key)),
        input,
        output,
        completion: Completion::Ok,
        saw: None,
        call: at(ends.0),
        end: Some(at(ends.1)),
        node: None,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

/// Many appends at once, and a text that none of their orders gives.
fn hard() -> History {
    let mut operations: Vec<_> = (0..16)
        .map(|client| operation(0, "append", text(&format!("{client},")), Value::Nil, (client, 100 + client)))
        .collect();
    operations.extend((0..16).map(|client| {
        let seen = if client % 2 == 0 { "1,2,3,4,5,6,7,8,9,10,11," } else { "11,10,9,8,7,6,5,4,3,2,1," };
        operation(0, "get", Value::Nil, text(seen), (20 + client, 200 + client))
    }));
    History { operations }
}

#[test]
fn a_budget_that_is_used_up_is_unknown() {
    let timeout = Some(std::time::Duration::from_secs(7));
    let options = Options { timeout, ..Options::default() };
    let outcome = check(&hard(), Model::Kv, &options, &|| true);
    assert_eq!(outcome, Outcome::Unknown(Budget::Time(std::time::Duration::from_secs(7))));
    for engine in [Engine::Auto, Engine::Frontier, Engine::Depth] {
        let options = Options { memory: Some(30_000), engine, ..Options::default() };
        let outcome = check(&hard(), Model::Kv, &options, &|| false);
        assert_eq!(outcome, Outcome::Unknown(Budget::Memory(30_000)), "{engine:?}");
    }
}

#[test]
fn an_operation_of_another_model_is_unknown() {
    let history = History { operations: vec![operation(0, "enqueue", Value::Int(1), Value::Nil, (1, 2))] };
    for model in [Model::Register, Model::Kv, Model::Set, Model::Mutex, Model::MultiRegister] {
        let outcome = check(&history, model, &Options::default(), &|| false);
        let Outcome::Unknown(Budget::Evidence(reason)) = outcome else { panic!("{model}: {outcome:?}") };
        assert_eq!(reason, format!("operation 0 of client 1, `enqueue 1`, is not one of the model {model}"));
    }
}

/// Keys are searched on their own, by several threads when there is much to do; the first broken one is reported.
#[test]
fn partitions_on_threads() {
    let keys = 30;
    let mut operations = Vec::new();
    for round in 0..400_u64 {
        for key in 0..keys {
            let at = (round * 30 + key) * 10;
            let key = i64::try_from(key).unwrap_or(0);
            let value = Value::Int(i64::try_from(round % 3).unwrap_or(0));
            let seen = if key >= 17 && round == 200 { Value::Int(9) } else { value.clone() };
            operations.push(operation(key, "write", value, Value::Nil, (at, at + 3)));
            operations.push(operation(key, "read", Value::Nil, seen, (at + 5, at + 7)));
        }
    }
    let history = History { operations };
    let options = Options::default();
    let outcome = check(&history, Model::Register, &options, &|| false);
    let Outcome::Violation(anomalies) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(anomalies.len(), 1);
    assert_eq!(
        anomalies[0].sentence,
        format!(
            "17: client {} read 9, but nobody wrote 9; if 9 is the initial value, say --initial 9",
            (200 * 30 + 17) * 10 + 5
        )
    );
    verify(&history, Model::Register, &options, &outcome).expect("the verifier agrees");
    let good =
        History { operations: history.operations.into_iter().filter(|one| one.key < Some(Value::Int(17))).collect() };
    let outcome = check(&good, Model::Register, &options, &|| false);
    let Outcome::Ok(Certificate::Orders(orders)) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(orders.len(), 17);
    verify(&good, Model::Register, &options, &outcome).expect("the verifier agrees");
}

/// Porcupine's public histories, where they lie beside the checkout: every published verdict.
#[test]
fn public_histories() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/histories");
    let Ok(verdicts) = fs::read_to_string(root.join("etcd/verdicts.txt")) else {
        println!("skipped: {} is not there", root.display());
        return;
    };
    let mut files: Vec<_> = verdicts
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(number, good)| (root.join(format!("etcd/etcd_{number:0>3}.log")), Model::Register, good == "true"))
        .collect();
    for name in ["c01-ok", "c01-bad", "c10-ok", "c10-bad"] {
        files.push((root.join(format!("kv/{name}.txt")), Model::Kv, name.ends_with("ok")));
    }
    let mut small = 0;
    for (file, model, good) in files {
        let format = if model == Model::Kv { Format::PorcupineKv } else { Format::JepsenLog };
        let history = format::read(&fs::read(&file).expect("readable"), format).expect("a history");
        for engine in [Engine::Auto, Engine::Frontier] {
            let options = Options { failed_cas: FailedCas::Observed, engine, ..Options::default() };
            let outcome = check(&history, model, &options, &|| false);
            assert_eq!(matches!(outcome, Outcome::Ok(_)), good, "{}: {outcome:?}", file.display());
            if let Outcome::Violation(found) = &outcome {
                small += u32::from(is_shrunk(&history, model, &options, &found[0]));
            }
            verify(&history, model, &options, &outcome)
                .unwrap_or_else(|refusal| panic!("{}: {refusal}", file.display()));
        }
    }
    assert!(small > 10, "{small} witnesses were made smaller");
}

/// Whether a smaller witness was found: the verifier must confirm it by itself.
fn is_shrunk(history: &History, model: Model, options: &Options, anomaly: &Anomaly) -> bool {
    let smaller = shrink(history, model, options, anomaly.clone(), &|| false);
    if smaller == *anomaly {
        return false;
    }
    let confirmed = verify(history, model, options, &Outcome::Violation(vec![smaller.clone()]));
    assert_eq!(confirmed, Ok(vec![Confirmation::Witness]), "{smaller:?}");
    true
}

#[test]
fn smaller_witnesses() {
    let mut dice = Dice(13);
    let (mut small, mut all) = (0, 0);
    for kind in KINDS.into_iter().filter(|kind| kind.model == Model::Register && !kind.unique) {
        for _ in 0..300 {
            let history = random(&mut dice, kind, 16, 4);
            let options = Options { failed_cas: kind.failed_cas, nil: kind.nil, ..Options::default() };
            let Outcome::Violation(found) = check(&history, kind.model, &options, &|| false) else { continue };
            if found[0].kind == AnomalyKind::NotLinearizable {
                all += 1;
                small += u32::from(is_shrunk(&history, kind.model, &options, &found[0]));
            }
        }
    }
    assert!(small > 20 && small <= all, "{small} of {all}");
}

/// What is said of an operation that fits nowhere, where no two operations show it.
#[test]
fn sentences() {
    let said = |model, operations: Vec<Operation>| {
        let history = History { operations };
        let outcome = check(&history, model, &Options::default(), &|| false);
        verify(&history, model, &Options::default(), &outcome).expect("the verifier agrees");
        match outcome {
            Outcome::Violation(anomalies) => format!("{}: {}", anomalies[0].kind, anomalies[0].sentence),
            Outcome::Ok(_) | Outcome::Unknown(_) => format!("{outcome:?}"),
        }
    };
    let put = |value, ends| operation(7, "put", text(value), Value::Nil, ends);
    let got = |value, ends| operation(7, "get", Value::Nil, text(value), ends);
    assert_eq!(
        said(Model::Kv, vec![put("a", (1, 5)), put("b", (2, 6)), got("ab", (7, 8))]),
        "not-linearizable: 7: client 7 got `ab`, but no order of the operations so far explains this"
    );
    assert_eq!(
        said(Model::Kv, vec![put("a", (1, 5)), put("b", (2, 6)), got("b", (7, 8)), got("a", (9, 10))]),
        "not-linearizable: 7: client 9 got `a`, but in every order of the operations so far it would have met `b`"
    );
    let lock = |function, ends| operation(7, function, Value::Nil, Value::Nil, ends);
    assert_eq!(
        said(Model::Mutex, vec![lock("acquire", (1, 2)), lock("acquire", (3, 4))]),
        "not-linearizable: 7: client 3 acquired the lock, but in every order of the operations so far it would have met held"
    );
    let write = |value, ends| operation(7, "write", Value::Int(value), Value::Nil, ends);
    let read = |value, ends| operation(7, "read", Value::Nil, Value::Int(value), ends);
    let many = vec![write(1, (1, 2)), write(1, (3, 5)), write(2, (4, 6)), read(1, (7, 8)), read(2, (9, 10))];
    assert_eq!(
        said(Model::Register, many),
        "not-linearizable: 7: client 9 read 2, but in every order of the operations so far it would have met 1"
    );
    let over = vec![write(1, (1, 2)), write(1, (3, 4)), write(2, (5, 6)), read(1, (7, 8))];
    assert_eq!(
        said(Model::Register, over),
        "stale-read: 7: client 7 read 1, but client 5 had already written 2 before that read began, and every write of 1 was \
         over before that or began after the read: a stale read"
    );
}
