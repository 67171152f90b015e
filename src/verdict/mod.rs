//! Was it good? Measurements × objectives → pass, fail or inconclusive, each with reasons.
//! Never reads a clock, a file or a cluster: the same evidence gives the same verdict, also years later.

use serde::{Deserialize, Serialize};

/// The judgement of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of all objectives: `Fail > Inconclusive > Pass`.
    pub outcome: Outcome,
    /// One line that names the object and the phase.
    pub line: String,
    /// Each objective, in the order of the scenario's `[expect]`, after those that every run has (`faults`, `evidence`, `clean`).
    pub objectives: Vec<Judgement>,
    /// What is left on the cluster; non-empty means exit code 4.
    pub dirty: Vec<String>,
}

/// Pass, inconclusive or fail; ordered, so that the worst is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It held, and the evidence shows it.
    Pass,
    /// It cannot be told.
    Inconclusive,
    /// It did not hold.
    Fail,
}

impl Outcome {
    /// `PASS`, `INCONCLUSIVE`, `FAIL`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Fail => "FAIL",
        }
    }
}

/// The judgement of one objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Stable name: `rto`, `rpo`, `availability`, `phase.scheduled`, `same.images`, `query.errors`, `faults`, `evidence`, `clean`.
    pub objective: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// What was measured: `6m52s`, empty when nothing was.
    pub measured: String,
    /// The bound: `≤ 2m`.
    pub bound: String,
    /// One line: object, phase, numbers.
    pub reason: String,
    /// The setting that decides it, empty when none is known: `tolerationSeconds on statefulset/db`.
    pub knob: String,
}
