//! What is said of a scenario in one row: its four numbers, and what to change.

use crate::measure::{DataMeasure, FaultSpan, Measurements, ProbeMeasure};
use crate::verdict::{Judgement, Outcome, Verdict};

/// The numbers of a scenario's row; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Headline {
    /// The worst recovery time of all injections after which the target recovered, microseconds.
    pub(super) rto: Option<u64>,
    /// Whether it did not recover after some injection.
    pub(super) never: bool,
    /// Acknowledged writes that are gone.
    pub(super) lost: Option<u64>,
    /// Availability of the worst probe, percent.
    pub(super) availability: Option<f64>,
    /// The longest outage that any probe saw, microseconds.
    pub(super) longest_outage: Option<u64>,
}

impl Headline {
    pub(super) fn of(measurements: &Measurements) -> Self {
        let lost = measurements.data.iter().filter_map(|data| match data {
            DataMeasure::Set(set) if set.acknowledged > 0 => Some(set.lost.len() as u64),
            DataMeasure::History(history) => history.lost,
            DataMeasure::Set(_) | DataMeasure::Volume(_) => None,
        });
        let tried = measurements.probes.iter().filter(|probe| probe.attempts > 0);
        Self {
            rto: measurements.faults.iter().filter_map(FaultSpan::rto).max(),
            never: measurements.faults.iter().any(|fault| fault.injected.is_some() && fault.recovered.is_none()),
            lost: lost.reduce(|a, b| a + b),
            availability: measurements.probes.iter().filter_map(ProbeMeasure::availability).reduce(f64::min),
            longest_outage: tried.map(ProbeMeasure::longest_outage).max(),
        }
    }
}

/// The settings that decide what did not hold, each once: what a person should change first. Empty when all held.
pub(super) fn knobs(verdict: &Verdict) -> Vec<&str> {
    const SHOWN: usize = 3;
    let mut knobs: Vec<&str> = Vec::new();
    let decisive = |judgement: &&Judgement| judgement.outcome == verdict.outcome && verdict.outcome != Outcome::Pass;
    for judgement in verdict.objectives.iter().filter(decisive) {
        if !judgement.knob.is_empty() && !knobs.contains(&judgement.knob.as_str()) && knobs.len() < SHOWN {
            knobs.push(&judgement.knob);
        }
    }
    knobs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_did_not_hold_is_to_be_changed_and_each_once() {
        let judgement = |outcome, knob: &str| Judgement {
            objective: "rto".to_owned(),
            outcome,
            value: None,
            limit: None,
            measured: String::new(),
            bound: String::new(),
            reason: String::new(),
            knob: knob.to_owned(),
        };
        let mut verdict = Verdict {
            outcome: Outcome::Fail,
            line: String::new(),
            objectives: vec![
                judgement(Outcome::Pass, "replicas"),
                judgement(Outcome::Fail, "tolerationSeconds"),
                judgement(Outcome::Fail, "tolerationSeconds"),
                judgement(Outcome::Fail, ""),
            ],
            dirty: Vec::new(),
        };
        assert_eq!(knobs(&verdict), ["tolerationSeconds"]);
        verdict.outcome = Outcome::Pass;
        assert!(knobs(&verdict).is_empty());
    }
}
