//! What an earlier run left in a folder that is used again: removed, and nothing else. Follows no link. A journal that may
//! still be needed to undo something is never touched.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use driftproof::evidence::{Event, Evidence, Life, WorldName};

use super::files::{exists, is_file, is_folder};
use super::{EVIDENCE, REPORTS, Written, index};

/// How the reports of a run begin, or what is found early in them.
const MARKS: [(&str, &str); 6] = [
    (index::FILE, "\"tool\": \"driftproof "),
    ("report.json", "\"tool\": \"driftproof "),
    ("series.json", "\"scenarios\":"),
    ("junit.xml", "<testsuites name=\"driftproof\""),
    ("report.md", "Driftproof"),
    ("report.html", "<title>Driftproof: "),
];
/// What the first line of the evidence of a live run has.
const LIVE: &str = "\"world\":{\"kind\":\"live\"";
/// So much of a file is looked at.
const HEAD: usize = 4096;

/// Makes room for a run.
///
/// # Errors
/// When something stands in its way that is not an earlier run's, or that must stay; nothing was removed then.
pub(super) fn clear(folder: &Path, names: &[&str]) -> Result<(), String> {
    let told = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    let mut scenarios = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| told(folder, error))? {
        let path = entry.map_err(|error| told(folder, error))?.path();
        if is_folder(&path) && is_scenario(&path) {
            needed(&path.join(EVIDENCE)).map_or(Ok(()), Err)?;
            scenarios.push(path);
        }
    }
    for name in names {
        let path = folder.join(name);
        if exists(&path) && !is_folder(&path) {
            return Err(foreign(&path));
        }
        if !scenarios.contains(&path) && exists(&path.join(EVIDENCE)) {
            return Err(foreign(&path.join(EVIDENCE)));
        }
    }
    for (name, mark) in MARKS {
        let path = folder.join(name);
        if exists(&path) && !is_marked(&path, mark) {
            return Err(foreign(&path));
        }
    }
    remove(folder, &scenarios)
}

fn foreign(path: &Path) -> String {
    format!("{}: not of an earlier run: move it away, or choose another place with --report-dir", path.display())
}

fn remove(folder: &Path, scenarios: &[PathBuf]) -> Result<(), String> {
    for scenario in scenarios {
        remove_files(scenario, is_of_a_scenario)?;
        // Not when something else is in it.
        let _ = fs::remove_dir(scenario);
    }
    remove_files(folder, is_of_a_run)
}

/// Removes the files, and the links that took their names, that a run writes.
fn remove_files(folder: &Path, is_ours: fn(&str) -> bool) -> Result<(), String> {
    let told = |path: &Path, error: io::Error| format!("{}: {error}", path.display());
    for entry in fs::read_dir(folder).map_err(|error| told(folder, error))? {
        let path = entry.map_err(|error| told(folder, error))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if is_ours(&name) && !is_folder(&path) {
            fs::remove_file(&path).map_err(|error| told(&path, error))?;
        }
    }
    Ok(())
}

fn is_of_a_run(name: &str) -> bool {
    name == index::FILE || REPORTS.contains(&name)
}

/// Also the reports of one scenario, from `driftproof report RUN/SCENARIO`.
fn is_of_a_scenario(name: &str) -> bool {
    name == EVIDENCE || is_of_a_run(name) || (name.starts_with("history-") && name.contains(".jsonl"))
}

/// Whether a run has left its evidence here. An empty file is the trace of one that was killed at once.
fn is_scenario(folder: &Path) -> bool {
    let file = folder.join(EVIDENCE);
    is_file(&file) && head(&file).is_some_and(|head| head.is_empty() || head.contains("\"type\":\"header\""))
}

fn is_marked(file: &Path, mark: &str) -> bool {
    is_file(file) && head(file).is_some_and(|head| head.is_empty() || head.contains(mark))
}

