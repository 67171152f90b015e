//! Errors of the TOML parser in words that help: where a key was written first, which quotes are meant, and that a file
//! is YAML or JSON, which scenarios are not. Adds to what the parser says, never hides a line that it refuses.

use std::ops::Range;

use super::codes::Code;
use super::diagnostic::Diagnostic;

/// Quotation marks of word processors, with what TOML wants.
const CURLY: [(char, char); 6] = [
    ('\u{201c}', '"'),
    ('\u{201d}', '"'),
    ('\u{201e}', '"'),
    ('\u{2018}', '\''),
    ('\u{2019}', '\''),
    ('\u{00ab}', '"'),
];

/// One diagnostic for each error; a single one for a file in another language.
pub(super) fn diagnostics(errors: &[toml::de::Error], text: &str) -> Vec<Diagnostic> {
    if errors.is_empty() {
        return Vec::new();
    }
    if let Some((language, span)) = other_language(text) {
        let message = format!("not TOML: this is {language}");
        let help =
            "scenarios are TOML: `name = \"web\"`, then tables such as [target] and [[fault]]; manifests are YAML";
        return vec![Diagnostic::new(Code::Syntax, span, message).help(help)];
    }
    let mut all: Vec<Diagnostic> = errors.iter().map(|error| one(error, text)).collect();
    // A table that is written twice has its keys twice, too: that is said by its header.
    if all.iter().any(|one| one.other.is_some()) {
        all.retain(|one| one.other.is_some() || !one.message.contains("duplicate"));
    }
    all
}

fn one(error: &toml::de::Error, text: &str) -> Diagnostic {
    // The parser's messages may have several lines: the first says what is wrong, the rest what was expected.
    let mut lines = error.message().lines();
    let message = lines.next().unwrap_or_default();
    let span = error.span().unwrap_or_default();
    let diagnostic = Diagnostic::new(Code::Syntax, span.clone(), format!("not TOML: {message}"));
    if let Some((curly, straight)) = curly_in_line(text, span.start) {
        return diagnostic.help(format!("replace `{curly}` by `{straight}`"));
    }
    let diagnostic = diagnostic.help(lines.collect::<Vec<_>>().join("; "));
    match first_use(text, &span).filter(|_| message.contains("duplicate")) {
        Some(first) => diagnostic.other(first, "first written here"),
        None => diagnostic,
    }
}

fn curly_in_line(text: &str, at: usize) -> Option<(char, char)> {
    let line = &text[line_of(text, at)];
    line.chars().find_map(|char| CURLY.into_iter().find(|(curly, _)| *curly == char))
}

/// The line around a byte, without its end.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
    start..end
}

/// Where a key or a table that is written twice stands for the first time: a key after the header of its table, a header
/// anywhere before.
fn first_use(text: &str, span: &Range<usize>) -> Option<Range<usize>> {
    let line = line_of(text, span.start);
    let written = text[line.clone()].trim();
    let before = lines(text).take_while(|(start, _)| *start < line.start);
    if written.starts_with('[') {
        let header = written.split(']').next();
        let mut same = before.filter(|(_, other)| other.trim().split(']').next() == header);
        return same.next().map(|(start, other)| trimmed(start, other));
    }
    let key = text.get(span.clone())?.trim();
    let is_header = |other: &str| other.trim_start().starts_with('[');
    let of_table: Vec<(usize, &str)> = before.collect();
    let from = of_table.iter().rposition(|(_, other)| is_header(other)).map_or(0, |header| header + 1);
    let (start, other) = of_table[from..].iter().find(|(_, other)| key_of(other).is_some_and(|other| other == key))?;
    let begin = start + other.find(key)?;
    Some(begin..begin + key.len())
}

fn key_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

fn trimmed(start: usize, line: &str) -> Range<usize> {
    let begin = start + (line.len() - line.trim_start().len());
    begin..begin + line.trim().len()
}

/// The language of a file whose first line that says something is not TOML but that of another one.
fn other_language(text: &str) -> Option<(&'static str, Range<usize>)> {
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let (start, line) = lines(text).find(|(_, line)| says(line))?;
    let first = line.trim();
    if first.starts_with('{') {
        return Some(("JSON", trimmed(start, line)));
    }
    let key = first.split_once(':').map(|(key, rest)| (key, rest.is_empty() || rest.starts_with(' ')));
    let is_key = |key: &str| {
        let plain = key.trim_matches(['"', '\'']);
        !plain.is_empty() && plain.chars().all(|char| char.is_ascii_alphanumeric() || "-_./".contains(char))
    };
    let yaml = first == "---" || first.starts_with("- ") || key.is_some_and(|(key, ends)| ends && is_key(key));
    yaml.then(|| ("YAML", trimmed(start, line)))
}
