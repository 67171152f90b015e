//! The sentences of an anomaly. Draws nothing.

use super::clock::{Clock, end, span, stretch};
use super::{Annotation, AnnotationKind, Surroundings};
use crate::history::{Completion, History, Operation, Value};
use crate::outcome::Anomaly;

/// What is told of one anomaly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What is wrong, in one sentence, with the fault that it falls into.
    pub headline: String,
    /// The operations that show it, each in a sentence.
    pub operations: Vec<String>,
    /// Faults and drifts that overlap it, each in a sentence.
    pub surroundings: Vec<String>,
    /// Whether the same kind of anomaly was there before any fault; none if there was no steady window.
    pub steady: Option<String>,
}

/// Tells an anomaly. `all` are all anomalies of the history, this one included.
#[must_use]
pub fn explain(history: &History, anomaly: &Anomaly, all: &[Anomaly], around: &Surroundings) -> Explanation {
    let clock = Clock::of(history);
    let witness = || anomaly.witness.iter().filter_map(|number| history.operations.get(*number as usize));
    let named = |number: &u32| Some((*number, history.operations.get(*number as usize)?));
    let operations = anomaly.witness.iter().filter_map(named);
    let operations = operations
        .map(|(number, operation)| name(number, operation, around) + &told(operation, clock, around))
        .collect();
    let Some((from, to)) = span(witness()).filter(|_| clock == Clock::Time) else {
        return Explanation { headline: headline(anomaly, None), operations, surroundings: Vec::new(), steady: None };
    };
    // An anomaly happened when it showed: at the last of its operations.
    let shown = witness().map(|operation| operation.call.time).max().unwrap_or(from);
    let overlapping: Vec<&Annotation> =
        around.annotations.iter().filter(|annotation| annotation.overlaps(from, to)).collect();
    let fault = overlapping
        .iter()
        .filter(|one| one.kind == AnnotationKind::Fault && one.overlaps(shown, to))
        .max_by_key(|one| one.from)
        .map(|one| (*one, shown));
    Explanation {
        headline: headline(anomaly, fault),
        operations,
        surroundings: overlapping.into_iter().map(|annotation| overlap(annotation, shown)).collect(),
        steady: around.steady.map(|window| steady(history, anomaly, all, window)),
    }
}

fn headline(anomaly: &Anomaly, fault: Option<(&Annotation, i64)>) -> String {
    let kind = anomaly.kind.name().replace('-', " ");
    let kind = if anomaly.kind.name().starts_with('G') { anomaly.kind.name() } else { kind.as_str() };
    // Many sentences end with what they are about.
    let named = if anomaly.sentence.ends_with(kind) {
        anomaly.sentence.clone()
    } else {
        format!("{}: {kind}", anomaly.sentence)
    };
    match fault {
        Some((fault, shown)) => format!("{named}, {}", into(fault, shown)),
        None => named,
    }
}

/// `3.1 s into partition-1`.
fn into(annotation: &Annotation, shown: i64) -> String {
    if shown >= annotation.from {
        format!("{} into {}", stretch(shown.saturating_sub(annotation.from)), annotation.name)
    } else {
        format!("{} before {}", stretch(annotation.from.saturating_sub(shown)), annotation.name)
    }
}

fn overlap(annotation: &Annotation, shown: i64) -> String {
    let kind = match annotation.kind {
        AnnotationKind::Fault => "fault",
        AnnotationKind::Drift => "drift",
    };
    let node = annotation.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
    let until = annotation
        .to
        .map_or_else(|| "and had not ended".to_owned(), |to| format!("until {}", super::clock::seconds(to)));
    format!(
        "{} ({kind} of {}{node}) from {} {until}; it showed {}",
        annotation.name,
        annotation.place,
        super::clock::seconds(annotation.from),
        into(annotation, shown)
    )
}

/// What sentences call a transaction, and where it stands in the file.
fn name(number: u32, operation: &Operation, around: &Surroundings) -> String {
    if &*operation.function != "txn" {
        return String::new();
    }
    let number = around.numbers.get(number as usize).unwrap_or(&number);
    match (operation.call.line, operation.end.map(|end| end.line)) {
        (0, _) => format!("T{number}: "),
        (line, Some(end)) if end != line => format!("T{number} (lines {line} and {end}): "),
        (line, _) => format!("T{number} (line {line}): "),
    }
}

/// One operation: when, who, where, what, and how it ended.
fn told(operation: &Operation, clock: Clock, around: &Surroundings) -> String {
    let place = operation.node.as_ref().map_or_else(String::new, |pod| match around.nodes.get(&**pod) {
        Some(node) => format!(" at {pod} on {node}"),
        None => format!(" at {pod}"),
    });
    let from = clock.tell(operation.call.time);
    let ended = match (operation.completion, operation.end) {
        (Completion::Ok, _) => format!("ok at {}", clock.tell(end(operation))),
        (Completion::Fail, _) => {
            let saw = operation.saw.as_ref().map(|saw| format!(" and saw {}", short(saw))).unwrap_or_default();
            format!("failed{saw} at {}", clock.tell(end(operation)))
        }
        (Completion::Info, Some(_)) => format!("outcome unknown at {}", clock.tell(end(operation))),
        (Completion::Info, None) => "never answered".to_owned(),
    };
    let key = operation.key.as_ref().map(|key| format!(" {}", short(key))).unwrap_or_default();
    let input = if operation.input == Value::Nil { String::new() } else { format!(" {}", short(&operation.input)) };
    let shows = operation.completion == Completion::Ok && operation.output != operation.input;
    let output = if shows { format!(" -> {}", short(&operation.output)) } else { String::new() };
    let who = if operation.is_unnamed() { "a client".to_owned() } else { format!("process {}", operation.process) };
    format!("{from}: {who}{place}: {}{key}{input}{output}, {ended}", operation.function)
}

/// A value that fits into a sentence.
pub(super) fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let whole = value.to_string();
    if whole.chars().count() <= LONGEST {
        return whole;
    }
    let characters: Vec<char> = whole.chars().collect();
    let part = |range: std::ops::Range<usize>| characters[range].iter().collect::<String>();
    format!("{} … {}", part(0..LONGEST / 2), part(characters.len() - LONGEST / 2..characters.len()))
}

fn steady(history: &History, anomaly: &Anomaly, all: &[Anomaly], (from, to): (i64, i64)) -> String {
    let inside = |other: &&Anomaly| {
        let operations = other.witness.iter().filter_map(|number| history.operations.get(*number as usize));
        let mut operations = operations.peekable();
        other.kind == anomaly.kind
            && operations.peek().is_some()
            && operations.all(|one| one.call.time >= from && end(one) <= to)
    };
    let name = anomaly.kind.name();
    match all.iter().filter(inside).count() {
        0 => format!("no {name} lies in the steady window before the first fault"),
        count => {
            format!("{count} {name} in the steady window before the first fault: the faults alone do not explain it")
        }
    }
}
