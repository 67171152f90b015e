//! Every shipped scenario and anti-pattern has its verdict and its one-line reason held, as the command prints them.
//! `UPDATE_EXPECTED=1 cargo test --test scenarios` writes the lines anew; read the difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

struct Run {
    code: i32,
    results: Vec<String>,
}

/// Runs a folder of scenarios; the results are the lines of the final table.
fn run(folder: &str, report: &Path, more: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_driftproof"))
        .current_dir(root())
        .args(["run", folder, "--report-dir"])
        .arg(report)
        .args(more)
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .expect("the command starts");
    let text = fs::read_to_string(report.join("report.json")).expect("written");
    let written: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let line = |one: &serde_json::Value| {
        let word = |key: &str| one[key].as_str().expect("a text");
        format!("{:<12} {:<27} {}", word("outcome").to_uppercase(), word("name"), word("reason"))
    };
    let results = written["scenarios"].as_array().expect("a list").iter().map(line).collect();
    Run { code: output.status.code().expect("not killed"), results }
}

fn check(expected: &str, actual: &[String]) {
    let file = root().join("tests").join(expected);
    let actual = actual.join("\n") + "\n";
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, actual).expect("writable");
        return;
    }
    let wanted = fs::read_to_string(&file).expect("the expected lines are committed");
    assert!(wanted == actual, "expected ({expected}):\n{wanted}\nactual:\n{actual}");
}

#[test]
fn the_shipped_scenarios_pass() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let run = run("scenarios", folder.path(), &[]);
    check("scenarios.expected", &run.results);
    assert_eq!(run.code, 0);
}

#[test]
fn the_anti_patterns_end_as_their_lesson_says() {
    let folder = tempfile::tempdir().expect("scratch folder");
    let run = run("scenarios/anti-patterns", folder.path(), &[]);
    check("anti-patterns.expected", &run.results);
    assert_eq!(run.code, 1, "the worst of them fails");
}

#[test]
fn the_same_seed_gives_the_same_evidence_in_another_process() {
    let (one, other) = (tempfile::tempdir().expect("scratch"), tempfile::tempdir().expect("scratch"));
    for (folder, jobs) in [(&one, "1"), (&other, "2")] {
        run("scenarios", folder.path(), &["--seed", "7", "--jobs", jobs]);
    }
    let (mut compared, mut histories) = (0, 0);
    for entry in fs::read_dir(one.path()).expect("readable") {
        let name = entry.expect("readable").file_name();
        for kind in ["evidence.jsonl", "history-0.jsonl"] {
            let file = |folder: &tempfile::TempDir| folder.path().join(&name).join(kind);
            if file(&one).is_file() {
                let (a, b) = (fs::read(file(&one)).expect("readable"), fs::read(file(&other)).expect("readable"));
                assert!(a == b, "{kind} of {} differs between two runs", name.display());
                compared += 1;
                histories += usize::from(kind != "evidence.jsonl");
            }
        }
    }
    assert!(compared >= 10 && histories > 0, "only {compared} files were compared, {histories} of them histories");
    // The other reports say when and how long this machine ran.
    let read = |folder: &tempfile::TempDir| fs::read(folder.path().join("series.json")).expect("written");
    assert!(read(&one) == read(&other), "series.json differs between two runs");
}

#[test]
fn another_seed_makes_other_choices() {
    let (one, other) = (tempfile::tempdir().expect("scratch"), tempfile::tempdir().expect("scratch"));
    let victims = |folder: &tempfile::TempDir, seed: &str| {
        run("scenarios/pod-kill-half.toml", folder.path(), &["--seed", seed]);
        let report = fs::read_to_string(folder.path().join("report.json")).expect("written");
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        report["scenarios"][0]["run"]["faults"].clone()
    };
    assert_ne!(victims(&one, "1"), victims(&other, "2"));
}
