//! The life of each fault, from the intent to the proof of healing. Does not look at the target.

use std::collections::BTreeMap;

use crate::evidence::Life;
use crate::plan::Action;

use super::model::FaultSpan;
use super::timeline::Timeline;

/// One span for each step of the plan, in its order; after these any step that only the records know.
pub(super) fn faults(timeline: &Timeline<'_>) -> Vec<FaultSpan> {
    let mut spans = Vec::new();
    for step in timeline.plan.iter().flat_map(|plan| &plan.steps) {
        spans.push(span(&step.id, &step.name, Some(&step.action)));
    }
    let mut index: BTreeMap<String, usize> =
        spans.iter().enumerate().map(|(index, span)| (span.step.clone(), index)).collect();
    for problem in timeline.plan.iter().flat_map(|plan| &plan.problems) {
        let at = find(&mut spans, &mut index, &problem.step);
        note(&mut spans[at].problem, &problem.message);
        spans[at].budget.clone_from(&problem.budget);
    }
    for (t, record) in &timeline.faults {
        let at = find(&mut spans, &mut index, &record.step);
        live(&mut spans[at], *t, &record.life);
    }
    spans
}

/// What could not be undone: what the closing record says, and heals that failed when there is no closing record.
pub(super) fn dirty(timeline: &Timeline<'_>) -> Vec<String> {
    if let Some(end) = timeline.closing {
        return end.dirty.clone();
    }
    let failed = timeline.faults.iter().filter_map(|(_, record)| match &record.life {
        Life::HealFailed { reason } => Some(format!("{}: {reason}", record.step)),
        Life::Intent { .. }
        | Life::Injecting
        | Life::Injected
        | Life::InjectFailed { .. }
        | Life::Proof(_)
        | Life::Healing
        | Life::Healed
        | Life::HealProof(_) => None,
    });
    failed.collect()
}

/// The last resolved action of each step: an intent may have chosen again from the inventory of its moment.
pub(super) fn actions<'a>(timeline: &Timeline<'a>) -> BTreeMap<&'a str, &'a Action> {
    let mut actions = BTreeMap::new();
    for step in timeline.plan.iter().flat_map(|plan| &plan.steps) {
        actions.insert(step.id.as_str(), &step.action);
    }
    for (_, record) in &timeline.faults {
        if let Life::Intent { action, .. } = &record.life {
            actions.insert(record.step.as_str(), action);
        }
    }
    actions
}

fn find(spans: &mut Vec<FaultSpan>, index: &mut BTreeMap<String, usize>, step: &str) -> usize {
    *index.entry(step.to_owned()).or_insert_with(|| {
        spans.push(span(step, step, None));
        spans.len() - 1
    })
}

fn span(step: &str, name: &str, action: Option<&Action>) -> FaultSpan {
    FaultSpan {
        step: step.to_owned(),
        name: name.to_owned(),
        kind: action.map(|action| action.word().to_owned()).unwrap_or_default(),
        targets: action.map(targets).unwrap_or_default(),
        injected: None,
        healed: None,
        proof: None,
        to_heal: action.is_some_and(|action| !matches!(action, Action::PodKill { .. })),
        heal_proof: None,
        problem: String::new(),
        budget: None,
        recovered: None,
    }
}

fn live(span: &mut FaultSpan, t: u64, life: &Life) {
    match life {
        Life::Intent { action, undo } => {
            span.to_heal = !undo.is_empty();
            action.word().clone_into(&mut span.kind);
            span.targets = targets(action);
        }
        // The first call counts: a repeated record must not make the recovery look shorter.
        Life::Injecting => span.injected = span.injected.or(Some(t)),
        Life::Injected | Life::Healing => {}
        Life::InjectFailed { reason, budget } => {
            note(&mut span.problem, reason);
            span.budget.clone_from(budget);
        }
        Life::HealFailed { reason } => note(&mut span.problem, reason),
        Life::Proof(proof) => span.proof = Some(proof.clone()),
        Life::Healed => span.healed = Some(t),
        Life::HealProof(proof) => span.heal_proof = Some(proof.clone()),
    }
}

fn note(problem: &mut String, message: &str) {
    if !problem.is_empty() {
        problem.push_str("; ");
    }
    problem.push_str(message);
}

fn targets(action: &Action) -> Vec<String> {
    match action {
        Action::PodKill { pods, .. } | Action::NetworkPartition { pods, .. } => {
            pods.iter().map(ToString::to_string).collect()
        }
        Action::EtcdMemberReplace { leaving, guest, .. } => std::iter::once(leaving.to_string())
            .chain(guest.iter().map(|guest| format!("{}/{guest}", leaving.namespace)))
            .collect(),
        Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => {
            nodes.iter().map(|node| node.name.clone()).collect()
        }
    }
}

/// A fault that left the target steady is looked at for this long all the same. Microseconds.
const IN_FORCE_AT_LEAST: u64 = 1_000_000;

/// Until when a fault's effect is looked at: healed and recovered, or the end of what was observed when it never was.
pub(super) fn in_force(span: &FaultSpan, observed: u64) -> Option<(u64, u64)> {
    let from = span.injected?;
    let recovered = span.recovered.unwrap_or(observed);
    let until = recovered.max(span.healed.unwrap_or(from)).max(from.saturating_add(IN_FORCE_AT_LEAST));
    Some((from, until.min(observed).max(from)))
}
