//! Was it good? Measurements × objectives → pass, fail or inconclusive, each with reasons.
//! Never reads a clock, a file or a cluster: the same evidence gives the same verdict, also years later.

mod abort;
mod consistency;
mod control;
mod data;
mod drifts;
mod evidence;
mod explain;
mod faults;
mod fixture;
mod judgement;
mod knob;
mod limit;
mod line;
mod probes;
mod queries;
mod rto;
mod same;

pub use limit::{Limit, Unit};

use serde::{Deserialize, Serialize};

use crate::measure::Measurements;
use crate::scenario::Scenario;
use judgement::Case;

/// The judgement of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The worst of all objectives: `Fail > Inconclusive > Pass`.
    pub outcome: Outcome,
    /// One line that names the object and the phase.
    pub line: String,
    /// Each objective, in the order of the scenario's `[expect]`, after those that every run has (`faults`, `evidence`,
    /// `clean`, `steady`, `drained` when a disruption budget stood in the way, and `data.<name>` or `consistency.<name>` for
    /// each data check); last `control.<name>` for each control, and `fixture` when the cluster keeps objects of it without
    /// acting on them.
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
    /// The number that was measured, in the unit of the limit; `None` when it is no number, or was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The number that it is compared with; `None` when the objective has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
    /// What was measured: `6m52s`, empty when nothing was.
    pub measured: String,
    /// The bound: `≤ 2m`.
    pub bound: String,
    /// One line: object, phase, numbers.
    pub reason: String,
    /// The setting that decides it, empty when none is known: `tolerationSeconds on statefulset/db`.
    pub knob: String,
}

/// Judges one run. Total: whatever cannot be told is inconclusive, never passed.
#[must_use]
pub fn judge(scenario: &Scenario, measurements: &Measurements) -> Verdict {
    let case = Case::new(scenario, measurements);
    let mut objectives = vec![faults::faults(&case), evidence::evidence(&case), faults::clean(&case)];
    objectives.push(faults::steady(&case));
    objectives.extend(faults::drained(&case));
    objectives.extend(abort::abort(&case));
    objectives.extend(data::data(&case));
    let mut expected = Vec::new();
    expected.extend(rto::rto(&case));
    expected.extend(data::rpo(&case));
    expected.extend(probes::probes(&case));
    expected.extend(drifts::phases(&case));
    expected.extend(drifts::moved(&case));
    expected.extend(same::same(&case));
    expected.extend(queries::queries(&case));
    let controls = control::controls(&case, &mut expected);
    if !case.injected() {
        // Whatever was measured, it does not tell how the target takes a fault.
        for judgement in &mut expected {
            judgement.outcome = Outcome::Inconclusive;
            "no fault was injected".clone_into(&mut judgement.reason);
        }
    }
    objectives.extend(expected);
    objectives.extend(controls);
    objectives.extend(fixture::not_modelled(&case));
    let outcome = objectives.iter().map(|judgement| judgement.outcome).max().unwrap_or(Outcome::Inconclusive);
    let line = line::line(&case, outcome, &objectives);
    Verdict { outcome, line, objectives, dirty: measurements.dirty.clone() }
}
