//! Objectives on drifts: a budget for a phase, and that instances moved at all.

use crate::measure::{Drift, text};
use crate::scenario::{Comparison, Phase};

use super::judgement::Case;
use super::knob::of_phase;
use super::{Judgement, Unit};

pub(super) fn phases(case: &Case<'_>) -> Vec<Judgement> {
    let budgets = case.scenario.expect.phase.iter();
    budgets
        .map(|(phase, budget)| phase_budget(case, *phase, text::micros(budget.0)).at_most(text::micros(budget.0)))
        .collect()
}

fn phase_budget(case: &Case<'_>, phase: Phase, limit: u64) -> Judgement {
    let objective = format!("phase.{}", phase.word());
    let took = |drift: &Drift| drift.phases().into_iter().find(|(of, _)| *of == phase).map(|(_, took)| took);
    let drifts = &case.measured.drifts;
    let worst = drifts.iter().filter_map(|drift| Some((took(drift)?, drift))).max_by_key(|(took, _)| *took);
    if let Some((took, drift)) = worst.filter(|(took, _)| *took > limit) {
        let reason = format!(
            "{} took {} until {} (objective {})",
            drift.instance,
            text::duration(took),
            phase.word(),
            text::duration(limit)
        );
        let judgement = Judgement::fail(objective, reason).measured(text::duration(took)).took(took);
        return judgement.knob(of_phase(case, drift, phase));
    }
    // A drift that stands at this phase or before has not kept the budget, unless the run ended before it could be told.
    let standing =
        drifts.iter().find_map(|drift| Some((drift, drift.stuck.as_ref().filter(|stuck| stuck.phase <= phase)?)));
    if let Some((drift, stuck)) = standing {
        let reason = format!("{} never was {}: {}", drift.instance, phase.word(), stuck.why);
        return Judgement::new(objective, case.fail_if_complete(), reason).knob(of_phase(case, drift, stuck.phase));
    }
    let Some((took, drift)) = worst else {
        let reason = if drifts.is_empty() {
            "no instance drifted".to_owned()
        } else {
            format!("no drift shows when it was {}", phase.word())
        };
        return Judgement::inconclusive(objective, reason);
    };
    let reason = format!("{} took longest: {}", drift.instance, text::duration(took));
    Judgement::pass(objective, reason).measured(text::duration(took)).took(took)
}

pub(super) fn moved(case: &Case<'_>) -> Option<Judgement> {
    let wanted = u64::from(case.scenario.expect.moved?);
    let drifts = &case.measured.drifts;
    let moved: Vec<String> = drifts
        .iter()
        .filter(|drift| drift.stuck.is_none() && drift.moved())
        .map(|drift| {
            format!(
                "{} {} → {}",
                drift.instance,
                drift.old.node,
                drift.new.as_ref().map_or("", |new| new.node.as_str())
            )
        })
        .collect();
    let number = moved.len() as u64;
    let judgement = if number >= wanted {
        Judgement::pass("moved", text::some(&moved, 3))
    } else if let Some(guest) = unseen_guest(case) {
        let reason =
            format!("{number} of {wanted} instances were seen to move; {guest}, which a member moved to, was not seen");
        Judgement::inconclusive("moved", reason)
    } else {
        let stuck = drifts.iter().find_map(|drift| drift.stuck.as_ref());
        let why = stuck.map_or_else(|| stayed(drifts), |stuck| format!(": {}", stuck.why));
        Judgement::new(
            "moved",
            case.fail_if_complete(),
            format!("{number} of {wanted} instances moved to another node{why}"),
        )
    };
    let judgement = judgement.measured(number.to_string()).bound(format!("≥ {wanted}"));
    Some(judgement.value(number as f64).limit(Comparison::AtLeast, wanted as f64, Some(Unit::Count)))
}

/// A pod that is proven to have had a member, and that no watch has shown: a move that was not seen is no instance that stayed.
fn unseen_guest<'a>(case: &Case<'a>) -> Option<&'a str> {
    let drifts = &case.measured.drifts;
    let seen = |name: &str| {
        drifts.iter().any(|drift| drift.old.pod == name || drift.new.as_ref().is_some_and(|new| new.pod == name))
    };
    let moves =
        case.measured.faults.iter().filter(|fault| {
            fault.kind == "etcd-member-replace" && fault.proof.as_ref().is_some_and(|proof| proof.proven)
        });
    // `db-3` of `shop/db-3`.
    let mut pods = moves.flat_map(|fault| &fault.targets).filter_map(|target| target.rsplit('/').next());
    pods.find(|name| !seen(name))
}

fn stayed(drifts: &[Drift]) -> String {
    let stayed = drifts.iter().filter(|drift| !drift.moved()).count() as u64;
    if stayed == 0 {
        String::new()
    } else {
        format!(": {} came back on the same node", text::count(stayed, "instance"))
    }
}
