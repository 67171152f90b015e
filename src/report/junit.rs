//! `junit.xml`: a suite for each scenario, with a testcase for each objective, as Jenkins, GitLab and GitHub's reporters take
//! it: one cause is one failure or one error, what only follows from it is `skipped`, and so is what was not run.
//! An inconclusive objective is an `error`, not `skipped`: CI systems count skipped tests as passed.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite, XmlString};

use super::{Entry, Fate, Results, Row};
use crate::verdict::{Judgement, Outcome};

/// Renders `junit.xml`. Times are those of the machine that ran it, not simulated ones.
///
/// # Errors
/// When the XML cannot be written, which would be a defect.
pub fn junit(results: &Results) -> Result<String, SerializeError> {
    let mut report = Report::new("driftproof");
    for row in &results.rows {
        report.add_test_suite(suite(row));
    }
    report.time = results.took;
    report.to_string().map(|text| without_skipped(&text))
}

/// The schema of Jenkins' xUnit plugin knows no `skipped` on the outermost element; every suite has its own.
fn without_skipped(text: &str) -> String {
    let start = text.find("<testsuites").unwrap_or_default();
    let end = text[start..].find('>').map_or(text.len(), |end| start + end);
    let (head, rest) = text.split_at(end);
    let Some(from) = head.find(" skipped=\"") else { return text.to_owned() };
    let value = from + " skipped=\"".len();
    let to = head[value..].find('"').map_or(head.len(), |end| value + end + 1);
    format!("{}{}{rest}", &head[..from], &head[to..])
}

fn suite(row: &Row) -> TestSuite {
    let mut suite = TestSuite::new(row.name.clone());
    match &row.fate {
        Fate::Judged(entry) => judged(&mut suite, row, entry),
        Fate::Error(failure) => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_type(row.status().key()).set_message(XmlString::new(row.line()));
            status.set_description(XmlString::new(&failure.reason));
            suite.add_test_case(case(row, "run", status));
        }
        Fate::NotRun { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_type(row.status().key()).set_message(XmlString::new(reason));
            suite.add_test_case(case(row, "run", status));
        }
    }
    // How long it took stands at the suite and at its first case, so that sums are right.
    suite.time = Some(row.took.unwrap_or_default());
    for (index, case) in suite.test_cases.iter_mut().enumerate() {
        case.set_time(if index == 0 { row.took.unwrap_or_default() } else { Duration::ZERO });
    }
    for (name, value) in [("timestamp", timestamp(&row.started)), ("file", row.file.as_str())] {
        if !value.is_empty() {
            suite.extra.insert(XmlString::new(name), XmlString::new(value));
        }
    }
    suite.add_property(("seed", row.seed.to_string().as_str()));
    if !row.again.is_empty() || !row.dirty().is_empty() {
        suite.set_system_out(XmlString::new(output(row)));
    }
    suite
}

/// Seconds are enough, and all that some readers take.
fn timestamp(started: &str) -> &str {
    started.split('.').next().unwrap_or_default().trim_end_matches('Z')
}

/// How to see it again, and what is left.
fn output(row: &Row) -> String {
    let mut lines: Vec<String> = row.dirty().iter().map(|left| format!("LEFT DIRTY: {left}")).collect();
    if let Fate::Judged(entry) = &row.fate
        && !entry.header.scenario.has_objective()
    {
        lines.push(entry.verdict.line.clone());
    }
    lines.push(format!("again: {}", row.again));
    lines.join("\n")
}

fn case(row: &Row, objective: &str, status: TestCaseStatus) -> TestCase {
    // Some lists show the name alone.
    let mut case = TestCase::new(format!("{}: {objective}", row.name), status);
    case.set_classname(row.name.clone());
    case
}

