//! Recovery time: the worst of all injections against its bound, and what it was spent on.

use crate::measure::{Drift, FaultSpan, text};
use crate::scenario::Phase;

use super::explain;
use super::judgement::Case;
use super::{Judgement, Outcome};

pub(super) fn rto(case: &Case<'_>) -> Option<Judgement> {
    let limit = text::micros(case.scenario.expect.rto?);
    let injected = case.measured.faults.iter().filter(|fault| fault.injected.is_some());
    let (masked, told): (Vec<&FaultSpan>, Vec<&FaultSpan>) = injected.partition(|fault| masked(case, fault, limit));
    let never = told.iter().find(|fault| fault.recovered.is_none());
    let worst = told.iter().filter(|fault| fault.recovered.is_some()).max_by_key(|fault| fault.rto());
    let judgement = match (never, worst) {
        (Some(fault), _) => never_recovered(case, fault, limit),
        (None, Some(fault)) => recovered(case, fault, limit),
        (None, None) => Judgement::inconclusive("rto", "no fault was injected"),
    };
    let judgement = match masked.first() {
        // Only a failure that is known stands beside what cannot be told.
        Some(fault) if judgement.outcome != Outcome::Fail => cannot_be_told(case, fault, limit),
        None if judgement.outcome == Outcome::Pass => unprobed(case).unwrap_or(judgement),
        Some(_) | None => judgement,
    };
    Some(judgement.at_most(limit))
}

/// Whether the target was not back in time after this injection, and another one came in that time: then nobody knows
/// whether this one alone would have kept it. What it took itself tells more: an instance that needed longer did.
fn masked(case: &Case<'_>, fault: &FaultSpan, limit: u64) -> bool {
    let late = fault.rto().is_none_or(|rto| rto > limit);
    let by_itself =
        case.drifts_of(&fault.step).any(|drift| back(drift).is_none_or(|at| at > drift.from.saturating_add(limit)));
    late && !by_itself
        && next_injection(case, fault).is_some_and(|(at, _)| at <= fault.injected.unwrap_or(0).saturating_add(limit))
}

/// The first injection after this one.
fn next_injection<'a>(case: &Case<'a>, fault: &FaultSpan) -> Option<(u64, &'a FaultSpan)> {
    let others = case.measured.faults.iter().filter_map(|other| Some((other.injected?, other)));
    others.filter(|(at, _)| Some(*at) > fault.injected).min_by_key(|(at, _)| *at)
}

fn cannot_be_told(case: &Case<'_>, fault: &FaultSpan, limit: u64) -> Judgement {
    let (next, after) = next_injection(case, fault).map_or((String::new(), 0), |(at, other)| {
        (other.step.clone(), at.saturating_sub(fault.injected.unwrap_or(at)))
    });
    let reason = format!(
        "whether {} was back within {} of {} cannot be told: {next} came {} after it, and there was no full strength in between; let more time pass between them",
        case.target(),
        text::duration(limit),
        fault.step,
        text::duration(after)
    );
    Judgement::inconclusive("rto", reason)
}

/// Readiness is asked by the kubelet, which a partition does not cut off: without a probe nothing tells its end.
fn unprobed(case: &Case<'_>) -> Option<Judgement> {
    let cut =
        case.measured.faults.iter().find(|fault| fault.kind == "network-partition" && fault.injected.is_some())?;
    let reason = format!(
        "nothing shows whether {} was reached during {}: readiness is asked from its own node, and there is no [[probe]] but controls",
        case.target(),
        cut.step
    );
    case.probes().next().is_none().then(|| Judgement::inconclusive("rto", reason))
}

