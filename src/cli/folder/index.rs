//! `run.json`: every scenario that was selected, and what became of it. Written before the first one starts and again at the
//! end, so that reports that are made again, also those of a run that was killed, know of those without evidence.

use std::fs;
use std::path::Path;
use std::time::Duration;

use driftproof::report::{Failure, Fate, Results, Row};
use serde::{Deserialize, Serialize};

use super::files::replace;

/// The name of the file.
pub(super) const FILE: &str = "run.json";
/// The version of the format; grows with every change that breaks a reader.
const VERSION: u32 = 1;

/// What `run.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Index {
    version: u32,
    tool: String,
    /// RFC 3339.
    pub(in crate::cli) started: String,
    /// Seconds; none while it runs, and when it was killed.
    took_seconds: Option<f64>,
    /// In the order in which they were selected.
    pub(in crate::cli) scenarios: Vec<Kept>,
}

/// One scenario.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::cli) struct Kept {
    /// Its name, also that of its folder.
    name: String,
    file: String,
    seed: u64,
    again: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    started: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took_seconds: Option<f64>,
    fate: Word,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    reason: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dirty: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// The run has not ended, or was killed: what became of it is to be seen from its evidence.
    #[default]
    Open,
    Judged,
    Error,
    /// An error after it had begun.
    Broken,
    NotRun,
}

impl Index {
    /// Of a run that begins.
    pub(in crate::cli) fn begun(started: String, scenarios: Vec<Kept>) -> Self {
        Self { version: VERSION, tool: tool(), started, took_seconds: None, scenarios }
    }

    /// Of a run that has ended.
    pub(in crate::cli) fn ended(results: &Results) -> Self {
        Self {
            version: VERSION,
            tool: tool(),
            started: results.started.clone(),
            took_seconds: results.took.map(|took| took.as_secs_f64()),
            scenarios: results.rows.iter().map(kept).collect(),
        }
    }

    /// Reads the index of a run's folder; `None` when there is none, as in folders of earlier versions.
    ///
    /// # Errors
    /// When it cannot be read, or names what is no folder of a scenario.
    pub(in crate::cli) fn read(folder: &Path) -> Result<Option<Self>, String> {
        let file = folder.join(FILE);
        let wrong = |error: String| format!("{}: {error}", file.display());
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(|error| wrong(error.to_string()))?,
        };
        let index: Self = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        if index.version > VERSION {
            return Err(wrong(format!("format version {}, this driftproof reads up to {VERSION}", index.version)));
        }
        match index.scenarios.iter().find(|kept| !is_plain(&kept.name)) {
            Some(kept) => Err(wrong(format!("`{}` is no name of a folder in it", kept.name))),
            None => Ok(Some(index)),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), String> {
        let file = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string());
        text.and_then(|text| replace(&file, (text + "\n").as_bytes()).map_err(|error| error.to_string()))
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    /// How long the run took.
    pub(in crate::cli) fn took(&self) -> Option<Duration> {
        self.took_seconds.and_then(seconds)
    }
}

impl Kept {
    /// A scenario that is selected and of which nothing has come yet.
    pub(in crate::cli) fn selected(name: &str, file: String, seed: u64, again: &str) -> Self {
        Self { name: name.to_owned(), file, seed, again: again.to_owned(), ..Self::default() }
    }

    /// The row of a scenario. `judge` judges its evidence; `None` when it has none.
    pub(in crate::cli) fn row(self, judge: impl FnOnce(&str) -> Option<Fate>) -> Row {
        let failure = |begun| Fate::Error(Failure { reason: self.reason.clone(), begun, dirty: self.dirty.clone() });
        let fate = match self.fate {
            Word::Open => judge(&self.name).unwrap_or_else(|| Fate::NotRun {
                reason: "the run ended before it was reached: it was killed, or still runs".to_owned(),
            }),
            Word::Judged => judge(&self.name).unwrap_or_else(|| {
                Fate::Error(Failure {
                    reason: "its evidence is missing".to_owned(),
                    begun: true,
                    dirty: self.dirty.clone(),
                })
            }),
            Word::Error => failure(false),
            Word::Broken => failure(true),
            Word::NotRun => Fate::NotRun { reason: self.reason.clone() },
        };
        Row {
            name: self.name,
            file: self.file,
            seed: self.seed,
            again: self.again,
            started: self.started,
            took: self.took_seconds.and_then(seconds),
            fate,
        }
    }
}

fn kept(row: &Row) -> Kept {
    let (fate, reason) = match &row.fate {
        Fate::Judged(_) => (Word::Judged, ""),
        Fate::Error(failure) if failure.begun => (Word::Broken, failure.reason.as_str()),
        Fate::Error(failure) => (Word::Error, failure.reason.as_str()),
        Fate::NotRun { reason } => (Word::NotRun, reason.as_str()),
    };
    Kept {
        name: row.name.clone(),
        file: row.file.clone(),
        seed: row.seed,
        again: row.again.clone(),
        started: row.started.clone(),
        took_seconds: row.took.map(|took| took.as_secs_f64()),
        fate,
        reason: reason.to_owned(),
        dirty: row.dirty().to_vec(),
    }
}

fn tool() -> String {
    concat!("driftproof ", env!("CARGO_PKG_VERSION")).to_owned()
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok()
}

/// Whether a name leads nowhere but to an entry of the folder itself.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name().is_some_and(|last| last == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_scenario_is_read_as_it_was_written() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        assert_eq!(Index::read(scratch.path()), Ok(None));
        let row = |name: &str, fate| Row {
            name: name.to_owned(),
            file: "x.toml".to_owned(),
            seed: 7,
            again: "again".to_owned(),
            started: String::new(),
            took: Some(Duration::from_millis(123)),
            fate,
        };
        let broken = Failure { reason: "a\nb".to_owned(), begun: true, dirty: vec!["left".to_owned()] };
        let results = Results {
            started: "2026-01-01T00:00:00Z".to_owned(),
            took: Some(Duration::from_millis(1_234)),
            rows: vec![row("a", Fate::Error(broken)), row("b", Fate::NotRun { reason: "why".to_owned() })],
        };
        Index::ended(&results).write(scratch.path()).expect("written");
        let read = Index::read(scratch.path()).expect("readable").expect("there");
        assert_eq!(read.took(), results.took);
        let rows: Vec<Row> = read.scenarios.into_iter().map(|kept| kept.row(|_| None)).collect();
        assert_eq!(format!("{rows:?}"), format!("{:?}", results.rows));
    }

    #[test]
    fn an_index_leads_nowhere_else() {
        let scratch = tempfile::tempdir().expect("scratch folder");
        for name in ["..", "a/b", "/etc", ""] {
            let kept = Kept { name: name.to_owned(), ..Kept::default() };
            Index::begun(String::new(), vec![kept]).write(scratch.path()).expect("written");
            let refused = Index::read(scratch.path()).expect_err(name);
            assert!(refused.contains("no name of a folder"), "{refused}");
        }
    }
}
