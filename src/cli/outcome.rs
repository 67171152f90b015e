//! One scenario from its execution to what became of it. Whatever goes wrong on the way, a panic included, is its own error
//! and nobody else's.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use driftproof::evidence::End;
use driftproof::report::{Entry, Failure, Fate};

use super::execute;
use super::guarded::guarded;

/// The parts of a scenario's run.
pub(super) struct Parts<E, J, C> {
    /// Runs it and returns its evidence. Sets the flag when anything may have been touched.
    pub(super) execute: E,
    /// Judges the evidence.
    pub(super) judge: J,
    /// How the run said that it ended, if it came so far.
    pub(super) ended: C,
    /// What is to be done about a run that did not come to its end: how its traces are taken back. Empty where none can be
    /// left.
    pub(super) undo: String,
}

impl<E, J, C> Parts<E, J, C>
where
    E: FnOnce(&AtomicBool) -> Result<PathBuf, execute::Failure>,
    J: FnOnce(&Path) -> Result<Entry, String>,
    C: FnOnce() -> Option<End>,
{
    /// Runs and judges it.
    pub(super) fn fate(self) -> Fate {
        let begun = AtomicBool::new(false);
        let executed = guarded(|| (self.execute)(&begun));
        let begun = begun.load(Ordering::SeqCst);
        let end = (self.ended)();
        let dirty = end.as_ref().map(|end| end.dirty.clone()).unwrap_or_default();
        let error = |reason, begun, dirty| Fate::Error(Failure { reason, begun, dirty });
        let file = match executed {
            Ok(Ok(file)) => file,
            Ok(Err(execute::Failure::NotStarted(reason))) => return error(reason, false, dirty),
            Ok(Err(execute::Failure::Local(reason))) => return error(reason, begun, dirty),
            Err(panicked) => {
                let lost = begun && end.is_none() && !self.undo.is_empty();
                let left = if lost { vec![format!("the run did not come to its end{}", self.undo)] } else { dirty };
                return error(panicked, begun, left);
            }
        };
        match guarded(|| (self.judge)(&file)) {
            Ok(Ok(entry)) => Fate::Judged(Box::new(entry)),
            Ok(Err(reason)) | Err(reason) => {
                error(format!("{reason}; judge it again with driftproof verdict"), true, dirty)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use driftproof::evidence::Ending;
    use driftproof::report::{Results, Row, Status};

    use super::*;
    use crate::cli::exit::Exit;

    /// What a scenario does wrong.
    #[derive(Clone, Copy, Debug)]
    enum Wrong {
        BeforeIt,
        InIt,
        AfterIt,
        Judging,
        Refused,
        DiskFull,
    }

    fn row(wrong: Wrong, undo: &str) -> Row {
        let execute = move |begun: &AtomicBool| {
            assert!(!matches!(wrong, Wrong::BeforeIt), "a defect before");
            if matches!(wrong, Wrong::Refused) {
                return Err(execute::Failure::NotStarted("no right".to_owned()));
            }
            begun.store(true, Ordering::SeqCst);
            assert!(!matches!(wrong, Wrong::InIt | Wrong::AfterIt), "a defect within");
            match wrong {
                Wrong::DiskFull => Err(execute::Failure::Local("no space".to_owned())),
                _ => Ok(PathBuf::from("evidence.jsonl")),
            }
        };
        let end = || match wrong {
            Wrong::DiskFull => Some(End { how: Ending::Completed, dirty: vec!["w1 is cordoned".to_owned()] }),
            Wrong::AfterIt => Some(End { how: Ending::Completed, dirty: Vec::new() }),
            _ => None,
        };
        let fate =
            Parts { execute, judge: |_: &Path| panic!("a defect in judging"), ended: end, undo: undo.to_owned() }
                .fate();
        let text = String::new;
        Row { name: "x".to_owned(), file: text(), seed: 1, again: text(), started: text(), took: None, fate }
    }

    #[test]
    fn whatever_goes_wrong_is_a_row() {
        let undo = "; take it back";
        let cases = [
            (Wrong::BeforeIt, Status::Error, "a defect before", 2),
            (Wrong::Refused, Status::Error, "no right", 2),
            (Wrong::InIt, Status::Inconclusive, "a defect within", 4),
            (Wrong::AfterIt, Status::Inconclusive, "a defect within", 3),
            (Wrong::Judging, Status::Inconclusive, "a defect in judging", 3),
            (Wrong::DiskFull, Status::Inconclusive, "no space", 4),
        ];
        for (wrong, status, words, code) in cases {
            let row = row(wrong, undo);
            assert_eq!(row.status(), status, "{wrong:?}");
            assert!(row.line().contains(words), "{wrong:?}: {}", row.line());
            assert_eq!(Exit::of(&Results { rows: vec![row], ..Results::default() }) as u8, code, "{wrong:?}");
        }
        assert_eq!(row(Wrong::InIt, "").dirty(), [""; 0], "a simulated cluster is gone");
    }
}
