//! What GitHub's workflow runner shows of a run: its summary page, and annotations at the scenarios' files. Side outputs:
//! nothing depends on them.

use std::fmt::Write;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::{env, io};

use driftproof::report::{self, Results, Row, Status};
use driftproof::verdict::Outcome;

use super::style::safe;

/// The runner shows ten of a step; more would only fill the log.
const ANNOTATIONS: usize = 50;

/// Appends the Markdown report to the summary page, when there is one.
///
/// # Errors
/// When it cannot be written.
pub(super) fn summary(results: &Results) -> Result<(), String> {
    let Some(file) = env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) else { return Ok(()) };
    let append = || -> io::Result<()> {
        let mut summary = OpenOptions::new().create(true).append(true).open(&file)?;
        io::Write::write_all(&mut summary, report::markdown(results).as_bytes())
    };
    append().map_err(|error| format!("GITHUB_STEP_SUMMARY {}: {error}", Path::new(&file).display()))
}

/// One line for each scenario that did not pass; empty elsewhere than on GitHub.
pub(super) fn annotations(results: &Results) -> String {
    if env::var_os("GITHUB_ACTIONS").is_none_or(|value| value != "true") {
        return String::new();
    }
    let root = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let told = |row: &&Row| !matches!(row.status(), Status::Pass | Status::NotRun);
    results.rows.iter().filter(told).take(ANNOTATIONS).map(|row| annotation(row, root.as_deref())).collect()
}

fn annotation(row: &Row, root: Option<&Path>) -> String {
    let mut text = String::from("::error ");
    if row.file != "-" && !row.file.is_empty() {
        let line = fs::read_to_string(&row.file).map_or(1, |text| line(row, &text));
        let _ = write!(text, "file={},line={line},", property(&below(&row.file, root)));
    }
    let _ = writeln!(
        text,
        "title={}::{}",
        property(&format!("{} {}", row.status().word(), row.name)),
        data(&safe(&message(row)))
    );
    text
}

/// Why, and what to change.
fn message(row: &Row) -> String {
    let Some(entry) = row.entry() else { return row.line().to_owned() };
    let knob = entry.verdict.objectives.iter().find(|one| one.outcome == entry.verdict.outcome && !one.knob.is_empty());
    knob.map_or_else(|| row.line().to_owned(), |one| format!("{}; knob: {}", row.line(), one.knob))
}

/// The line of the file that says what did not hold: the objective in `[expect]`, or the first fault.
fn line(row: &Row, text: &str) -> usize {
    let failed = row.entry().and_then(|entry| entry.verdict.objectives.iter().find(|one| one.outcome == Outcome::Fail));
    let lines = || text.lines().map(str::trim_start).enumerate();
    let after = |table: &str| lines().find(|(_, line)| line.starts_with(table)).map(|(index, _)| index);
    let Some(failed) = failed else { return after("[[fault]]").map_or(1, |index| index + 1) };
    let Some(expect) = after("[expect") else { return 1 };
    let key = failed.objective.split('.').next().unwrap_or_default();
    let is_key = |line: &str| line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.']));
    let found = lines().skip(expect + 1).take_while(|(_, line)| !line.starts_with("[[")).find(|(_, line)| is_key(line));
    found.map_or(expect, |(index, _)| index) + 1
}

/// A path as the runner wants it: below the root of the repository.
fn below(file: &str, root: Option<&Path>) -> String {
    let whole = fs::canonicalize(file).ok();
    let root = root.and_then(|root| fs::canonicalize(root).ok());
    let part = whole.zip(root).and_then(|(whole, root)| Some(whole.strip_prefix(root).ok()?.display().to_string()));
    part.unwrap_or_else(|| file.to_owned())
}

/// Text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Text of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use driftproof::report::{Failure, Fate};

    use super::*;

    #[test]
    fn an_annotation_is_one_command_whatever_is_in_it() {
        let failure = Failure { reason: "no, 100%: a::b\nmore".to_owned(), ..Failure::default() };
        let row = Row {
            name: "a,b".to_owned(),
            file: "no such/x,y.toml".to_owned(),
            seed: 1,
            again: String::new(),
            started: String::new(),
            took: None,
            fate: Fate::Error(failure),
        };
        assert_eq!(
            annotation(&row, None),
            "::error file=no such/x%2Cy.toml,line=1,title=ERROR a%2Cb::no, 100%25: a::b\n"
        );
    }
}
