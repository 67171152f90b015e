//! The commands that touch nothing: validate, schema, completions, man.

use std::io::{self, Write};

use clap_complete::Shell;
use driftproof::scenario;

use super::args::Files;
use super::exit::Exit;
use super::load::Rejected;
use super::style::Style;
use super::{fail, load};

/// `driftproof validate`.
pub(super) fn validate(files: &Files, style: Style) -> Exit {
    match load::load(files, style.diagnostics()) {
        Ok(loaded) => {
            for one in &loaded {
                println!(
                    "{}: ok ({}, {} objects in its fixtures)",
                    one.path.display(),
                    one.scenario.name,
                    one.manifests.len()
                );
                for warning in scenario::warnings(&one.scenario) {
                    eprintln!("{}: warning: {warning}", one.path.display());
                }
            }
            Exit::Passed
        }
        Err(rejected) => reject(&rejected),
    }
}

/// Prints what is wrong with the input. Nothing was started.
pub(super) fn reject(rejected: &Rejected) -> Exit {
    for message in &rejected.messages {
        eprintln!("{}", message.trim_end());
    }
    Exit::Usage
}

/// `driftproof schema`.
pub(super) fn schema() -> Exit {
    print(scenario::schema().as_bytes())
}

/// `driftproof completions`.
pub(super) fn completions(shell: Shell, command: &mut clap::Command) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, command, "driftproof", &mut script);
    print(&script)
}

/// `driftproof man`.
pub(super) fn man(command: clap::Command) -> Exit {
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).render(&mut page) {
        Ok(()) => print(&page),
        Err(error) => fail(&format!("manual page: {error}"), Exit::Usage),
    }
}

/// Writes to standard output; a reader that has gone away (`| head`) is no error.
pub(super) fn print(bytes: &[u8]) -> Exit {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            fail(&format!("standard output: {error}"), Exit::Usage)
        }
        _ => Exit::Passed,
    }
}

/// Asks a person; anything but a yes is a no.
pub(super) fn agreed(question: &str) -> bool {
    print!("{question} [y/N] ");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
