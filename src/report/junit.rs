//! `junit.xml`: a suite for each scenario, with a testcase for the scenario and one for each objective.
//! An inconclusive one is an `error`, not `skipped`: CI systems count skipped tests as passed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::{Entry, Fate, Results, Row, Status};
use crate::verdict::{Judgement, Outcome};

/// Renders `junit.xml`.
///
/// # Errors
/// When the XML cannot be written, which would be a defect.
pub fn junit(results: &Results) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("driftproof");
    for row in &results.rows {
        report.add_test_suite(suite(row));
    }
    report.to_string()
}

fn suite(row: &Row) -> TestSuite {
    match &row.fate {
        Fate::Judged(entry) => judged(entry),
        Fate::Error(failure) => without_verdict(row, &failure.reason),
        Fate::NotRun { reason } => without_verdict(row, reason),
    }
}

fn without_verdict(row: &Row, reason: &str) -> TestSuite {
    let status = match row.status() {
        Status::NotRun => TestCaseStatus::skipped(),
        Status::Pass | Status::Error | Status::Inconclusive | Status::Fail => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    let mut status = status;
    status.set_type(row.status().key()).set_message(XmlString::new(row.line()));
    if reason != row.line() {
        status.set_description(XmlString::new(reason));
    }
    let mut case = TestCase::new("scenario", status);
    case.set_classname(row.name.clone());
    let mut suite = TestSuite::new(row.name.clone());
    suite.add_test_case(case);
    suite
}

fn judged(entry: &Entry) -> TestSuite {
    let mut suite = TestSuite::new(entry.name.clone());
    let mut whole = TestCase::new("scenario", status(entry.verdict.outcome, &entry.verdict.line, &entry.header.again));
    whole.set_classname(entry.name.clone()).set_time(Duration::from_micros(entry.measurements.end));
    suite.add_test_case(whole);
    for judgement in &entry.verdict.objectives {
        let mut case = TestCase::new(
            judgement.objective.clone(),
            status(judgement.outcome, &judgement.reason, &details(judgement)),
        );
        case.set_classname(entry.name.clone());
        suite.add_test_case(case);
    }
    suite.add_property(("seed", entry.header.seed.to_string().as_str()));
    suite.add_property(("run", entry.header.run.as_str()));
    suite.add_property(("cluster", super::text::world(&entry.header.world).as_str()));
    suite
}

fn details(judgement: &Judgement) -> String {
    let mut lines = vec![format!("measured: {}", judgement.measured), format!("bound: {}", judgement.bound)];
    if !judgement.knob.is_empty() {
        lines.push(format!("knob: {}", judgement.knob));
    }
    lines.join("\n")
}

fn status(outcome: Outcome, message: &str, description: &str) -> TestCaseStatus {
    let (kind, word) = match outcome {
        Outcome::Pass => return TestCaseStatus::success(),
        Outcome::Fail => (NonSuccessKind::Failure, "fail"),
        Outcome::Inconclusive => (NonSuccessKind::Error, "inconclusive"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(XmlString::new(message)).set_description(XmlString::new(description));
    status
}
