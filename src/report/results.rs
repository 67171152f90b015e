//! What became of every scenario that was selected: judged, an error, or not run. All reports are made from this. Judges
//! nothing itself: it only says what follows when there is no verdict.

use std::time::Duration;

use super::Entry;
use crate::verdict::Outcome;

/// One call of `driftproof run`: each selected scenario, in the order in which they were selected.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// When the run began, in the time of the machine that ran it (RFC 3339); empty when that is not known.
    pub started: String,
    /// How long it took there; `None` when that is not known. Simulated time is in the entries.
    pub took: Option<Duration>,
    /// The scenarios.
    pub rows: Vec<Row>,
}

/// One selected scenario.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name in tables, and of its folder below the run's; unique in a run.
    pub name: String,
    /// Its file as it was named on the command line; empty when that is not known.
    pub file: String,
    /// The seed of its choices.
    pub seed: u64,
    /// The command that runs it again; empty when that is not known.
    pub again: String,
    /// When it began, in the time of the machine that ran it (RFC 3339); empty when it did not, or when that is not known.
    pub started: String,
    /// How long it took on the machine that ran it; `None` when it did not run, or when that is not known.
    pub took: Option<Duration>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a scenario.
#[derive(Clone, Debug)]
pub enum Fate {
    /// It ran, and its evidence was judged.
    Judged(Box<Entry>),
    /// It could not be run, or what it left could not be judged.
    Error(Failure),
    /// It was not reached.
    NotRun {
        /// Why not, in one line.
        reason: String,
    },
}

/// Why there is no verdict for a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What failed, on what, and what to do. May have several lines.
    pub reason: String,
    /// Whether it had begun: then its outcome is inconclusive.
    pub begun: bool,
    /// What is left on the cluster.
    pub dirty: Vec<String>,
}

/// The word of a row; ordered, so that the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Every objective held.
    Pass,
    /// It was not reached.
    NotRun,
    /// It could not be run.
    Error,
    /// It cannot be told.
    Inconclusive,
    /// An objective did not hold.
    Fail,
}

impl Status {
    /// All of them, in the order in which people are told of them.
    pub const ALL: [Self; 5] = [Self::Pass, Self::Fail, Self::Inconclusive, Self::Error, Self::NotRun];

    /// `PASS`, `FAIL`, `INCONCLUSIVE`, `ERROR`, `NOT RUN`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => Outcome::Pass.word(),
            Self::Fail => Outcome::Fail.word(),
            Self::Inconclusive => Outcome::Inconclusive.word(),
            Self::Error => "ERROR",
            Self::NotRun => "NOT RUN",
        }
    }

    /// `pass`, `fail`, `inconclusive`, `error`, `not-run`: for machines.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::NotRun => "not-run",
        }
    }
}

impl From<Outcome> for Status {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Inconclusive => Self::Inconclusive,
            Outcome::Fail => Self::Fail,
        }
    }
}

impl Row {
    /// The row of an entry of which only the evidence is known.
    #[must_use]
    pub fn judged(entry: Entry) -> Self {
        Self {
            name: entry.name.clone(),
            file: String::new(),
            seed: entry.header.seed,
            again: entry.header.again.clone(),
            started: String::new(),
            took: None,
            fate: Fate::Judged(Box::new(entry)),
        }
    }

    /// Its word.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.fate {
            Fate::Judged(entry) => entry.verdict.outcome.into(),
            Fate::Error(failure) if failure.begun => Status::Inconclusive,
            Fate::Error(_) => Status::Error,
            Fate::NotRun { .. } => Status::NotRun,
        }
    }

    /// One line that says why: the verdict's, or why there is none.
    #[must_use]
    pub fn line(&self) -> &str {
        match &self.fate {
            Fate::Judged(entry) => &entry.verdict.line,
            Fate::Error(failure) => failure.reason.lines().next().unwrap_or_default(),
            Fate::NotRun { reason } => reason,
        }
    }

    /// What is left on the cluster.
    #[must_use]
    pub fn dirty(&self) -> &[String] {
        match &self.fate {
            Fate::Judged(entry) => &entry.verdict.dirty,
            Fate::Error(failure) => &failure.dirty,
            Fate::NotRun { .. } => &[],
        }
    }

    /// What was judged; `None` when nothing was.
    #[must_use]
    pub fn entry(&self) -> Option<&Entry> {
        match &self.fate {
            Fate::Judged(entry) => Some(entry),
            Fate::Error(_) | Fate::NotRun { .. } => None,
        }
    }
}

impl Results {
    /// Entries of which only the evidence is known.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        Self { rows: entries.into_iter().map(Row::judged).collect(), ..Self::default() }
    }

    /// What was judged.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.iter().filter_map(Row::entry)
    }

    /// How many rows have this word.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.rows.iter().filter(|row| row.status() == status).count()
    }

    /// The worst of all: a scenario that could not be run or was not reached makes the whole inconclusive. `None` when
    /// nothing was selected.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let outcome = |row: &Row| match row.status() {
            Status::Pass => Outcome::Pass,
            Status::Fail => Outcome::Fail,
            Status::Inconclusive | Status::Error | Status::NotRun => Outcome::Inconclusive,
        };
        self.rows.iter().map(outcome).max()
    }

    /// `3 passed, 1 failed, 1 inconclusive, 1 error, 4 not run`, leaving out what is zero.
    #[must_use]
    pub fn tally(&self) -> String {
        let part = |status: Status| {
            let count = self.count(status);
            let word = match status {
                Status::Pass => "passed",
                Status::Fail => "failed",
                Status::Inconclusive => "inconclusive",
                Status::Error if count == 1 => "error",
                Status::Error => "errors",
                Status::NotRun => "not run",
            };
            (count > 0).then(|| format!("{count} {word}"))
        };
        let parts: Vec<String> = Status::ALL.into_iter().filter_map(part).collect();
        if parts.is_empty() { "nothing was run".to_owned() } else { parts.join(", ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fate: Fate) -> Row {
        Row {
            name: "x".to_owned(),
            file: "x.toml".to_owned(),
            seed: 1,
            again: String::new(),
            started: String::new(),
            took: None,
            fate,
        }
    }

    fn error(begun: bool) -> Row {
        row(Fate::Error(Failure { reason: "no such store\nrun it elsewhere".to_owned(), begun, dirty: Vec::new() }))
    }

    #[test]
    fn a_scenario_without_a_verdict_never_lets_the_whole_pass() {
        let not_run = row(Fate::NotRun { reason: "--fail-fast".to_owned() });
        for rows in [vec![error(false)], vec![error(true)], vec![not_run.clone()]] {
            let results = Results { rows, ..Results::default() };
            assert_eq!(results.outcome(), Some(Outcome::Inconclusive), "{}", results.tally());
        }
        let results = Results { rows: vec![error(false), error(true), error(false), not_run], ..Results::default() };
        assert_eq!(results.tally(), "1 inconclusive, 2 errors, 1 not run");
        assert_eq!(Results::default().tally(), "nothing was run");
        assert_eq!(Results::default().outcome(), None);
    }

    #[test]
    fn the_line_of_an_error_is_its_first() {
        assert_eq!(error(false).line(), "no such store");
        assert_eq!((error(false).status(), error(true).status()), (Status::Error, Status::Inconclusive));
    }
}
