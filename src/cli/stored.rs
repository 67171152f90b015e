//! `driftproof verdict` and `driftproof report`: stored evidence, judged or rendered again.

use std::fs;
use std::path::{Path, PathBuf};

use driftproof::report::Results;

use super::args::Stored;
use super::exit::Exit;
use super::folder::{EVIDENCE, Folder};
use super::style::Style;
use super::{fail, judge, table};

/// `driftproof verdict RUN`.
pub(super) fn verdict(stored: &Stored, style: Style) -> Exit {
    match entries(&stored.run) {
        Ok((_, results)) => {
            print!("{}", table::results(&results, style.out));
            print!("{}", table::reasons(&results, style.out));
            Exit::of(&results)
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// `driftproof report RUN`: writes the reports beside the evidence.
pub(super) fn report(stored: &Stored, _style: Style) -> Exit {
    let written = entries(&stored.run).and_then(|(folder, results)| folder.write(&results).map(|()| folder));
    match written {
        Ok(folder) => {
            println!("{}", folder.path().join("report.html").display());
            Exit::Passed
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// The run's folder and its entries, in the order of the scenarios' names.
fn entries(run: &Path) -> Result<(Folder, Results), String> {
    let (folder, files) = evidence_files(run)?;
    let entries = files.iter().map(|file| judge::entry(&scenario_name(file), file)).collect::<Result<Vec<_>, _>>()?;
    Ok((Folder::existing(&folder), Results::of(entries)))
}

fn scenario_name(file: &Path) -> String {
    let folder =
        file.canonicalize().ok().and_then(|file| Some(file.parent()?.file_name()?.to_string_lossy().into_owned()));
    folder.unwrap_or_else(|| "scenario".to_owned())
}

fn evidence_files(run: &Path) -> Result<(PathBuf, Vec<PathBuf>), String> {
    if run.is_file() {
        let folder = run.parent().unwrap_or(Path::new(".")).to_owned();
        return Ok((folder, vec![run.to_owned()]));
    }
    if run.join(EVIDENCE).is_file() {
        return Ok((run.to_owned(), vec![run.join(EVIDENCE)]));
    }
    let entries = fs::read_dir(run).map_err(|error| format!("{}: {error}", run.display()))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join(EVIDENCE)))
        .filter(|file| file.is_file())
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: no {EVIDENCE} here or in a folder below: give the folder of a run", run.display()));
    }
    Ok((run.to_owned(), files))
}
