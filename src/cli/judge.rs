//! From stored evidence to a report entry: the same way for a run that has just ended and for one of years ago.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::time::Duration;

use driftproof::evidence::{Event, Evidence};
use driftproof::measure::{Beside, MEMORY_DEFAULT};
use driftproof::report::{Entry, Surroundings};
use driftproof::world::Clock;
use driftproof::{measure, verdict};

use super::folder::EVIDENCE;
use super::packed;

/// A history that is not judged within this time is inconclusive.
const LIMIT: Duration = Duration::from_secs(600);

/// The bytes of a file, never more of them in memory than may be. What a cut left is counted against what the run wrote.
fn read_within(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let file = packed::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let mut over = false;
    let read = packed::pieces(&file, |piece| {
        over = bytes.len() as u64 + piece.len() as u64 > most;
        if !over {
            bytes.extend_from_slice(piece);
        }
        !over
    });
    read.map_err(|error| error.to_string())?;
    if over {
        return Err(format!("it has more than {most} bytes: `driftproof check --memory BYTES` may hold more"));
    }
    Ok(bytes)
}

/// Reads, measures and judges one evidence file and the histories beside it. Its name is that of its scenario, wherever it
/// lies.
///
/// # Errors
/// When it cannot be read at all; evidence that was cut off is judged as such.
pub(super) fn entry(file: &Path) -> Result<Entry, String> {
    let opened = File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let evidence = Evidence::read_from(BufReader::with_capacity(1 << 16, opened));
    let evidence = evidence.map_err(|error| format!("{}: {error}", file.display()))?;
    let clock = Clock::starting_at(jiff::Timestamp::now());
    let read = |name: &str| {
        // What evidence names lies beside it, and nowhere else.
        let plain = Path::new(name).file_name().is_some_and(|last| last == name);
        let path = file.with_file_name(name);
        if !plain {
            return Err("not a file name".to_owned());
        }
        read_within(&path, MEMORY_DEFAULT)
    };
    let beside = Beside { read: &read, memory: MEMORY_DEFAULT, exhausted: &|| clock.elapsed() > LIMIT };
    let measurements = measure::measure_with(&evidence, beside);
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
        name.strip_prefix("history-").is_some_and(|rest| rest.ends_with(".jsonl") || rest.ends_with(".jsonl.gz"))
    };
    let mut files: Vec<String> = names.filter(|name| name == EVIDENCE || history(name)).collect();
    files.sort();
    files
}
