//! What the accounting checkers share: anomalies collected without end, operations by key, and names. Judges nothing.

use std::collections::BTreeMap;

use crate::allowance::{Allowance, Meter, Stop};
use crate::format::{ReadError, at_call, known_functions};
use crate::history::{Completion, History, Operation, Value};
use crate::outcome::{Anomaly, AnomalyKind, Budget, Certificate, Outcome};

/// Anomalies of one kind that are told of one key.
const TOLD_MAX: usize = 10;
const WITNESS_MAX: usize = 6;

/// Bytes of working memory for an operation: its place by key, by value and by moment.
const OPERATION_BYTES: u64 = 160;
/// Bytes of working memory for an element of a list that was given out, or for an account.
const ELEMENT_BYTES: u64 = 48;
/// Bytes of working memory for an element of a set that was read: its place, in a vector that has grown.
const MEMBER_BYTES: u64 = 16;

/// Anomalies as they are found.
#[derive(Default)]
pub(super) struct Findings {
    anomalies: Vec<Anomaly>,
    counts: BTreeMap<(AnomalyKind, Option<String>), usize>,
    missing: Option<String>,
}

/// Accounts for a history within an allowance. What was found before it was used up stays found.
///
/// # Errors
/// What `account` says of an operation that is not of its model.
pub(super) fn within(
    history: &History,
    allowance: Allowance<'_>,
    account: impl FnOnce(&mut Findings, &Meter<'_>) -> Result<(), Stop>,
) -> Result<Outcome, ReadError> {
    let meter = allowance.meter();
    let mut findings = Findings::default();
    let enough = meter.hold(working_bytes(history));
    match enough.and_then(|()| account(&mut findings, &meter)) {
        Ok(()) => Ok(findings.outcome()),
        Err(Stop::Input(error)) => Err(error),
        Err(Stop::Budget(_)) if !findings.anomalies.is_empty() => Ok(Outcome::Violation(findings.anomalies)),
        Err(Stop::Budget(budget)) => Ok(Outcome::Unknown(budget)),
    }
}

/// What accounting for a history holds at most, beside the history.
fn working_bytes(history: &History) -> u64 {
    let elements = |operation: &Operation| match &operation.output {
        Value::List(items) if &*operation.function == "read" => MEMBER_BYTES * items.len() as u64,
        Value::List(items) => ELEMENT_BYTES * items.len() as u64,
        Value::Map(entries) => ELEMENT_BYTES * entries.len() as u64,
        Value::Nil | Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Text(_) | Value::Keyword(_) => 0,
    };
    history.operations.iter().map(|operation| OPERATION_BYTES + elements(operation)).sum()
}

impl Findings {
    pub(super) fn add(&mut self, kind: AnomalyKind, key: Option<&Value>, witness: &[u32], sentence: String) {
        let key = key.map(ToString::to_string);
        let count = self.counts.entry((kind, key.clone())).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            let sentence = match &key {
                Some(key) => format!("{key}: {sentence}"),
                None => sentence,
            };
            let witness = witness[..witness.len().min(WITNESS_MAX)].to_vec();
            self.anomalies.push(Anomaly { kind, key, witness, sentence });
        }
    }

    /// Whether nothing is wrong so far.
    pub(super) fn is_empty(&self) -> bool {
        self.anomalies.is_empty()
    }

    /// The history lacks what is needed to say that nothing is wrong.
    pub(super) fn lacks(&mut self, what: String) {
        self.missing.get_or_insert(what);
    }

    /// A violation beats what is missing.
    pub(super) fn outcome(self) -> Outcome {
        match self.missing {
            _ if !self.anomalies.is_empty() => Outcome::Violation(self.anomalies),
            Some(missing) => Outcome::Unknown(Budget::Evidence(missing)),
            None => Outcome::Ok(Certificate::Accounted),
        }
    }
}

/// An operation with its index.
pub(super) type Numbered<'a> = (u32, &'a Operation);

/// The operations of each key, in the order of their calls.
///
/// # Errors
/// The first operation with a function that the model does not know, or that the time is over.
pub(super) fn by_key<'a>(
    history: &'a History,
    model: &str,
    functions: &[&str],
    meter: &Meter<'_>,
) -> Result<BTreeMap<Option<&'a Value>, Vec<Numbered<'a>>>, Stop> {
    known_functions(history, model, functions)?;
    let mut keys: BTreeMap<Option<&Value>, Vec<Numbered<'_>>> = BTreeMap::new();
    for (number, operation) in (0_u32..).zip(&history.operations) {
        meter.spend(16)?;
        keys.entry(operation.key.as_ref()).or_default().push((number, operation));
    }
    Ok(keys)
}

/// Those of one function.
pub(super) fn of<'a, 'b>(all: &'b [Numbered<'a>], function: &'b str) -> impl Iterator<Item = Numbered<'a>> + 'b {
    all.iter().copied().filter(move |(_, operation)| &*operation.function == function)
}

/// Those that are known to have happened.
pub(super) fn done<'a, 'b>(all: &'b [Numbered<'a>], function: &'b str) -> impl Iterator<Item = Numbered<'a>> + 'b {
    of(all, function).filter(|(_, operation)| operation.completion == Completion::Ok)
}

/// Who did it.
pub(super) fn who(operation: &Operation) -> String {
    match &operation.node {
        Some(node) => format!("process {} at {node}", operation.process),
        None => format!("process {}", operation.process),
    }
}

/// A value that has another shape than the model needs.
pub(super) fn shape(operation: &Operation, what: &str, value: &Value) -> ReadError {
    let mut error = at_call(operation, format!("{} of {what}: {value}", operation.function), String::new());
    if let Some(end) = operation.end {
        error.line = end.line;
    }
    "see `driftproof check --help` for what each model reads".clone_into(&mut error.why);
    error
}

/// The whole number of a value.
pub(super) fn whole(operation: &Operation, what: &str, value: &Value) -> Result<i64, ReadError> {
    match value {
        Value::Int(number) => Ok(*number),
        other => Err(shape(operation, what, other)),
    }
}

/// The elements of a list; nil is an empty one.
pub(super) fn list<'a>(operation: &Operation, what: &str, value: &'a Value) -> Result<&'a [Value], ReadError> {
    match value {
        Value::List(items) => Ok(items),
        Value::Nil => Ok(&[]),
        other => Err(shape(operation, what, other)),
    }
}

/// Some of many values, for a sentence.
pub(super) fn some<'a>(values: impl ExactSizeIterator<Item = &'a Value>) -> String {
    let count = values.len();
    let mut told: Vec<String> = values.take(5).map(ToString::to_string).collect();
    if count > 5 {
        told.push(format!("… ({count} in all)"));
    }
    told.join(", ")
}
