//! `report.json` against its committed schema, and `report.html` as somebody meets it who was sent the one file.

mod page;
mod schema;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use driftproof::report::{Failure, Fate, Results, Row};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the reports of scenarios that pass, fail and are inconclusive; one has text that looks like markup.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = FOLDER.get_or_init(|| {
        let scratch = tempfile::tempdir().expect("scratch folder");
        let hostile = scratch.path().join("hostile.toml");
        fs::write(&hostile, hostile_scenario()).expect("written");
        let path = scratch.path().join("out");
        let output = Command::new(env!("CARGO_BIN_EXE_driftproof"))
            .current_dir(root())
            .args(["run", "scenarios/pod-kill-one.toml", "scenarios/db-linearizable.toml", "scenarios/db-drained.toml"])
            .args(["scenarios/anti-patterns/single-replica.toml", "scenarios/anti-patterns/no-match.toml"])
            .args(["scenarios/anti-patterns/hostpath-left-behind.toml"])
            .arg(&hostile)
            .arg("--report-dir")
            .arg(&path)
            .env_remove("GITHUB_STEP_SUMMARY")
            .output()
            .expect("the command starts");
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
        (scratch, path)
    });
    path
}

fn hostile_scenario() -> String {
    let fixture = fs::read_to_string(root().join("scenarios/pod-kill-one.toml")).expect("a shipped scenario");
    let manifests = format!("\"{}/scenarios/fixtures/", root().display());
    let text = fixture.replace("\"fixtures/", &manifests).replace("name = \"pod-kill-one\"", "name = \"hostile\"");
    let described = "description = '</style><script>alert(1)</script><img src=x onerror=\"alert(2)\"> & more'";
    let lines = text.lines().map(|line| if line.starts_with("description") { described } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Rows without a verdict, and names that no file should have.
fn without_verdicts() -> Results {
    let row = |name: &str, fate| Row {
        name: name.to_owned(),
        file: format!("{name}.toml"),
        seed: 3,
        again: format!("driftproof run '{name}.toml' --seed 3"),
        started: String::new(),
        took: None,
        fate,
    };
    let error = |reason: &str, begun| Fate::Error(Failure { reason: reason.to_owned(), begun, dirty: Vec::new() });
    Results {
        rows: vec![
            row("later", Fate::NotRun { reason: "--fail-fast: no-right did not pass".to_owned() }),
            row("no-right", error("patch of nodes is forbidden\nthe role that has it: driftproof rbac", false)),
            row("a <b> & \"c\"", error("the disk is full", true)),
        ],
        ..Results::default()
    }
}
