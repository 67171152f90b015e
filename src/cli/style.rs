//! How much is said, and in which colours: only where a terminal shows them.

use std::io::IsTerminal;
use std::time::Duration;

use driftproof::report::Status;
use driftproof::scenario::Colour;

use super::args::{Cli, When};

/// How output looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Whether standard output is coloured.
    pub(super) out: bool,
    /// Whether standard error is.
    pub(super) err: bool,
    /// Whether standard error is a terminal on which the cursor can be moved.
    pub(super) terminal: bool,
    /// How much is said.
    pub(super) level: Level,
}

/// How much is said of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// What did not pass, and the summary.
    Quiet,
    /// Also each scenario as it ends.
    Normal,
    /// Also every event.
    Events,
}

impl Style {
    pub(super) fn new(cli: &Cli) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        // Such a terminal shows control sequences as they are.
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let on = |terminal: bool| match cli.color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain && !dumb,
        };
        let terminal = std::io::stderr().is_terminal();
        let level = match (cli.quiet, cli.verbose) {
            (true, _) => Level::Quiet,
            (false, 0) => Level::Normal,
            (false, _) => Level::Events,
        };
        Self { out: on(std::io::stdout().is_terminal()), err: on(terminal), terminal: terminal && !dumb, level }
    }
}

impl Style {
    /// For the diagnostics of scenario files, which go to standard error.
    pub(super) const fn diagnostics(self) -> Colour {
        if self.err { Colour::Always } else { Colour::Never }
    }
}

/// The word of a row, padded, in its colour.
pub(super) fn status(status: Status, colour: bool) -> String {
    let word = format!("{:<12}", status.word());
    let code = match status {
        Status::Pass => "32",
        Status::Fail => "31",
        Status::Inconclusive => "33",
        Status::Error => "35",
        Status::NotRun => "2",
    };
    if colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word }
}

/// A time on the machine that runs: `0.042s`, `12.3s`, `7m12s`.
pub(super) fn seconds(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{:.3}s", took.as_secs_f64()),
        1..60 => format!("{:.1}s", took.as_secs_f64()),
        whole => format!("{}m{:02}s", whole / 60, whole % 60),
    }
}

/// Text from a cluster must not move the cursor or ring the bell.
pub(super) fn safe(text: &str) -> String {
    let moves = |character: char| {
        // Marks of direction make a line read as what it is not.
        character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|character| if moves(character) { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_a_cluster_are_shown_not_obeyed() {
        assert_eq!(safe("a\x1b[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(safe("ssap\u{202e}"), "ssap\u{fffd}");
    }

    #[test]
    fn a_status_is_coloured_only_when_asked() {
        assert_eq!(status(Status::Pass, false), "PASS        ");
        assert!(status(Status::Fail, true).starts_with("\x1b[1;31mFAIL"));
    }
}