/// The first bytes of a file.
fn head(file: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).ok()?;
    io::Read::read_to_end(&mut io::Read::take(opened, HEAD as u64), &mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Why a journal must stay: a live run that did something and does not say that everything was taken back.
fn needed(file: &Path) -> Option<String> {
    if !head(file)?.contains(LIVE) {
        return None;
    }
    let read = fs::read_to_string(file).map_err(|error| error.to_string());
    let read = read.and_then(|text| Evidence::read(&text).map_err(|error| error.to_string()));
    let (path, file, or) = (file, file.display(), "or choose another place with --report-dir");
    let evidence = match read {
        Ok(evidence) => match Written::beside(path).digest(path, &evidence.header) {
            Some(known) => evidence.known_as(known),
            None => evidence,
        },
        Err(error) => {
            return Some(format!("{file}: the journal of a run on a live cluster cannot be read: {error}; {or}"));
        }
    };
    let WorldName::Live { context, .. } = &evidence.header.world else { return None };
    let did = |event: &Event| match event {
        Event::Creating { .. } => true,
        Event::Fault(fault) => matches!(fault.life, Life::Intent { .. }),
        _ => false,
    };
    let clean = |event: &Event| matches!(event, Event::End(end) if end.dirty.is_empty());
    let ended = evidence.records.last().is_some_and(|record| clean(&record.event));
    // Of what was edited nobody knows what the run did.
    let did = evidence.is_edited() || evidence.records.iter().any(|record| did(&record.event));
    if ended || !did {
        return None;
    }
    let run = &evidence.header.run;
    Some(format!(
        "{file}: the journal of a run that may have left something on {context}: take it back with\n  driftproof undo --context {context} --run {run}\nthen delete {file}, {or}"
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn header(world: &str) -> String {
        let scenario = r#"{"name":"web","target":{"namespace":"shop","workload":"deployment/web"},"fault":[]}"#;
        format!(
            r#"{{"i":0,"t":0,"type":"header","version":1,"tool":"driftproof","run":"r1","world":{world},"seed":1,"started":"2026-01-01T00:00:00Z","again":"again","scenario":{scenario}}}"#
        )
    }

    #[test]
    fn what_a_run_left_goes_and_everything_else_stays() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let (run, outside) = (scratch.path().join("run"), scratch.path().join("outside"));
        for folder in ["run/web", "run/notes", "run/db", "outside"] {
            fs::create_dir_all(scratch.path().join(folder)).expect("created");
        }
        let files = [
            ("run/web/evidence.jsonl", header(r#"{"kind":"embedded"}"#)),
            ("run/web/history-0.jsonl", "{}".to_owned()),
            ("run/db/evidence.jsonl", String::new()),
            ("run/db/mine.txt", "keep".to_owned()),
            ("run/notes/evidence.jsonl", "my own notes".to_owned()),
            ("run/report.md", "## Driftproof: 1 passed".to_owned()),
            ("run/run.json", "{\n  \"version\": 1,\n  \"tool\": \"driftproof 0.1.0\"}".to_owned()),
            ("outside/evidence.jsonl", header(r#"{"kind":"embedded"}"#)),
        ];
        for (name, content) in files {
            fs::write(scratch.path().join(name), content).expect("written");
        }
        symlink(&outside, run.join("linked")).expect("linked");
        clear(&run, &["web", "db"]).expect("cleared");
        let stays = ["run/db/mine.txt", "run/notes/evidence.jsonl", "run/linked", "outside/evidence.jsonl"];
        for name in stays {
            assert!(exists(&scratch.path().join(name)), "{name} is gone");
        }
        for name in ["run/web", "run/db/evidence.jsonl", "run/report.md", "run/run.json"] {
            assert!(!exists(&scratch.path().join(name)), "{name} is still there");
        }
    }

    #[test]
    fn what_would_be_overwritten_and_is_not_ours_is_refused_before_anything_is_removed() {
        for (name, content) in [("report.html", "<title>My report"), ("web/evidence.jsonl", "mine"), ("db", "a file")] {
            let scratch = tempfile::tempdir().expect("scratch folder");
            for folder in ["web", "old"] {
                fs::create_dir_all(scratch.path().join(folder)).expect("created");
            }
            let old = scratch.path().join("old/evidence.jsonl");
            fs::write(&old, header(r#"{"kind":"embedded"}"#)).expect("written");
            fs::write(scratch.path().join(name), content).expect("written");
            let refused = clear(scratch.path(), &["web", "db"]).expect_err(name);
            assert!(refused.contains("not of an earlier run"), "{refused}");
            assert!(old.is_file() && fs::read_to_string(scratch.path().join(name)).expect("there") == content);
        }
    }

    #[test]
    fn a_journal_that_may_still_be_needed_stays_and_names_the_command() {
        let creating = r#"{"i":1,"t":1,"type":"creating","undo":{"undo":"uncordon","node":"w1"}}"#;
        let end =
            |dirty: &str| format!(r#"{{"i":2,"t":2,"type":"end","how":{{"ending":"completed"}},"dirty":[{dirty}]}}"#);
        let live = header(r#"{"kind":"live","context":"staging","version":"v1"}"#);
        let cases = [
            (format!("{live}\n{creating}\n"), false),
            (format!("{live}\n{creating}\n{}\n", end("\"w1 is cordoned\"")), false),
            (format!("{live}\n{creating}\n{}\n", end("")), true),
            (format!("{live}\n"), true),
            (format!("{}\n", live.replace("\"version\":1,\"tool\"", "\"version\":2,\"tool\"")), false),
            (format!("{}\n{creating}\n", header(r#"{"kind":"embedded"}"#)), true),
        ];
        for (text, goes) in cases {
            let scratch = tempfile::tempdir().expect("scratch folder");
            fs::create_dir(scratch.path().join("web")).expect("created");
            let file = scratch.path().join("web").join(EVIDENCE);
            fs::write(&file, &text).expect("written");
            assert!(Evidence::read(&text).is_ok(), "{:?}", Evidence::read(&text).err());
            match clear(scratch.path(), &["web"]) {
                Ok(()) => assert!(goes && !file.exists(), "{text}"),
                Err(refused) => {
                    assert!(!goes && file.exists(), "{refused}");
                    assert!(refused.contains("driftproof undo --context staging --run r1"), "{refused}");
                }
            }
        }
    }
}
