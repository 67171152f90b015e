//! Transactions out of a history of any format. Slower than the way past it, and the one that says what is wrong.

use std::collections::BTreeMap;

use super::builder::Builder;
use super::{Completion, Micro, Transactions, Value, What};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::{History, Operation};

const SHAPE: &str =
    "a transaction is a list of [append KEY VALUE] and [r KEY LIST], as in [[:append 7 1] [:r 8 [1 2]]]";

impl Transactions {
    /// The transactions of a history.
    ///
    /// # Errors
    /// The first operation that is no list of appends and reads, or that answers another transaction than was called.
    pub fn from_history(history: &History) -> Result<Self, ReadError> {
        match Self::from_history_within(history, &Allowance::unlimited().meter()) {
            Ok(transactions) => Ok(transactions),
            Err(Stop::Input(error)) => Err(error),
            // There is none.
            Err(Stop::Budget(_)) => Ok(Self::default()),
        }
    }

    /// The transactions of a history while there is time.
    pub(super) fn from_history_within(history: &History, meter: &Meter<'_>) -> Result<Self, Stop> {
        let mut builder = Builder::default();
        let ranks = Ranks::of(history);
        let mut processes = BTreeMap::new();
        builder.lacking(
            history.operations.iter().any(Operation::is_uncalled),
            history.operations.iter().any(Operation::is_unnamed),
        );
        for (number, operation) in history.operations.iter().enumerate() {
            meter.spend(16)?;
            let answered = operation.completion == Completion::Ok;
            let count = u32::try_from(processes.len()).unwrap_or(u32::MAX);
            // Of those that name no process each is one of its own.
            let alone = if operation.is_unnamed() { number as u64 + 1 } else { 0 };
            builder.begin(*processes.entry((operation.process, alone)).or_insert(count), ranks.calls[number]);
            let transaction = builder.next() - 1;
            let micros = list(operation, if answered { &operation.output } else { &operation.input })?;
            if answered && !same_shape(&operation.input, micros) {
                return Err(wrong(operation, "an answer with other micro-operations than its call".to_owned()).into());
            }
            meter.spend(micros.len() * 4)?;
            for micro in micros {
                let micro = one(&mut builder, operation, micro)?;
                builder.push(micro);
            }
            builder.end(transaction, operation.completion, ranks.ends[number]);
        }
        // Lists are compared in the order of the answers, as whoever reads a file as it comes does.
        for transaction in builder.sort_ends() {
            let operation = &history.operations[transaction as usize];
            meter.spend(16)?;
            if operation.completion == Completion::Ok {
                answers(&mut builder, operation, transaction)?;
            }
        }
        builder.finish().ok_or_else(|| {
            Stop::Input(ReadError {
                line: 0,
                column: 0,
                what: "too many transactions".to_owned(),
                why: "at most 67 million can be checked at once; split the history by keys".to_owned(),
            })
        })
    }
}

/// Moments may lie far apart; only their order counts.
pub(super) struct Ranks {
    pub(super) calls: Vec<u32>,
    pub(super) ends: Vec<u32>,
}

impl Ranks {
    pub(super) fn of(history: &History) -> Self {
        let count = history.operations.len();
        let mut events: Vec<(u64, u32)> = Vec::with_capacity(count * 2);
        for (number, operation) in (0_u32..).zip(&history.operations) {
            events.push((operation.call.at, number * 2));
            if let Some(end) = operation.end {
                events.push((end.at, number * 2 + 1));
            }
        }
        // Of equal moments (completions without calls) the calls come first: they are concurrent.
        events.sort_unstable_by_key(|(at, event)| (*at, event % 2, *event));
        let mut ranks = Self { calls: vec![0; count], ends: vec![u32::MAX; count] };
        for (rank, (_, event)) in (0_u32..).zip(events) {
            let side = if event % 2 == 0 { &mut ranks.calls } else { &mut ranks.ends };
            side[event as usize / 2] = rank;
        }
        ranks
    }
}

fn wrong(operation: &Operation, what: String) -> ReadError {
    let line = operation.end.filter(|_| operation.completion == Completion::Ok).unwrap_or(operation.call).line;
    ReadError { line, column: 1, what, why: SHAPE.to_owned() }
}

fn list<'a>(operation: &Operation, value: &'a Value) -> Result<&'a [Value], ReadError> {
    match value {
        Value::List(micros) => Ok(micros),
        other => Err(wrong(operation, format!("a transaction that is no list but {other}"))),
    }
}

/// Whether the call asked what was answered: the same functions, keys and appended values.
fn same_shape(input: &Value, answer: &[Value]) -> bool {
    let Value::List(called) = input else { return false };
    let same = |called: &Value, answered: &Value| match (called, answered) {
        (Value::List(called), Value::List(answered)) if called.len() == 3 && answered.len() == 3 => {
            called[..2] == answered[..2] && (is_read(&called[0]) || called[2] == answered[2])
        }
        _ => called == answered,
    };
    called.len() == answer.len() && called.iter().zip(answer).all(|(called, answered)| same(called, answered))
}

fn is_read(word: &Value) -> bool {
    matches!(word.word(), Some("r" | ":r"))
}

/// A micro-operation, without what it read.
fn one(builder: &mut Builder, operation: &Operation, micro: &Value) -> Result<Micro, ReadError> {
    let (word, key, value) = parts(operation, micro)?;
    let key = builder.key(key);
    match (word, value) {
        ("append" | ":append", Value::Nil) => Err(bad(operation, micro)),
        ("append" | ":append", value) => Ok(Micro { key, what: What::Append, value: builder.element(value) }),
        ("r" | ":r", _) => Ok(Micro { key, what: What::Unread, value: 0 }),
        _ => Err(bad(operation, micro)),
    }
}

/// Fills in what a transaction read.
fn answers(builder: &mut Builder, reader: &Operation, transaction: u32) -> Result<(), ReadError> {
    for (at, micro) in list(reader, &reader.output)?.iter().enumerate() {
        let (word, key, value) = parts(reader, micro)?;
        if word.ends_with("append") {
            continue;
        }
        let elements: Vec<i64> = match value {
            // An absent list is read as nil: it is empty.
            Value::Nil => Vec::new(),
            Value::List(elements) => elements.iter().map(|element| builder.element(element)).collect(),
            _ => return Err(bad(reader, micro)),
        };
        let key = builder.key(key);
        let read = builder.read(key, &elements, transaction);
        if let Some(place) = builder.micro(transaction, at) {
            *place = read;
        }
    }
    Ok(())
}

fn parts<'a>(operation: &Operation, micro: &'a Value) -> Result<(&'a str, &'a Value, &'a Value), ReadError> {
    match micro {
        Value::List(parts) => match &**parts {
            [word, key, value] => Ok((word.word().ok_or_else(|| bad(operation, micro))?, key, value)),
            _ => Err(bad(operation, micro)),
        },
        _ => Err(bad(operation, micro)),
    }
}

fn bad(operation: &Operation, micro: &Value) -> ReadError {
    wrong(operation, format!("a micro-operation {micro}"))
}
