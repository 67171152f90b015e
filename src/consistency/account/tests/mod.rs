//! Planted bugs under their names, and honest stores that are never accused.

mod honest;
mod planted;
mod watches;

use std::sync::Arc;

use crate::history::{Call, Completion, Function, History, Operation, Value};
use crate::outcome::{Budget, Outcome};

/// One operation of a test: from, to, and what it was.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) process: u64,
    pub(super) function: &'static str,
    pub(super) input: Value,
    pub(super) output: Value,
    pub(super) completion: Completion,
}

pub(super) fn int(value: i64) -> Value {
    Value::Int(value)
}

pub(super) fn ints(values: &[i64]) -> Value {
    Value::List(values.iter().map(|value| Value::Int(*value)).collect())
}

pub(super) fn ok(from: u64, to: u64, function: &'static str, input: Value, output: Value) -> Deed {
    Deed { from, to, process: from, function, input, output, completion: Completion::Ok }
}

pub(super) fn ends(completion: Completion, deed: Deed) -> Deed {
    Deed { completion, output: Value::Nil, ..deed }
}

pub(super) fn history(mut deeds: Vec<Deed>) -> History {
    deeds.sort_by_key(|deed| deed.from);
    let at = |at: u64| Call { at, time: 0, line: at };
    let operations = deeds.into_iter().map(|deed| Operation {
        process: deed.process,
        function: Function::from(deed.function),
        key: Some(Value::Text(Arc::from("k"))),
        input: deed.input,
        output: deed.output,
        completion: deed.completion,
        saw: None,
        call: at(deed.from),
        end: Some(at(deed.to)),
        node: None,
    });
    History { operations: operations.collect() }
}

/// `ok`, the kinds of anomalies, or what is missing.
pub(super) fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ok(_) => "ok".to_owned(),
        Outcome::Violation(anomalies) => {
            assert!(anomalies.iter().all(|one| !one.witness.is_empty() && one.witness.len() <= 6), "{anomalies:?}");
            let mut kinds: Vec<_> = anomalies.iter().map(|anomaly| anomaly.kind.name()).collect();
            kinds.dedup();
            kinds.join(" ")
        }
        Outcome::Unknown(Budget::Evidence(missing)) => format!("unknown: {missing}"),
        Outcome::Unknown(_) => "unknown".to_owned(),
    }
}
