//! Whether the evidence can carry a verdict at all. Not having seen is never a pass.

use crate::evidence::Ending;
use crate::measure::text;

use super::Judgement;
use super::judgement::Case;

pub(super) fn evidence(case: &Case<'_>) -> Judgement {
    let measured = case.measured;
    let mut reasons: Vec<String> = Vec::new();
    match &measured.ending {
        Some(Ending::Aborted { reason }) => reasons.push(format!("the run was aborted: {reason}")),
        Some(Ending::Interrupted) => reasons.push("the run was interrupted".to_owned()),
        // The gaps below say where it was cut.
        None if measured.gaps.is_empty() => reasons.push("the run was cut off".to_owned()),
        Some(Ending::Completed) | None => {}
    }
    reasons.extend(measured.gaps.iter().cloned());
    let aborted = matches!(measured.ending, Some(Ending::Aborted { .. }));
    if measured.steady_before.is_none() && !aborted {
        reasons.push(format!("{} was never steady before a fault", case.target()));
    }
    if !case.injected() && !aborted {
        reasons.push("no fault was injected".to_owned());
    }
    for probe in &measured.probes {
        if case.injected() && probe.attempts == 0 {
            reasons.push(format!("probe {} made no attempt after the first injection", probe.name));
        }
    }
    if reasons.is_empty() {
        return Judgement::pass("evidence", "complete, without gaps");
    }
    Judgement::inconclusive("evidence", text::some(&reasons, 3))
}
