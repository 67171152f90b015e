//! `report.json`: everything, versioned, in a stable order.

use serde::Serialize;

use super::{Entry, Results, Row, Status};
use crate::evidence::WorldName;
use crate::measure::Measurements;
use crate::plan::Plan;
use crate::verdict::{Outcome, Verdict};

/// The version of the format; grows with every change that breaks a reader.
pub const VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    tool: &'a str,
    outcome: Option<Outcome>,
    passed: usize,
    failed: usize,
    inconclusive: usize,
    errors: usize,
    not_run: usize,
    dirty: usize,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Scenario<'a> {
    name: &'a str,
    /// `pass`, `fail`, `inconclusive`, `error` or `not-run`.
    status: &'a str,
    /// One line that says why.
    reason: &'a str,
    file: &'a str,
    seed: u64,
    again: &'a str,
    dirty: &'a [String],
    /// What was judged: nothing of it when there is an error or it was not run.
    #[serde(flatten)]
    judged: Option<Judged<'a>>,
}

#[derive(Serialize)]
struct Judged<'a> {
    description: &'a str,
    tags: &'a [String],
    run: &'a str,
    world: &'a WorldName,
    started: &'a str,
    verdict: &'a Verdict,
    plan: Option<&'a Plan>,
    measurements: &'a Measurements,
}

/// Renders `report.json`. Ends with a newline.
///
/// # Errors
/// When a measurement is not representable in JSON (a NaN), which would be a defect.
pub fn json(results: &Results) -> Result<String, serde_json::Error> {
    let report = Report {
        version: VERSION,
        tool: concat!("driftproof ", env!("CARGO_PKG_VERSION")),
        outcome: results.outcome(),
        passed: results.count(Status::Pass),
        failed: results.count(Status::Fail),
        inconclusive: results.count(Status::Inconclusive),
        errors: results.count(Status::Error),
        not_run: results.count(Status::NotRun),
        dirty: results.rows.iter().filter(|row| !row.dirty().is_empty()).count(),
        scenarios: results.rows.iter().map(scenario).collect(),
    };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn scenario(row: &Row) -> Scenario<'_> {
    Scenario {
        name: &row.name,
        status: row.status().key(),
        reason: row.line(),
        file: &row.file,
        seed: row.seed,
        again: &row.again,
        dirty: row.dirty(),
        judged: row.entry().map(judged),
    }
}

fn judged(entry: &Entry) -> Judged<'_> {
    Judged {
        description: &entry.header.scenario.description,
        tags: &entry.header.scenario.tags,
        run: &entry.header.run,
        world: &entry.header.world,
        started: &entry.header.started,
        verdict: &entry.verdict,
        plan: entry.plan.as_ref(),
        measurements: &entry.measurements,
    }
}
