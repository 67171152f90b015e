//! Conditions of the scenario on which its faults were healed before their time: what the run is then was written beforehand.

use crate::scenario::AbortVerdict;

use super::Judgement;
use super::judgement::Case;

/// `abort`, when the scenario has conditions.
pub(super) fn abort(case: &Case<'_>) -> Option<Judgement> {
    let conditions = &case.scenario.aborts;
    let Some((index, reason)) = case.measured.aborts.first() else {
        let number = crate::measure::text::count(conditions.len() as u64, "condition");
        return (!conditions.is_empty()).then(|| Judgement::pass("abort", format!("{number}, none was met")));
    };
    let reason = format!("the faults were healed at once: {reason}");
    Some(match conditions.get(*index).map(|condition| condition.verdict) {
        Some(AbortVerdict::Fail) => Judgement::fail("abort", reason),
        Some(AbortVerdict::Inconclusive) | None => Judgement::inconclusive("abort", reason),
    })
}
