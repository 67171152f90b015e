//! What is wrong with a file, and where. Prints nothing itself.

/// The first place at which a file is not a history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}; {why}", place(*line, *column))]
pub struct ReadError {
    /// Line of the file, from 1; 0 where it is not the file that is wrong.
    pub line: u64,
    /// Column in bytes, from 1.
    pub column: u64,
    /// What is wrong there.
    pub what: String,
    /// Why that is wrong, or what to do about it.
    pub why: String,
}

fn place(line: u64, column: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}, column {column}: ") }
}

/// What is wrong, before it is known where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) what: String,
    pub(crate) why: String,
}

impl Wrong {
    pub(crate) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }

    /// With its place: the byte at `offset` of the text.
    pub(crate) fn at(self, text: &str, offset: usize) -> ReadError {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = 1 + before.split(|byte| *byte == b'\n').count().saturating_sub(1);
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        self.on(line as u64, column as u64)
    }

    /// With its line and column, both from 1.
    pub(crate) fn on(self, line: u64, column: u64) -> ReadError {
        ReadError { line, column, what: self.what, why: self.why }
    }
}

/// Text of a file in a message: short, and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String =
        text.chars().take(40).map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    format!("`{short}`")
}
