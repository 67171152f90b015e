//! The whole: counts, the worst outcome, and the scenarios.

use schemars::JsonSchema;
use serde::Serialize;

use super::VERSION;
use super::scenario::{Scenario, Word};
use crate::report::{Results, Status};

/// The result of one call of `driftproof run`: `report.json`.
///
/// Keys that end in `_s` are seconds, those that end in `_percent` percent. Keys that end in `_at_s` are instants, counted from
/// the scenario's own start (`started`). What is not known or does not apply is null or empty, never left out.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "Driftproof: report.json")]
pub(super) struct Report<'a> {
    /// Version of this format; grows with every change that breaks a reader.
    version: u32,
    /// The program that wrote it, with its version.
    tool: &'static str,
    /// The worst of all scenarios: `fail` beats `inconclusive` beats `pass`. One that could not be run or was not run makes it
    /// `inconclusive`; null when no scenario was selected.
    outcome: Option<Word>,
    /// How many scenarios ended how.
    counts: Counts,
    /// When the run began by the clock of the machine that ran it (RFC 3339); null when that is not known.
    started: Option<&'a str>,
    /// How long it took there; null when that is not known.
    took_s: Option<f64>,
    /// Name of the file beside this one that has the points over time.
    series: &'static str,
    /// Every scenario that was selected, in the order in which they were selected.
    scenarios: Vec<Scenario<'a>>,
}

/// How many scenarios ended how.
#[derive(Serialize, JsonSchema)]
struct Counts {
    /// All that were selected: the sum of the next five.
    selected: usize,
    /// Every objective held.
    passed: usize,
    /// An objective did not hold.
    failed: usize,
    /// It cannot be told.
    inconclusive: usize,
    /// It could not be run.
    errors: usize,
    /// It was not reached.
    not_run: usize,
    /// Of all: something was left on the cluster.
    dirty: usize,
}

impl<'a> Report<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        Self {
            version: VERSION,
            tool: concat!("driftproof ", env!("CARGO_PKG_VERSION")),
            outcome: results.outcome().map(|outcome| Status::from(outcome).into()),
            counts: Counts {
                selected: results.rows.len(),
                passed: results.count(Status::Pass),
                failed: results.count(Status::Fail),
                inconclusive: results.count(Status::Inconclusive),
                errors: results.count(Status::Error),
                not_run: results.count(Status::NotRun),
                dirty: results.rows.iter().filter(|row| !row.dirty().is_empty()).count(),
            },
            started: Some(results.started.as_str()).filter(|started| !started.is_empty()),
            took_s: results.took.map(|took| took.as_secs_f64()),
            series: super::series::FILE,
            scenarios: results.rows.iter().map(Scenario::of).collect(),
        }
    }
}
