//! What to change first when a scenario did not pass.

use crate::verdict::{Judgement, Outcome, Verdict};

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
