//! Colours, only where a terminal shows them.

use std::io::IsTerminal;

use driftproof::report::Status;
use driftproof::scenario::Colour;

use super::args::When;

/// Whether output is coloured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Standard output.
    pub(super) out: bool,
    /// Standard error.
    pub(super) err: bool,
}

impl Style {
    pub(super) fn new(when: When) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let on = |terminal: bool| match when {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !plain,
        };
        Self { out: on(std::io::stdout().is_terminal()), err: on(std::io::stderr().is_terminal()) }
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
