//! Whether a probe is answered, from attempts whose ends overtake each other. Pure.

use std::time::Duration;

/// The answers of one probe so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct Answers {
    /// Due time of the first answered attempt since the last failure.
    good_since: Option<Duration>,
    /// Due time of the newest failure.
    failed: Option<Duration>,
    /// Due time of the first failure since the last answer.
    bad_since: Option<Duration>,
    /// What the last failure was.
    reason: String,
    /// Due time of the newest attempt that has ended.
    ended: Option<Duration>,
}

impl Answers {
    /// Takes the end of an attempt; whether that changes anything.
    ///
    /// A failure that was due before the probe recovered belongs to the outage before, however late it ends. One that
    /// was due later shows that some requests still fail, even when newer ones were answered meanwhile.
    pub(in crate::run) fn take(&mut self, due: Duration, failure: Option<String>) -> bool {
        let before = (self.good_since, self.reason.clone());
        self.ended = self.ended.max(Some(due));
        match failure {
            None => {
                if self.good_since.is_none() && self.failed.is_none_or(|failed| due > failed) {
                    self.good_since = Some(due);
                    self.bad_since = None;
                }
            }
            Some(reason) => {
                if self.good_since.is_none_or(|good| due >= good) {
                    self.good_since = None;
                    self.bad_since.get_or_insert(due);
                    self.reason = reason;
                }
                self.failed = self.failed.max(Some(due));
            }
        }
        before != (self.good_since, self.reason.clone())
    }

    /// Whether an attempt that was due at this time or later has ended.
    pub(in crate::run) fn reached(&self, due: Duration) -> bool {
        self.ended.is_some_and(|ended| ended >= due)
    }

    /// Since when it has been without an answer, and why.
    pub(in crate::run) fn failing_since(&self) -> Option<(Duration, String)> {
        self.bad_since.map(|since| (since, self.reason.clone()))
    }

    /// # Errors
    /// Why it does not count as answered.
    pub(in crate::run) fn judge(&self) -> Result<(), String> {
        match (self.good_since, self.failed) {
            (Some(_), _) => Ok(()),
            (None, None) => Err("has no answer yet".to_owned()),
            (None, Some(_)) => Err(format!("fails: {}", self.reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `+3` is an attempt due at 3 that was answered, `-3` one that failed; in the order in which they end.
    fn run(ends: &[i64]) -> Vec<bool> {
        let mut answers = Answers::default();
        ends.iter()
            .map(|end| {
                let failure = (*end < 0).then(|| "timeout".to_owned());
                answers.take(Duration::from_secs(end.unsigned_abs()), failure);
                answers.judge().is_ok()
            })
            .collect()
    }

    #[test]
    fn late_ends_are_told_from_new_failures() {
        for (what, ends, expected) in [
            ("all answered", vec![1, 2, 3], vec![true, true, true]),
            ("an outage begins", vec![1, -2, -3], vec![true, false, false]),
            (
                "its last timeouts end after the recovery",
                vec![1, -2, 6, -3, -5, 7],
                vec![true, false, true, true, true, true],
            ),
            (
                "every other request times out",
                vec![1, 3, 5, -2, 7, -4, 9, -8, 11],
                vec![true, true, true, false, true, true, true, false, true],
            ),
            ("a failure after the recovery", vec![1, -2, 6, -8, 9], vec![true, false, true, false, true]),
            ("an answer from before the failure", vec![1, -3, 2, 4], vec![true, false, false, true]),
        ] {
            assert_eq!(run(&ends), expected, "{what}");
        }
    }
}
