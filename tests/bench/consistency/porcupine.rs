//! Porcupine as an ordinary Go module: built once, run over the same files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where its little program is.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/porcupine")
}

/// The module's own folder, with its test data; none without Go or without the module.
pub(crate) fn module() -> Option<PathBuf> {
    let arguments = ["list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine"];
    let fetched = Command::new("go").args(["mod", "download"]).current_dir(folder()).status().ok()?;
    let output = Command::new("go").args(arguments).current_dir(folder()).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (fetched.success() && output.status.success() && path.is_dir()).then_some(path)
}

/// Verdict and nanoseconds by file; empty when it cannot be run.
pub(crate) fn run(files: &[PathBuf]) -> BTreeMap<PathBuf, (bool, u64)> {
    let program = std::env::temp_dir().join(format!("driftproof-porcupine-{}", std::process::id()));
    let built = Command::new("go").args(["build", "-o"]).arg(&program).arg(".").current_dir(folder()).status();
    if !built.is_ok_and(|status| status.success()) {
        return BTreeMap::new();
    }
    let output = Command::new(&program).args(files).output();
    let _ = std::fs::remove_file(&program);
    let Ok(output) = output else { return BTreeMap::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        let file = PathBuf::from(value["file"].as_str()?);
        Some((file, (value["ok"].as_bool()?, value["ns"].as_u64()?)))
    };
    text.lines().filter_map(line).collect()
}
