//! Never a false pass: runs against an API server that sheds load, hangs, lies about conflicts, forgets, goes away or
//! forbids in the middle. Whatever it does, no run passes that would not pass without it, none leaves anything without
//! saying so, none hangs and none panics.
//!
//! `cargo test --test hostile` is the short form; `cargo test --release --test hostile -- --schedules 5000` the long one;
//! `-- --schedule N [WORD]` repeats one schedule on the scenarios whose name has the word.
//! `-- --context NAME --kubeconfig FILE [--agent-image IMAGE] --schedules N` is a sample on a real cluster (of the testbed).

#![expect(clippy::disallowed_types, reason = "a campaign tells how long it took")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program whose output is its result")]

mod campaign;
#[expect(dead_code, reason = "the crash matrix asks for more")]
#[path = "../crash/cluster.rs"]
mod cluster;
#[expect(dead_code, reason = "the crash matrix has scenarios of its own")]
#[path = "../crash/scenarios.rs"]
mod fixture;
mod late;
mod layer;
mod lies;
mod mutations;
mod real;
mod rows;
mod stream;
mod table;
mod trouble;

use std::process::ExitCode;

/// Schedules of the short form.
const SHORT: u64 = 160;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        println!("hostile: test");
        return ExitCode::SUCCESS;
    }
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)?.parse::<u64>().ok()
    };
    let word = arguments.iter().rev().find(|word| !word.starts_with('-') && word.parse::<u64>().is_err());
    let word = word.map(String::as_str).unwrap_or_default();
    let schedules = match (value("--schedule"), value("--schedules")) {
        (Some(one), _) => one..one + 1,
        (None, Some(all)) => 0..all,
        (None, None) => 0..SHORT,
    };
    if let Some(place) = place(&arguments) {
        let wrong = real::campaign(&place, schedules);
        return if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let one = value("--schedule").is_some();
    let mut unnoticed = if one { Vec::new() } else { lies::controls() };
    if !one {
        unnoticed.extend(mutations::mutations());
        unnoticed.extend(late::lists());
    }
    for one in &unnoticed {
        println!("FAILED {one}");
    }
    let wrong = table::campaign(schedules, word, one);
    if wrong == 0 && unnoticed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The real cluster that is asked for.
fn place(arguments: &[String]) -> Option<real::Place> {
    let value = |name: &str| arguments.get(arguments.iter().position(|argument| argument == name)? + 1).cloned();
    Some(real::Place {
        context: value("--context")?,
        kubeconfig: value("--kubeconfig").unwrap_or_default().into(),
        agent_image: value("--agent-image").unwrap_or_else(|| "driftproof:test".to_owned()),
    })
}
