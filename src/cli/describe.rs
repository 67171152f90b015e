//! The commands that touch nothing: validate, schema, completions, man.

use std::fmt::Write;

use clap_complete::Shell;
use driftproof::{report, scenario};

use super::args::{Files, Schema};
use super::exit::Exit;
use super::load::Rejected;
use super::style::{Level, Style};
use super::{fail, load, print};

/// `driftproof validate`.
pub(super) fn validate(files: &Files, style: Style) -> Exit {
    match load::load(files, load::On::Embedded, style.diagnostics()) {
        Ok(loaded) => {
            let mut text = String::new();
            for one in loaded.iter().filter(|_| style.level != Level::Quiet) {
                let (file, name, objects) = (one.path.display(), &one.scenario.name, one.manifests.len());
                let _ = writeln!(text, "{file}: ok ({name}, {objects} objects in its fixtures)");
            }
            let _ = writeln!(text, "{} ok", loaded.len());
            print::out(&text);
            for one in &loaded {
                for warning in scenario::warnings(&one.scenario).iter().chain(&one.remarks) {
                    print::tell(&format!("{}: warning: {warning}", one.path.display()));
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
        print::tell(message.trim_end());
    }
    Exit::Usage
}

/// `driftproof schema`.
pub(super) fn schema(schema: &Schema) -> Exit {
    let text = if schema.report { report::json_schema() } else { scenario::schema() };
    product(text.as_bytes())
}

/// `driftproof completions`.
pub(super) fn completions(shell: Shell, whole: &clap::Command) -> Exit {
    // The generators offer hidden commands as well; nobody types those.
    let offered = whole.get_subcommands().filter(|command| !command.is_hide_set());
    let mut command =
        clap::Command::new("driftproof").args(whole.get_arguments().cloned()).subcommands(offered.cloned());
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "driftproof", &mut script);
    product(&script)
}

/// `driftproof man`: of the whole, or of one command.
pub(super) fn man(mut whole: clap::Command, name: Option<&str>) -> Exit {
    whole.build();
    let command = match name {
        None => whole,
        Some(name) => match whole.find_subcommand(name) {
            Some(command) => command.clone(),
            None => return fail(&format!("there is no command {name}; driftproof --help lists them"), Exit::Usage),
        },
    };
    let mut page = Vec::new();
    match clap_mangen::Man::new(command).render(&mut page) {
        Ok(()) => product(&page),
        Err(error) => fail(&format!("manual page: {error}"), Exit::Usage),
    }
}

/// Prints what is made for other programs. A full disk is told: half of it must not be taken for all of it.
pub(super) fn product(bytes: &[u8]) -> Exit {
    print::product(bytes).map_or_else(|message| fail(&message, Exit::Usage), |()| Exit::Passed)
}

/// Asks a person; anything but a yes is a no.
pub(super) fn agreed(question: &str) -> bool {
    print::out(&format!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