fn never_recovered(case: &Case<'_>, fault: &FaultSpan, limit: u64) -> Judgement {
    let waited = case.observed().saturating_sub(fault.injected.unwrap_or_default());
    let objective = text::duration(limit);
    let outcome = if waited > limit { case.fail_if_observed() } else { case.fail_if_complete() };
    let stuck = case.drifts_of(&fault.step).chain(&case.measured.drifts).find(|drift| drift.stuck.is_some());
    let waited = text::duration(waited);
    let (reason, knob) = match stuck {
        Some(drift) => {
            let why = drift.stuck.as_ref().map_or("", |stuck| stuck.why.as_str());
            (
                format!("{} never came back in {waited} (objective {objective}): {why}", drift.instance),
                explain::dominant_knob(case, drift),
            )
        }
        None => (
            format!(
                "{} was not steady again in {waited} after {} (objective {objective}){}",
                case.target(),
                fault.step,
                case.at_the_end()
            ),
            String::new(),
        ),
    };
    Judgement::new("rto", outcome, reason).measured(format!("> {waited}")).knob(knob)
}

fn recovered(case: &Case<'_>, fault: &FaultSpan, limit: u64) -> Judgement {
    let rto = fault.rto().unwrap_or_default();
    let outcome = match (rto > limit, unseen(case, fault)) {
        (false, _) => Outcome::Pass,
        (true, None) => case.fail_if_observed(),
        (true, Some((from, to))) => {
            let (from, to) = (text::duration(from), text::duration(to));
            let reason = format!(
                "{} was steady again {} after {} at the latest; whether it was so within {} cannot be told: nothing was seen between {from} and {to}",
                case.target(),
                text::duration(rto),
                fault.step,
                text::duration(limit)
            );
            return Judgement::inconclusive("rto", reason).measured(format!("≤ {}", text::duration(rto)));
        }
    };
    let objective = format!("{} (objective {})", text::duration(rto), text::duration(limit));
    let slowest = case.drifts_of(&fault.step).filter(|drift| drift.stuck.is_none()).max_by_key(|drift| back(drift));
    let (reason, knob) = match slowest {
        Some(drift) => (
            format!("{} needed {objective}{}", drift.instance, spent(case, drift, rto)),
            explain::dominant_knob(case, drift),
        ),
        None if rto == 0 => (format!("{} stayed steady through {}", case.target(), fault.step), String::new()),
        None => without_drift(case, fault, &objective),
    };
    Judgement::new("rto", outcome, reason).measured(text::duration(rto)).took(rto).knob(knob)
}

/// A time before the recovery in which a probe saw nothing: the recovery may have come in it.
fn unseen(case: &Case<'_>, fault: &FaultSpan) -> Option<(u64, u64)> {
    let span = fault.injected?..fault.recovered?;
    case.measured.blind.iter().copied().find(|(from, to)| *from < span.end && *to > span.start)
}

/// The phases, and what remained until the whole target was steady.
fn spent(case: &Case<'_>, drift: &Drift, rto: u64) -> String {
    let recovered = drift.from.saturating_add(rto);
    let mut parts = explain::phases(case, drift, recovered);
    let told = drift.edges.iter().map(|edge| edge.at).take_while(|at| *at <= recovered).last();
    let rest = recovered - told.unwrap_or(drift.from);
    if rest.saturating_mul(20) > rto {
        if !parts.is_empty() {
            parts.push_str(", ");
        }
        parts.push_str(&text::duration(rest));
        parts.push_str(" more until the target was steady");
    }
    if parts.is_empty() { parts } else { format!(": {parts}") }
}

/// When an instance was back in strength: what its probes say comes later and by chance.
fn back(drift: &Drift) -> Option<u64> {
    drift.edges.iter().find(|edge| edge.phase == Phase::Ready).map(|edge| edge.at)
}

fn without_drift(case: &Case<'_>, fault: &FaultSpan, objective: &str) -> (String, String) {
    let of_fault = case.probes().flat_map(|probe| probe.outages.iter().map(move |outage| (probe, outage)));
    let longest = of_fault
        .filter(|(_, outage)| outage.steps.contains(&fault.step))
        .max_by_key(|(_, outage)| outage.to - outage.from);
    let target = case.target();
    let Some((probe, outage)) = longest else {
        return (format!("{target} needed {objective} after {}", fault.step), String::new());
    };
    let (what, knob) = explain::outage(case, outage);
    let long = text::duration(outage.to - outage.from);
    (format!("{target} needed {objective}: probe {} had no answer for {long}{what}", probe.name), knob)
}
