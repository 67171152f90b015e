//! `report.json`: what became of every scenario, in numbers with units and in a stable order, for programs. Its schema is made
//! from these types. What is long, points over time, is in `series.json` beside it. Names no machine.

#![expect(clippy::struct_field_names, reason = "the names are the keys of report.json")]

mod data;
mod drifts;
mod faults;
mod probes;
mod report;
mod scenario;
mod schema;
mod series;

pub use schema::schema as json_schema;
pub use series::series;

use super::Results;
use report::Report;

/// The version of the format; grows with every change that breaks a reader.
pub const VERSION: u32 = 2;

/// Renders `report.json`. Ends with a newline.
///
/// # Errors
/// When it cannot be written as JSON, which would be a defect.
pub fn json(results: &Results) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(&Report::of(results)).map(|text| text + "\n")
}

/// Seconds of a time or a duration in microseconds.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
