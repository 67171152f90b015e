//! Security: what comes from a cluster is shown and never obeyed, secrets stay where they are, and parsers of foreign text
//! neither panic nor hang.

#![expect(clippy::disallowed_types, reason = "the fuzzer tells how long it took")]
#![expect(clippy::print_stdout, reason = "the fuzzer tells how much it tried")]

mod canaries;
mod fuzz;
mod hostile;
mod leaving;
mod strangers;

use std::path::Path;
use std::process::{Command, Output};

fn driftproof(folder: &Path, arguments: &[&str]) -> Output {
    let root = scenario("");
    let root = ["--manifest-root", root.as_str()];
    // The shipped scenarios share fixtures, and are called from elsewhere here.
    let takes_files = matches!(arguments.first(), Some(&("run" | "plan" | "validate")));
    Command::new(env!("CARGO_BIN_EXE_driftproof"))
        .current_dir(folder)
        .args(arguments)
        .args(root.iter().filter(|_| takes_files))
        .env("NO_COLOR", "1")
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("KUBECONFIG")
        .output()
        .expect("the command starts")
}

/// What a command said on both streams.
fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn scenario(name: &str) -> String {
    format!("{}/scenarios/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder, with its name.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let bytes = std::fs::read(&path).expect("readable");
            found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found
}
