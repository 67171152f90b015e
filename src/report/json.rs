//! `report.json`: everything, versioned, in a stable order.

use serde::Serialize;

use super::Entry;
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
    dirty: usize,
    scenarios: Vec<Scenario<'a>>,
}

#[derive(Serialize)]
struct Scenario<'a> {
    name: &'a str,
    description: &'a str,
    tags: &'a [String],
    run: &'a str,
    world: &'a WorldName,
    seed: u64,
    started: &'a str,
    again: &'a str,
    verdict: &'a Verdict,
    plan: Option<&'a Plan>,
    measurements: &'a Measurements,
}

/// Renders `report.json`. Ends with a newline.
///
/// # Errors
/// When a measurement is not representable in JSON (a NaN), which would be a defect.
pub fn json(entries: &[Entry]) -> Result<String, serde_json::Error> {
    let count = |outcome| entries.iter().filter(|entry| entry.verdict.outcome == outcome).count();
    let report = Report {
        version: VERSION,
        tool: concat!("driftproof ", env!("CARGO_PKG_VERSION")),
        outcome: entries.iter().map(|entry| entry.verdict.outcome).max(),
        passed: count(Outcome::Pass),
        failed: count(Outcome::Fail),
        inconclusive: count(Outcome::Inconclusive),
        dirty: entries.iter().filter(|entry| !entry.verdict.dirty.is_empty()).count(),
        scenarios: entries.iter().map(scenario).collect(),
    };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn scenario(entry: &Entry) -> Scenario<'_> {
    Scenario {
        name: &entry.name,
        description: &entry.header.scenario.description,
        tags: &entry.header.scenario.tags,
        run: &entry.header.run,
        world: &entry.header.world,
        seed: entry.header.seed,
        started: &entry.header.started,
        again: &entry.header.again,
        verdict: &entry.verdict,
        plan: entry.plan.as_ref(),
        measurements: &entry.measurements,
    }
}
