//! From stored evidence to a report entry: the same way for a run that has just ended and for one of years ago.

use std::fs;
use std::path::Path;

use driftproof::evidence::{Event, Evidence};
use driftproof::report::Entry;
use driftproof::{measure, verdict};

/// Reads, measures and judges one evidence file.
///
/// # Errors
/// When it cannot be read at all; evidence that was cut off is judged as such.
pub(super) fn entry(name: &str, file: &Path) -> Result<Entry, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let evidence = Evidence::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let measurements = measure::measure(&evidence);
    let verdict = verdict::judge(&evidence.header.scenario, &measurements);
    let plan = evidence.records.iter().find_map(|record| match &record.event {
        Event::Plan(plan) => Some((**plan).clone()),
        _ => None,
    });
    Ok(Entry { name: name.to_owned(), header: evidence.header, plan, measurements, verdict })
}
