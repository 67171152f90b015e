//! `driftproof verdict` and `driftproof report`: stored evidence, judged or rendered again.

use std::fs;
use std::path::{Path, PathBuf};

use driftproof::report::Entry;

use super::args::Stored;
use super::exit::Exit;
use super::folder::{EVIDENCE, Folder};
use super::style::Style;
use super::{fail, judge, table};

/// `driftproof verdict RUN`.
pub(super) fn verdict(stored: &Stored, style: Style) -> Exit {
    match entries(&stored.run) {
        Ok((_, entries)) => {
            print!("{}", table::results(&entries, style.out));
            print!("{}", table::reasons(&entries, style.out));
            Exit::of(entries.iter().map(|entry| &entry.verdict))
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// `driftproof report RUN`: writes the reports beside the evidence.
pub(super) fn report(stored: &Stored, _style: Style) -> Exit {
    let written = entries(&stored.run).and_then(|(folder, entries)| folder.write(&entries).map(|()| folder));
    match written {
        Ok(folder) => {
            println!("{}", folder.path().join("report.html").display());
            Exit::Passed
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// The run's folder and its entries, in the order of the scenarios' names.
fn entries(run: &Path) -> Result<(Folder, Vec<Entry>), String> {
    let (folder, files) = evidence_files(run)?;
    let mut entries = files.iter().map(|file| judge::entry(None, file)).collect::<Result<Vec<_>, _>>()?;
    // What is the same scenario several times is told apart as `run` does it; what is the same run twice, by its folder.
    let seeds: Vec<String> = entries.iter().map(|entry| format!("{}-seed-{}", entry.name, entry.header.seed)).collect();
    rename(&mut entries, |place| seeds[place].clone());
    rename(&mut entries, |place| format!("{} ({})", seeds[place], files[place].parent().unwrap_or(run).display()));
    Ok((Folder::existing(&folder), entries))
}

/// Gives another name to the entries that share theirs.
fn rename(entries: &mut [Entry], other: impl Fn(usize) -> String) {
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    for (place, entry) in entries.iter_mut().enumerate() {
        if names.iter().filter(|name| **name == entry.name).count() > 1 {
            entry.name = other(place);
        }
    }
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
