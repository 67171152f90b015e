//! Public histories with published verdicts: ours and Porcupine's times, file by file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use driftproof::consistency::format::{self, Format};
use driftproof::consistency::{FailedCas, Model, Options, Outcome, Refusal, check, verify};

use crate::{least, porcupine};

/// Names a folder with a part of them: `etcd/*.log` with `etcd/verdicts.txt`, and `kv/*.txt`.
const FOLDER: &str = "DRIFTPROOF_PUBLIC_HISTORIES";

/// Each file with whether it is linearizable.
type Corpus = BTreeMap<PathBuf, bool>;

struct Row {
    file: PathBuf,
    operations: usize,
    ours: Duration,
    theirs: Option<Duration>,
}

pub(crate) fn measure() {
    let corpus = module().or_else(folder).unwrap_or_default();
    if corpus.is_empty() {
        println!("public histories: skipped, there are none: no Go, and no folder in {FOLDER}");
        return;
    }
    let files: Vec<PathBuf> = corpus.keys().cloned().collect();
    let theirs = porcupine::run(&files);
    if theirs.is_empty() {
        println!("public histories: Porcupine's side is skipped: no Go, or its module cannot be built");
    }
    let rows: Vec<_> = corpus.iter().map(|(file, &good)| row(file, good, &theirs)).collect();
    println!("{:<16} {:>6} {:>12} {:>14} {:>9}", "history", "ops", "ours µs", "Porcupine µs", "times");
    for row in &rows {
        let name = row.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        line(&name, row.operations, row.ours, row.theirs);
    }
    for extension in ["log", "txt"] {
        let part = || rows.iter().filter(|row| row.file.extension().is_some_and(|found| found == extension));
        let theirs = part().map(|row| row.theirs).sum::<Option<Duration>>();
        let name = format!("all {} *.{extension}", part().count());
        line(&name, part().map(|row| row.operations).sum(), part().map(|row| row.ours).sum(), theirs);
    }
    let slower = rows.iter().filter(|row| row.theirs.is_some_and(|theirs| theirs < row.ours)).count();
    println!("slower than Porcupine on {slower} of {} histories; every verdict is the published one\n", rows.len());
}

fn line(name: &str, operations: usize, ours: Duration, theirs: Option<Duration>) {
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let (other, times) = match theirs {
        Some(theirs) => (format!("{:.1}", micros(theirs)), format!("{:.1}", theirs.as_secs_f64() / ours.as_secs_f64())),
        None => ("-".to_owned(), "-".to_owned()),
    };
    println!("{name:<16} {operations:>6} {:>12.1} {other:>14} {times:>9}", micros(ours));
}

fn row(file: &Path, good: bool, theirs: &BTreeMap<PathBuf, (bool, u64)>) -> Row {
    let (model, format) = if file.extension().is_some_and(|found| found == "log") {
        (Model::Register, Format::JepsenLog)
    } else {
        (Model::Kv, Format::PorcupineKv)
    };
    let bytes = fs::read(file).expect("a readable file");
    let history = format::read(&bytes, format).unwrap_or_else(|wrong| panic!("{}: {wrong}", file.display()));
    let options = Options { failed_cas: FailedCas::Observed, memory: Some(1 << 30), ..Options::default() };
    let (ours, outcome) = least(|| check(&history, model, &options, &|| false));
    let said = match &outcome {
        Outcome::Ok(_) => true,
        Outcome::Violation(_) => false,
        Outcome::Unknown(budget) => panic!("{}: unknown: {budget:?}", file.display()),
    };
    assert_eq!(said, good, "{}: ours, then the published verdict", file.display());
    match verify(&history, model, &options, &outcome) {
        Ok(_) => {}
        Err(Refusal::Undecided(reason)) => println!("{}: not confirmed by the verifier: {reason}", file.display()),
        Err(Refusal::Wrong(reason)) => panic!("{}: {reason}", file.display()),
    }
    let theirs = theirs.get(file).map(|&(verdict, nanoseconds)| {
        assert_eq!(verdict, good, "{}: Porcupine's, then the published verdict", file.display());
        Duration::from_nanos(nanoseconds)
    });
    Row { file: file.to_owned(), operations: history.operations.len(), ours, theirs }
}

/// A part of it in a folder that is named, with its verdicts.
fn folder() -> Option<Corpus> {
    let root = PathBuf::from(std::env::var_os(FOLDER)?);
    let mut corpus = texts(&root.join("kv"));
    for line in fs::read_to_string(root.join("etcd/verdicts.txt")).ok()?.lines() {
        let (number, verdict) = line.split_once(' ')?;
        let number: u32 = number.parse().ok()?;
        corpus.insert(root.join(format!("etcd/etcd_{number:03}.log")), verdict.trim() == "true");
    }
    Some(corpus)
}

/// All of it, as the Go module carries it; its verdicts stand in the module's own tests.
fn module() -> Option<Corpus> {
    let root = porcupine::module()?;
    let tests = fs::read_to_string(root.join("porcupine_test.go")).ok()?;
    let mut corpus = texts(&root.join("test_data/kv"));
    for rest in tests.split("checkJepsen(t, ").skip(1) {
        let Some((number, rest)) = rest.split_once(", ") else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        corpus.insert(root.join(format!("test_data/jepsen/etcd_{number:03}.log")), rest.starts_with("true"));
    }
    corpus.retain(|file, _| file.is_file());
    Some(corpus)
}

/// The name says the verdict: `c10-ok.txt`, `c10-bad.txt`.
fn texts(folder: &Path) -> Corpus {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|found| found == "txt"));
    files.map(|file| (file.clone(), file.to_string_lossy().ends_with("-ok.txt"))).collect()
}
