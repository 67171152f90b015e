//! From stored evidence to a report entry: the same way for a run that has just ended and for one of years ago.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use driftproof::evidence::{Event, Evidence};
use driftproof::measure::Beside;
use driftproof::report::{Entry, Surroundings};
use driftproof::world::Clock;
use driftproof::{measure, verdict};

use super::folder::{EVIDENCE, Written};
use super::packed;

/// A history that is not judged within this time is inconclusive.
const LIMIT: Duration = Duration::from_secs(600);

/// Gives out the bytes of a file, packed or not. What a cut left is counted against what the run wrote.
fn pieces(path: &Path, each: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), String> {
    let file = packed::open(path).map_err(|error| error.to_string())?;
    packed::pieces(&file, each).map(|_cut| ()).map_err(|error| error.to_string())
}

/// Reads, measures and judges one evidence file and the histories beside it. Its name is that of its scenario, wherever it
/// lies. Judging one history holds no more than `memory` bytes. Evidence that is not the one of which a report was `written` is
/// told, and not judged.
///
/// # Errors
/// When it cannot be read at all; evidence that was cut off is judged as such.
pub(super) fn entry(file: &Path, memory: u64, written: &Written) -> Result<Entry, String> {
    let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let evidence = Evidence::read_from(BufReader::with_capacity(1 << 16, opened));
    let evidence = evidence.map_err(|error| format!("{}: {error}", file.display()))?;
    let known = written.digest(file, &evidence.header).map(str::to_owned);
    let evidence = match &known {
        Some(known) => evidence.known_as(known),
        None => evidence,
    };
    let clock = Clock::starting_at(jiff::Timestamp::now());
    let read = |name: &str, each: &mut dyn FnMut(&[u8]) -> bool| {
        // What evidence names lies beside it, and nowhere else.
        let plain = Path::new(name).file_name().is_some_and(|last| last == name);
        let path = file.with_file_name(name);
        if !plain {
            return Err("not a file name".to_owned());
        }
        pieces(&path, each)
    };
    let beside = Beside { read: &read, memory, exhausted: &|| clock.elapsed() > LIMIT };
    let mut measurements = measure::measure_with(&evidence, beside);
    if let Some(known) = known {
        // What is written now must not know another one the next time.
        measurements.evidence_sha256 = known;
    }
    let verdict = verdict::judge(&evidence.header.scenario, &measurements);
    let plan = evidence.records.iter().find_map(|record| match &record.event {
        Event::Plan(plan) => Some((**plan).clone()),
        _ => None,
    });
    let name = evidence.header.scenario.name.clone();
    let surroundings = Surroundings { files: files_beside(file), ..Surroundings::of(&evidence) };
    Ok(Entry { name, header: evidence.header, plan, measurements, verdict, surroundings })
}

/// The evidence and the histories of a scenario that lie in its folder, by name and in the order of names.
fn files_beside(evidence: &Path) -> Vec<String> {
    let folder = evidence.parent().into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let names = folder.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let history = |name: &str| {
        let plain = Path::new(name.strip_suffix(".gz").unwrap_or(name));
        name.starts_with("history-") && plain.extension().is_some_and(|extension| extension == "jsonl")
    };
    let mut files: Vec<String> = names.filter(|name| name == EVIDENCE || history(name)).collect();
    files.sort();
    files
}
