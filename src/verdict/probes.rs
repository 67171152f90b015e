//! Objectives on probes: availability, outages, latency. The worst probe decides.

use crate::measure::{Outage, ProbeMeasure, text};
use crate::scenario::Comparison;

use super::explain;
use super::judgement::Case;
use super::{Judgement, Outcome, Unit};

/// A 99th percentile of fewer answers is the maximum by another name.
const ENOUGH_FOR_P99: u64 = 100;

pub(super) fn probes(case: &Case<'_>) -> Vec<Judgement> {
    let expect = &case.scenario.expect;
    let mut judgements = Vec::new();
    if let Some(bound) = expect.availability {
        judgements.push(
            with_probes(case, "availability", availability(case, bound.0)).bound(format!("≥ {bound}")).limit(
                Comparison::AtLeast,
                bound.0,
                Some(Unit::Percent),
            ),
        );
    }
    if let Some(bound) = expect.longest_outage {
        let found = longest_outage(case, text::micros(bound));
        judgements.push(with_probes(case, "longest_outage", found).at_most(text::micros(bound)));
    }
    if let Some(bound) = expect.total_downtime {
        let found = total_downtime(case, text::micros(bound));
        judgements.push(with_probes(case, "total_downtime", found).at_most(text::micros(bound)));
    }
    if let Some(bound) = expect.p99 {
        let found = p99(case, text::micros(bound));
        judgements.push(with_probes(case, "p99", found).at_most(text::micros(bound)));
    }
    judgements
}

/// A failure stands; otherwise a probe without attempts leaves the objective open.
fn with_probes(case: &Case<'_>, objective: &str, found: Option<Judgement>) -> Judgement {
    let silent = case.probes().find(|probe| probe.attempts == 0);
    match (found, silent) {
        (Some(found), _) if found.outcome == Outcome::Fail => found,
        (_, Some(probe)) => Judgement::inconclusive(
            objective,
            format!("probe {} made no attempt after the first injection", probe.name),
        ),
        (Some(found), None) => found,
        (None, None) => Judgement::inconclusive(objective, "there is no probe"),
    }
}

fn availability(case: &Case<'_>, bound: f64) -> Option<Judgement> {
    let of = |probe: &ProbeMeasure| probe.availability();
    let probes = case.probes().filter_map(|probe| Some((probe, of(probe)?)));
    let (probe, share) = probes.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let failed = probe.attempts - probe.ok;
    let reason = format!("probe {}: {failed} of {} attempts failed", probe.name, probe.attempts);
    let longest = probe.outages.iter().max_by_key(|outage| outage.to - outage.from);
    let (what, knob) = longest.map(|outage| explain::outage(case, outage)).unwrap_or_default();
    let outcome = if share >= bound { Outcome::Pass } else { case.fail_if_complete() };
    Some(
        Judgement::new("availability", outcome, format!("{reason}{what}"))
            .measured(text::percent(share))
            .value(share)
            .knob(knob),
    )
}

fn longest_outage(case: &Case<'_>, limit: u64) -> Option<Judgement> {
    let outages = case.probes().flat_map(|probe| probe.outages.iter().map(move |outage| (probe, outage)));
    let Some((probe, outage)) = outages.max_by_key(|(_, outage)| outage.to - outage.from) else {
        let none = Judgement::pass("longest_outage", "no probe was without an answer").measured("0s").took(0);
        return case.probes().next().map(|_| none);
    };
    let took = outage.to - outage.from;
    Some(no_answer(case, "longest_outage", probe, took, limit, outage))
}

fn total_downtime(case: &Case<'_>, limit: u64) -> Option<Judgement> {
    let probe = case.probes().max_by_key(|probe| probe.total_downtime())?;
    let Some(longest) = probe.outages.iter().max_by_key(|outage| outage.to - outage.from) else {
        return Some(Judgement::pass("total_downtime", "no probe was without an answer").measured("0s").took(0));
    };
    Some(no_answer(case, "total_downtime", probe, probe.total_downtime(), limit, longest))
}

fn no_answer(
    case: &Case<'_>,
    objective: &str,
    probe: &ProbeMeasure,
    took: u64,
    limit: u64,
    outage: &Outage,
) -> Judgement {
    let (what, knob) = explain::outage(case, outage);
    let outcome = if took > limit { Outcome::Fail } else { Outcome::Pass };
    let (time, objective_time) = (text::duration(took), text::duration(limit));
    let times = match probe.outages.len() {
        1 => String::new(),
        _ if objective == "total_downtime" => format!(" in {} outages", probe.outages.len()),
        _ => String::new(),
    };
    let reason = format!("probe {} had no answer for {time}{times} (objective {objective_time}){what}", probe.name);
    Judgement::new(objective, outcome, reason).measured(time).took(took).knob(knob)
}

fn p99(case: &Case<'_>, limit: u64) -> Option<Judgement> {
    if let Some(few) = case.probes().find(|probe| probe.ok < ENOUGH_FOR_P99) {
        let reason = format!("probe {} has {} answers, a 99th percentile needs {ENOUGH_FOR_P99}", few.name, few.ok);
        return Some(Judgement::inconclusive("p99", reason));
    }
    let probes = case.probes().filter_map(|probe| Some((probe, probe.p99?)));
    let (probe, p99) = probes.max_by_key(|(_, p99)| *p99)?;
    let outcome = if p99 > limit { case.fail_if_complete() } else { Outcome::Pass };
    let reason =
        format!("probe {}: p99 {} over {} answers, {} late", probe.name, text::duration(p99), probe.ok, probe.late);
    Some(Judgement::new("p99", outcome, reason).measured(text::duration(p99)).took(p99))
}
