//! The verifier refuses what is wrong: a verifier that never refused is not known to work.

use super::{Confirmation, Refusal, verify};
use crate::{Anomaly, AnomalyKind, Call, Certificate, Completion, History, Model, Operation, Options, Outcome, Value};

fn operation(function: &str, value: i64, ends: (u64, u64)) -> Operation {
    let at = |moment| Call { at: moment, time: 0, line: 0 };
    Operation {
        process: 0,
        function: function.into(),
        key: None,
        input: if function == "write" { Value::Int(value) } else { Value::Nil },
        output: if function == "read" { Value::Int(value) } else { Value::Nil },
        completion: Completion::Ok,
        saw: None,
        call: at(ends.0),
        end: Some(at(ends.1)),
        node: None,
    }
}

/// 0: write 1, 1: write 2 (at the same time), 2: read 2 (afterwards), 3: write 3 that failed, 4: write 4, indeterminate.
fn history() -> History {
    let mut operations = vec![
        operation("write", 1, (1, 3)),
        operation("write", 2, (2, 4)),
        operation("read", 2, (5, 6)),
        operation("write", 3, (7, 8)),
        operation("write", 4, (9, 10)),
    ];
    operations[3].completion = Completion::Fail;
    operations[4].completion = Completion::Info;
    History { operations }
}

fn ordered(orders: &[&[u32]]) -> String {
    let orders = orders.iter().map(|order| order.to_vec()).collect();
    let outcome = Outcome::Ok(Certificate::Orders(orders));
    match verify(&history(), Model::Register, &Options::default(), &outcome) {
        Ok(confirmed) => format!("{confirmed:?}"),
        Err(refusal) => refusal.to_string(),
    }
}

#[test]
fn orders() {
    assert_eq!(ordered(&[&[0, 1, 2]]), "[Order]");
    assert_eq!(ordered(&[&[0, 1, 2, 4]]), "[Order]");
    assert_eq!(ordered(&[&[1, 0, 2]]), "the answer is wrong: operation 2 cannot follow: 1");
    assert_eq!(
        ordered(&[&[4, 0, 1, 2]]),
        "the answer is wrong: operation 0 was over before operation 4, placed before it, was called"
    );
    assert_eq!(ordered(&[&[1, 2]]), "the answer is wrong: operation 0 happened and is in no order");
    assert_eq!(ordered(&[&[0, 1, 2, 3]]), "the answer is wrong: operation 3 did not happen, or says nothing");
    assert_eq!(ordered(&[&[0, 1, 2, 1]]), "the answer is wrong: operation 1 is there twice");
    assert_eq!(ordered(&[&[0, 9]]), "the answer is wrong: there is no operation 9");
    assert_eq!(ordered(&[&[0], &[1, 2]]), "the answer is wrong: two orders are about the key of operation 1");
}

fn witnessed(history: &History, witness: &[u32]) -> Result<Vec<Confirmation>, Refusal> {
    let anomaly =
        Anomaly { kind: AnomalyKind::NotLinearizable, key: None, witness: witness.to_vec(), sentence: String::new() };
    verify(history, Model::Register, &Options::default(), &Outcome::Violation(vec![anomaly]))
}

#[test]
fn witnesses() {
    let good = history();
    for witness in [&[2_u32][..], &[0, 1, 2], &[2, 1]] {
        assert!(matches!(witnessed(&good, witness), Err(Refusal::Wrong(_))), "{witness:?}");
    }
    assert!(matches!(witnessed(&good, &[7]), Err(Refusal::Wrong(_))));
    assert!(matches!(witnessed(&good, &[]), Err(Refusal::Undecided(_))));

    // A read of 1 after 2 was read and both writes were over.
    let mut bad = history();
    bad.operations.push(operation("read", 1, (11, 12)));
    assert_eq!(witnessed(&bad, &[5, 2, 1, 0]), Ok(vec![Confirmation::Witness]));
    assert_eq!(witnessed(&bad, &[5, 2]), Ok(vec![Confirmation::Closure { operations: 4 }]));
    assert_eq!(witnessed(&bad, &[5]), Ok(vec![Confirmation::Replay { operations: 5 }]));
}

#[test]
fn nothing_to_confirm() {
    let options = Options::default();
    let accounted = Outcome::Ok(Certificate::Accounted);
    assert!(matches!(verify(&history(), Model::Bank, &options, &accounted), Err(Refusal::Undecided(_))));
}
