//! `junit.xml`: a suite for each scenario, with a testcase for the scenario and one for each objective.
//! An inconclusive one is an `error`, not `skipped`: CI systems count skipped tests as passed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::Entry;
use crate::verdict::{Judgement, Outcome};

/// Renders `junit.xml`.
///
/// # Errors
/// When the XML cannot be written, which would be a defect.
pub fn junit(entries: &[Entry]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("driftproof");
    for entry in entries {
        report.add_test_suite(suite(entry));
    }
    report.to_string()
}

fn suite(entry: &Entry) -> TestSuite {
    let mut suite = TestSuite::new(entry.name.clone());
    let mut whole = TestCase::new("scenario", status(entry.verdict.outcome, &entry.verdict.line, &entry.header.again));
    whole.set_classname(entry.name.clone()).set_time(Duration::from_micros(entry.measurements.end));
    if entry.verdict.outcome == Outcome::Pass {
        whole.set_system_out(entry.verdict.line.as_str());
    }
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
