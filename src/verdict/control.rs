//! The control group: what no fault touches was probed beside the target. When it suffered as well, the cluster and not the
//! fault may be the cause, and a failure of the target's service says nothing. Never makes anything pass.

use crate::measure::{ProbeMeasure, text};

use super::judgement::Case;
use super::{Judgement, Outcome};

/// What a control can explain: objectives on answers of the service.
const EXPLAINED: [&str; 4] = ["availability", "longest_outage", "total_downtime", "p99"];

/// One judgement for each control; failures that a control shares become inconclusive.
pub(super) fn controls(case: &Case<'_>, expected: &mut [Judgement]) -> Vec<Judgement> {
    let controls: Vec<&ProbeMeasure> = case.measured.probes.iter().filter(|probe| probe.control).collect();
    let suffering: Vec<&ProbeMeasure> = controls.iter().copied().filter(|probe| !probe.outages.is_empty()).collect();
    if let Some(first) = suffering.first() {
        let doubt = format!("; control {}, so that the cluster and not the fault may be the cause", suffered(first));
        for judgement in expected.iter_mut().filter(|one| EXPLAINED.contains(&one.objective.as_str())) {
            if judgement.outcome == Outcome::Fail {
                judgement.outcome = Outcome::Inconclusive;
                judgement.reason.push_str(&doubt);
            }
        }
    }
    controls.into_iter().map(|probe| judge(case, probe)).collect()
}

fn judge(case: &Case<'_>, probe: &ProbeMeasure) -> Judgement {
    let objective = format!("control.{}", probe.name);
    let measured = format!("{} of {} failed", probe.attempts - probe.ok, probe.attempts);
    let judgement = if !case.injected() || probe.attempts == 0 {
        Judgement::inconclusive(objective, "it made no attempt after the first injection")
    } else if probe.outages.is_empty() {
        Judgement::pass(objective, "what no fault touches was answered throughout")
    } else {
        let note = format!("note: {}: the cluster as a whole was disturbed, and not the target alone", suffered(probe));
        Judgement::pass(objective, note)
    };
    judgement.measured(measured)
}

fn suffered(probe: &ProbeMeasure) -> String {
    let longest = probe.outages.iter().max_by_key(|outage| outage.to - outage.from);
    let long = longest.map_or_else(String::new, |outage| text::duration(outage.to - outage.from));
    format!("{} had no answer for {long} as well", probe.name)
}
