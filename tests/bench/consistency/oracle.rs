//! Every claim of every model beside brute force by definition, and registers and texts beside Porcupine: as many random
//! histories as one likes.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use driftproof::consistency::differential::{Dice, Kind, random as of_kind};
use driftproof::consistency::format::{self, Format};
use driftproof::consistency::oracle::{SUBJECTS, agree, random};
use driftproof::consistency::{Completion, FailedCas, History, Model, Options, Outcome, Value, check};

use crate::porcupine;

/// Histories that one thread takes at once.
const BATCH: u64 = 10_000;
/// Files that Porcupine gets at most.
const FILES_MAX: u64 = 2_000;

pub(crate) fn measure(model: Option<&str>, histories: u64) {
    println!("every claim beside brute force by definition");
    for subject in SUBJECTS.into_iter().filter(|subject| model.is_none_or(|model| subject.model.name() == model)) {
        let start = Instant::now();
        let (next, broken, lacking) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let work = || {
            loop {
                let from = next.fetch_add(BATCH, Ordering::Relaxed);
                if from >= histories {
                    return;
                }
                let mut dice = Dice(from + 1);
                for _ in from..histories.min(from + BATCH) {
                    let (history, options) = random(&mut dice, subject);
                    let truth =
                        agree(&history, subject, &options).unwrap_or_else(|wrong| panic!("{subject:?}: {wrong}"));
                    broken.fetch_add(u64::from(truth.broken), Ordering::Relaxed);
                    lacking.fetch_add(u64::from(!truth.says_enough), Ordering::Relaxed);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        println!(
            "{:<15} {:<26}: {histories} histories, {} broken, {} say too little, 0 mismatches, {:.1} s",
            subject.model.name(),
            subject.claim_word(),
            broken.into_inner(),
            lacking.into_inner(),
            start.elapsed().as_secs_f64(),
        );
    }
    for searched in [Model::Register, Model::Kv].into_iter().filter(|one| model.is_none_or(|model| one.name() == model))
    {
        beside_porcupine(searched, histories.min(FILES_MAX));
    }
    println!();
}

fn beside_porcupine(model: Model, histories: u64) {
    let folder = std::env::temp_dir().join(format!("driftproof-oracle-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    let kind = Kind { failed_cas: FailedCas::Observed, ..Kind::of(model) };
    let (format, extension) =
        if model == Model::Kv { (Format::PorcupineKv, "txt") } else { (Format::JepsenLog, "log") };
    let mut dice = Dice(41);
    let mut ours: Vec<(PathBuf, bool)> = Vec::new();
    for number in 0..histories {
        let length = 1 + usize::try_from(dice.below(12)).unwrap_or(0);
        let clients = 1 + dice.below(5);
        let text = written(&of_kind(&mut dice, kind, length, clients), model);
        let history = format::read(text.as_bytes(), format).unwrap_or_else(|wrong| panic!("{wrong}:\n{text}"));
        let options = Options { failed_cas: FailedCas::Observed, ..Options::default() };
        let explained = match check(&history, model, &options, &|| false) {
            Outcome::Ok(_) => true,
            Outcome::Violation(_) => false,
            Outcome::Unknown(budget) => panic!("{budget:?}:\n{text}"),
        };
        let file = folder.join(format!("{number}.{extension}"));
        std::fs::write(&file, text).expect("a scratch file");
        ours.push((file, explained));
    }
    let files: Vec<PathBuf> = ours.iter().map(|(file, _)| file.clone()).collect();
    let theirs = porcupine::run(&files);
    let name = model.name();
    if theirs.is_empty() {
        println!("{name} beside Porcupine: skipped, no Go, or its module cannot be built");
    } else {
        for (file, explained) in &ours {
            let theirs = theirs.get(file).map(|(verdict, _)| *verdict);
            let text = std::fs::read_to_string(file).unwrap_or_default();
            assert_eq!(theirs, Some(*explained), "{name}, Porcupine's verdict and then ours:\n{text}");
        }
        let good = ours.iter().filter(|(_, explained)| *explained).count();
        println!("{name} beside Porcupine: {histories} histories, {good} can be explained, 0 mismatches");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// The log of Jepsen's etcd test, or Porcupine's text by key, that says the same; each operation is of a process of its own.
fn written(history: &History, model: Model) -> String {
    let mut lines = Vec::new();
    for (process, one) in history.operations.iter().enumerate() {
        let reads = matches!(&*one.function, "read" | "get");
        let mut line = |moment: u64, kind: &str, value: &Value| {
            let value = match value {
                Value::Text(text) => format!("\"{text}\""),
                other => other.to_string(),
            };
            let mut text = String::new();
            let _ = match model {
                Model::Kv => writeln!(
                    text,
                    "{{:process {process}, :type :{kind}, :f :{}, :key \"0\", :value {value}}}",
                    one.function
                ),
                _ => writeln!(text, "INFO  jepsen.util - {process}\t:{kind}\t:{}\t{value}", one.function),
            };
            lines.push((moment, text));
        };
        let empty = || if model == Model::Kv { Value::Text("".into()) } else { Value::Nil };
        line(one.call.at, "invoke", if reads { &Value::Nil } else { &one.input });
        if let (Completion::Ok | Completion::Fail, Some(end)) = (one.completion, one.end) {
            let said = if reads && one.output == Value::Nil { empty() } else { one.output.clone() };
            let kind = if one.completion == Completion::Ok { "ok" } else { "fail" };
            line(end.at, kind, if reads { &said } else { &one.input });
        }
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}
