//! An anomaly told as the documentation shows it, and pictures that stay small whatever they show.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::history::{Call, Completion, History, Operation, Value};
use crate::outcome::{Anomaly, AnomalyKind};

const SECOND: i64 = 1_000_000_000;

fn operation(process: u64, function: &str, value: i64, from: i64, to: i64) -> Operation {
    let at = |time: i64| Call { at: time.unsigned_abs() / 1000, time, line: 1 };
    Operation {
        process,
        function: Arc::from(function),
        key: Some(Value::Text(Arc::from("k7"))),
        input: if function == "read" { Value::Nil } else { Value::Int(value) },
        output: Value::Int(value),
        completion: Completion::Ok,
        saw: None,
        call: at(from),
        end: Some(at(to)),
        node: Some(Arc::from("db-1")),
    }
}

fn stale() -> (History, Anomaly) {
    let operations = vec![
        operation(1, "write", 41, SECOND, 2 * SECOND),
        operation(9, "read", 42, 11 * SECOND, 12 * SECOND),
        operation(3, "read", 41, 12_031_004_511, 13 * SECOND),
    ];
    let sentence = "k7: process 3 read 41, but process 9 had already read 42".to_owned();
    let anomaly =
        Anomaly { kind: AnomalyKind::StaleRead, key: Some("k7".to_owned()), witness: vec![0, 1, 2], sentence };
    (History { operations }, anomaly)
}

fn surroundings() -> Surroundings {
    let fault = Annotation {
        name: "partition-1".to_owned(),
        kind: AnnotationKind::Fault,
        from: 8_931 * SECOND / 1000,
        to: Some(20 * SECOND),
        place: "pod/db-1".to_owned(),
        node: Some("worker-2".to_owned()),
    };
    let nodes = BTreeMap::from([("db-1".to_owned(), "worker-2".to_owned())]);
    Surroundings { annotations: vec![fault], steady: Some((0, 5 * SECOND)), nodes, ..Surroundings::default() }
}

#[test]
fn an_anomaly_is_told_with_times_places_and_faults() {
    let (history, anomaly) = stale();
    let told = explain(&history, &anomaly, std::slice::from_ref(&anomaly), &surroundings());
    assert_eq!(told.headline, format!("{}: stale read, 3.1 s into partition-1", anomaly.sentence));
    assert_eq!(told.operations[2], "12.031 s: process 3 at db-1 on worker-2: read k7 -> 41, ok at 13.000 s");
    assert_eq!(told.operations[0], "1.000 s: process 1 at db-1 on worker-2: write k7 41, ok at 2.000 s");
    assert_eq!(
        told.surroundings,
        ["partition-1 (fault of pod/db-1 on worker-2) from 8.931 s until 20.000 s; it showed 3.1 s into partition-1"]
    );
    assert_eq!(told.steady.as_deref(), Some("no stale-read lies in the steady window before the first fault"));
}

#[test]
fn an_anomaly_that_was_there_before_is_not_blamed_on_the_fault() {
    let (history, anomaly) = stale();
    let early = Anomaly { witness: vec![0], ..anomaly.clone() };
    let told = explain(&history, &anomaly, &[early, anomaly.clone()], &surroundings());
    assert!(told.steady.expect("a window").starts_with("1 stale-read in the steady window"));
}

#[test]
fn a_history_without_times_is_told_by_its_order() {
    let (mut history, anomaly) = stale();
    for (at, operation) in (0..).zip(&mut history.operations) {
        operation.call = Call { at, time: at.cast_signed(), line: 1 };
        operation.end = None;
    }
    let told = explain(&history, &anomaly, &[], &surroundings());
    assert_eq!(told.operations[1], "event 1: process 9 at db-1 on worker-2: read k7 -> 42, ok at event 1");
    assert!(told.surroundings.is_empty() && told.steady.is_none());
}

#[test]
fn a_picture_shows_the_witness_and_escapes_what_it_is_given() {
    let (mut history, anomaly) = stale();
    history.operations[2].node = Some(Arc::from("<script>\"&"));
    let mut around = surroundings();
    around.annotations[0].name = "</svg>".to_owned();
    let picture = picture(&history, &anomaly, &around);
    assert_eq!(picture.lanes.len(), 3);
    let drawn = svg(&picture);
    assert!(!drawn.contains("<script>") && drawn.matches("</svg>").count() == 1, "{drawn}");
    assert!(drawn.contains("&lt;script&gt;"));
}

#[test]
fn a_large_history_gives_a_small_picture() {
    let (mut history, mut anomaly) = stale();
    let long = "<&\"".repeat(1000);
    let mut others: Vec<Operation> = (0..40_000)
        .map(|at| {
            let mut one = operation(
                at,
                "write",
                at.cast_signed(),
                at.cast_signed() * 300_000,
                at.cast_signed() * 300_000 + 50_000,
            );
            one.node = Some(Arc::from(format!("{long}{}", at % 500)));
            one.input = Value::Text(Arc::from(&*long));
            one
        })
        .collect();
    history.operations.append(&mut others);
    let mut around = surroundings();
    around.annotations = vec![Annotation { name: long.clone(), ..around.annotations[0].clone() }; 1000];
    let many = svg(&picture(&history, &anomaly, &around));
    assert!(many.len() < 300_000, "{} bytes", many.len());
    history.operations.truncate(150);
    anomaly.key = None;
    let few = svg(&picture(&history, &anomaly, &around));
    assert!(few.len() < 300_000, "{} bytes", few.len());
}
