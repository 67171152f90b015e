//! Exit codes: documented constants that CI can rely on.

use std::process::ExitCode;

use driftproof::verdict::{Outcome, Verdict};

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
    /// The exit code of a set of verdicts: dirty beats fail beats inconclusive beats pass; nothing at all is inconclusive.
    pub(super) fn of<'a>(verdicts: impl Iterator<Item = &'a Verdict>) -> Self {
        let mut worst = None;
        for verdict in verdicts {
            if !verdict.dirty.is_empty() {
                return Self::Dirty;
            }
            worst = worst.max(Some(verdict.outcome));
        }
        match worst {
            Some(Outcome::Pass) => Self::Passed,
            Some(Outcome::Fail) => Self::Failed,
            Some(Outcome::Inconclusive) | None => Self::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(outcome: Outcome, dirty: bool) -> Verdict {
        let dirty = if dirty { vec!["node worker-1 is cordoned".to_owned()] } else { Vec::new() };
        Verdict { outcome, line: String::new(), objectives: Vec::new(), dirty }
    }

    #[test]
    fn dirty_beats_fail_beats_inconclusive_beats_pass() {
        use Outcome::{Fail, Inconclusive, Pass};
        let exit = |verdicts: &[Verdict]| Exit::of(verdicts.iter()) as u8;
        assert_eq!(exit(&[verdict(Pass, false), verdict(Pass, false)]), 0);
        assert_eq!(exit(&[verdict(Inconclusive, false), verdict(Fail, false), verdict(Pass, false)]), 1);
        assert_eq!(exit(&[verdict(Pass, false), verdict(Inconclusive, false)]), 3);
        assert_eq!(exit(&[verdict(Fail, false), verdict(Pass, true)]), 4);
        assert_eq!(exit(&[]), 3);
    }
}
