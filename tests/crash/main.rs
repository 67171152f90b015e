//! The crash matrix: the runner dies at every record of its journal and around every call that changes the cluster, for
//! every kind of fault; then `undo`, from the cluster alone, makes the cluster what it was before the run. At the same
//! moments it is stopped, and it panics: then it ends by itself, says what it left, and has not passed for it.
//!
//! `cargo test --test crash` tries every seventh moment; `cargo test --test crash -- --all` tries all and prints the matrix.

#![expect(clippy::print_stdout, reason = "a program whose output is its result")]

mod cluster;
mod matrix;
mod mortal;
mod scenarios;

use std::process::ExitCode;

/// Panics that the matrix itself plants are no news; any other is shown as always.
fn quiet_about_planted_panics() {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref::<&str>() != Some(&"planted") {
            shown(info);
        }
    }));
}

fn main() -> ExitCode {
    quiet_about_planted_panics();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        println!("crash_matrix: test");
        return ExitCode::SUCCESS;
    }
    let all = arguments.iter().any(|argument| argument == "--all");
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let stride = if all { 1 } else { 7 };
    let mut failures = Vec::new();
    println!(
        "| fault | moments | died: clean after undo (before it) | stopped: clean (nothing left) | panicked: told, and clean (nothing left) |\n|---|---|---|---|---|"
    );
    for (name, text) in scenarios::ALL {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            let row = matrix::row(name, text, stride);
            println!("{}", row.line);
            failures.extend(row.failures);
        }
    }
    let switch = matrix::dead_mans_switch();
    println!("\nthe dead-man's switch: {}", switch.as_ref().map_or_else(String::as_str, String::as_str));
    failures.extend(switch.err());
    let broken = matrix::broken_cluster();
    println!("the embedded cluster broke: {}", broken.as_ref().map_or_else(String::as_str, String::as_str));
    failures.extend(broken.err());
    for failure in &failures {
        println!("FAILED {failure}");
    }
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