fn judged(suite: &mut TestSuite, row: &Row, entry: &Entry) {
    let cause = cause(entry);
    for (index, judgement) in entry.verdict.objectives.iter().enumerate() {
        let status = match judgement.outcome {
            Outcome::Pass => TestCaseStatus::success(),
            Outcome::Fail => told(NonSuccessKind::Failure, judgement),
            Outcome::Inconclusive => match follows(entry, index, cause) {
                Some(cause) => {
                    let mut status = TestCaseStatus::skipped();
                    let message = format!("follows from {}: {}", cause.objective, cause.reason);
                    status.set_type("inconclusive").set_message(XmlString::new(message));
                    status
                }
                None => told(NonSuccessKind::Error, judgement),
            },
        };
        suite.add_test_case(case(row, &judgement.objective, status));
    }
    for objective in &entry.measurements.skipped {
        let mut status = TestCaseStatus::skipped();
        status.set_type("left-out").set_message(XmlString::new("left out by --skip-queries"));
        suite.add_test_case(case(row, objective, status));
    }
    // What a verdict says beside its objectives.
    if entry.verdict.objectives.iter().all(|judgement| judgement.outcome < entry.verdict.outcome) {
        let kind = if entry.verdict.outcome == Outcome::Fail { NonSuccessKind::Failure } else { NonSuccessKind::Error };
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(row.status().key()).set_message(XmlString::new(&entry.verdict.line));
        let passed = entry.verdict.outcome == Outcome::Pass;
        suite.add_test_case(case(row, "run", if passed { TestCaseStatus::success() } else { status }));
    }
    suite.add_property(("run", entry.header.run.as_str()));
    // Kept by CI where an editor of the folder does not reach.
    if !entry.measurements.evidence_sha256.is_empty() {
        suite.add_property(("evidence_sha256", entry.measurements.evidence_sha256.as_str()));
    }
    suite.add_property(("cluster", super::text::world(&entry.header.world).as_str()));
}

/// Why nothing was injected, when nothing was: the objective that the verdict is named after, else the first that is open.
fn cause(entry: &Entry) -> Option<usize> {
    if entry.measurements.faults.iter().any(|fault| fault.injected.is_some()) {
        return None;
    }
    let objectives = &entry.verdict.objectives;
    let open = |judgement: &Judgement| judgement.outcome == Outcome::Inconclusive;
    let named = |judgement: &Judgement| open(judgement) && judgement.reason == entry.verdict.line;
    objectives.iter().position(named).or_else(|| objectives.iter().position(open))
}

/// Of what an open objective is only a consequence: of the cause why nothing was injected, or of what an earlier one already
/// says in the same words.
fn follows(entry: &Entry, index: usize, cause: Option<usize>) -> Option<&Judgement> {
    let objectives = &entry.verdict.objectives;
    if let Some(cause) = cause {
        return (cause != index).then(|| &objectives[cause]);
    }
    objectives[..index]
        .iter()
        .find(|earlier| earlier.outcome == Outcome::Inconclusive && earlier.reason == objectives[index].reason)
}

fn told(kind: NonSuccessKind, judgement: &Judgement) -> TestCaseStatus {
    let mut lines = vec![judgement.reason.clone()];
    for (word, value) in [("measured", &judgement.measured), ("bound", &judgement.bound), ("knob", &judgement.knob)] {
        if !value.is_empty() {
            lines.push(format!("{word}: {value}"));
        }
    }
    let word = if kind == NonSuccessKind::Failure { "fail" } else { "inconclusive" };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(word).set_message(XmlString::new(&judgement.reason));
    status.set_description(XmlString::new(lines.join("\n")));
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_outermost_element_loses_its_count() {
        let text = "<?xml version=\"1.0\"?>\n<testsuites name=\"d\" tests=\"1\" skipped=\"12\" failures=\"0\">\n<testsuite name=\"a\" skipped=\"1\"/>";
        let expected = "<?xml version=\"1.0\"?>\n<testsuites name=\"d\" tests=\"1\" failures=\"0\">\n<testsuite name=\"a\" skipped=\"1\"/>";
        assert_eq!(without_skipped(text), expected);
        assert_eq!(without_skipped("<testsuites name=\"d\"/>"), "<testsuites name=\"d\"/>");
    }

    #[test]
    fn a_timestamp_is_in_whole_seconds() {
        assert_eq!(timestamp("2026-12-01T10:00:00.123456789Z"), "2026-12-01T10:00:00");
        assert_eq!(timestamp("2026-12-01T10:00:00Z"), "2026-12-01T10:00:00");
        assert_eq!(timestamp(""), "");
    }
}
