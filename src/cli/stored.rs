//! `driftproof verdict` and `driftproof report`: stored evidence, judged or rendered again. A scenario is called what its
//! evidence calls it, wherever that lies; a run's own index says which scenarios have none, and why.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use driftproof::report::{Entry, Failure, Fate, Results, Row};

use super::args::Stored;
use super::exit::Exit;
use super::folder::{EVIDENCE, Folder, Index, Written};
use super::guarded::guarded;
use super::style::Style;
use super::{fail, judge, print, table};

/// `driftproof verdict RUN`.
pub(super) fn verdict(stored: &Stored, style: Style) -> Exit {
    match results(stored) {
        Ok((_, results)) => {
            print::out(&table::rows(&results, style));
            print::out(&table::conclusion(&results, style));
            Exit::of(&results)
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// `driftproof report RUN`: writes the reports beside the evidence.
pub(super) fn report(stored: &Stored, _style: Style) -> Exit {
    let written = results(stored).and_then(|(folder, results)| {
        let folder = Folder::locked(&folder)?;
        folder.write(&results).map_err(|failed| failed.join("\nerror: "))?;
        Ok(folder)
    });
    match written {
        Ok(folder) => {
            print::out(&format!("{}\n", folder.path().join("report.html").display()));
            Exit::Passed
        }
        Err(message) => fail(&message, Exit::Usage),
    }
}

/// The run's folder and what became of its scenarios: in the order of the run, or of their names when that is not known.
fn results(stored: &Stored) -> Result<(PathBuf, Results), String> {
    let (run, memory) = (&*stored.run, stored.budget.memory);
    if run.is_dir()
        && !run.join(EVIDENCE).is_file()
        && let Some(index) = Index::read(run)?
    {
        return Ok((run.to_owned(), indexed(run, index, memory)));
    }
    let (folder, files) = evidence_files(run)?;
    let known = Written::read(&folder);
    let row = |file: &PathBuf| {
        judged(file, memory, Written::beside(file).or(&known)).map(|entry| Row::judged(beside(entry, file, &folder)))
    };
    let mut rows = files.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    tell_apart(&mut rows);
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    Ok((folder, Results { rows, ..Results::default() }))
}

/// What a run's index lists. Evidence that cannot be judged is that scenario's error.
fn indexed(run: &Path, index: Index, memory: u64) -> Results {
    let written = Written::read(run);
    let judge = |name: &str| {
        let file = run.join(name).join(EVIDENCE);
        if !file.is_file() {
            return None;
        }
        Some(match judged(&file, memory, &written) {
            Ok(mut entry) => {
                name.clone_into(&mut entry.name);
                Fate::Judged(Box::new(entry))
            }
            Err(reason) => Fate::Error(Failure { reason, ..Failure::default() }),
        })
    };
    let (started, took) = (index.started.clone(), index.took());
    Results { started, took, rows: index.scenarios.into_iter().map(|kept| kept.row(judge)).collect() }
}

fn judged(file: &Path, memory: u64, written: &Written) -> Result<Entry, String> {
    guarded(|| judge::entry(file, memory, written)).and_then(|judged| judged)
}

/// Lets the report in `folder` lead to the files of an entry whose folder need not be called as it is.
fn beside(mut entry: Entry, evidence: &Path, folder: &Path) -> Entry {
    let part = evidence.parent().and_then(|own| own.strip_prefix(folder).ok());
    if let Some(part) = part.filter(|part| !part.as_os_str().is_empty()) {
        for file in &mut entry.surroundings.files {
            *file = part.join(&*file).display().to_string();
        }
    }
    entry.surroundings.beside = true;
    entry
}

/// Runs of one scenario with several seeds get the seed into their name, and still equal ones a number.
fn tell_apart(rows: &mut [Row]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter() {
        *counts.entry(row.name.clone()).or_default() += 1;
    }
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        if counts[&row.name] > 1 {
            row.name = format!("{}-seed-{}", row.name, row.seed);
        }
        let count = taken.entry(row.name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            row.name = format!("{}-{count}", row.name);
        }
        if let Fate::Judged(entry) = &mut row.fate {
            entry.name.clone_from(&row.name);
        }
    }
}

fn evidence_files(run: &Path) -> Result<(PathBuf, Vec<PathBuf>), String> {
    if run.is_file() {
        let folder = match run.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
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
