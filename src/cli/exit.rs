//! Exit codes: documented constants that CI can rely on.

use std::process::ExitCode;

use driftproof::report::{Results, Row, Status};
use driftproof::verdict::Outcome;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Every scenario passed.
    Passed = 0,
    /// An objective failed.
    Failed = 1,
    /// Wrong usage or input; nothing was started.
    Usage = 2,
    /// It cannot be told, or the run was interrupted.
    Inconclusive = 3,
    /// Something could not be undone.
    Dirty = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit code of a run, that of its worst scenario: dirty beats fail beats inconclusive (also: an error, not run) beats
    /// pass. Errors alone mean that nothing was started; nothing at all is inconclusive.
    pub(super) fn of(results: &Results) -> Self {
        if results.rows.iter().any(|row| !row.dirty().is_empty()) {
            return Self::Dirty;
        }
        let untouched = |row: &Row| matches!(row.status(), Status::Error | Status::NotRun);
        if results.count(Status::Error) > 0 && results.rows.iter().all(untouched) {
            return Self::Usage;
        }
        match results.outcome() {
            Some(Outcome::Pass) => Self::Passed,
            Some(Outcome::Fail) => Self::Failed,
            Some(Outcome::Inconclusive) | None => Self::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use driftproof::report::{Failure, Fate};

    use super::*;

    /// A scenario without a verdict: an error, an error after it had begun, left dirty, or not run.
    fn row(what: &str) -> Row {
        let fate = match what {
            "not run" => Fate::NotRun { reason: what.to_owned() },
            _ => Fate::Error(Failure {
                reason: what.to_owned(),
                begun: what != "error",
                dirty: if what == "dirty" { vec!["node worker-1 is cordoned".to_owned()] } else { Vec::new() },
            }),
        };
        let (name, file, again, started) = (what.to_owned(), String::new(), String::new(), String::new());
        Row { name, file, seed: 1, again, started, took: None, fate }
    }

    #[test]
    fn only_errors_mean_that_nothing_was_started() {
        let exit = |rows: &[&str]| {
            Exit::of(&Results { rows: rows.iter().copied().map(row).collect(), ..Results::default() }) as u8
        };
        assert_eq!(exit(&["error"]), 2);
        assert_eq!(exit(&["error", "not run"]), 2);
        assert_eq!(exit(&["error", "begun"]), 3);
        assert_eq!(exit(&["not run"]), 3);
        assert_eq!(exit(&["error", "dirty", "not run"]), 4);
        assert_eq!(exit(&[]), 3);
    }
}
