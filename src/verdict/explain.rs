//! Sentences about drifts and outages, from what was measured. Says only what the measurements hold.

use crate::measure::{Drift, Outage, text};
use crate::scenario::Phase;

use super::judgement::Case;
use super::knob;

impl Case<'_> {
    /// The drifts that a step caused.
    pub(super) fn drifts_of(&self, step: &str) -> impl Iterator<Item = &Drift> {
        self.measured.drifts.iter().filter(move |drift| drift.step.as_deref() == Some(step))
    }

    /// What is missing at the end, as a clause to append.
    pub(super) fn at_the_end(&self) -> String {
        if let Some(stuck) = self.measured.drifts.iter().find_map(|drift| drift.stuck.as_ref()) {
            return format!(": {}", stuck.why);
        }
        if !self.measured.unsteady.is_empty() {
            return format!(": {}", self.measured.unsteady);
        }
        let observed = self.observed();
        let last = self.measured.strength.iter().rev().find(|point| point.at <= observed);
        if let Some(weak) = last.filter(|point| point.ready < point.desired) {
            return format!(": {} of {} pods were Ready", weak.ready, weak.desired);
        }
        let silent = self.probes().find_map(|probe| {
            let outage = probe.outages.last().filter(|outage| outage.to >= observed)?;
            Some(format!(": probe {} was without an answer ({})", probe.name, outage.seen))
        });
        silent.unwrap_or_default()
    }
}

/// The phases that ended by `until` and took 1 % of them or more, in order: `50s until worker-2 was declared lost, 5m toleration`.
pub(super) fn phases(case: &Case<'_>, drift: &Drift, until: u64) -> String {
    let phases = drift.phases();
    let phases = &phases[..drift.edges.iter().take_while(|edge| edge.at <= until).count()];
    let total: u64 = phases.iter().map(|(_, took)| took).sum();
    let told = phases.iter().filter(|(_, took)| *took > 0 && took.saturating_mul(100) >= total);
    let words: Vec<String> = told.map(|(phase, took)| words(case, drift, *phase, *took)).collect();
    words.join(", ")
}

fn words(case: &Case<'_>, drift: &Drift, phase: Phase, took: u64) -> String {
    let time = text::duration(took);
    let node = &drift.old.node;
    let fault = case.cause(drift);
    match phase {
        Phase::Detected if fault == "node-failure" => format!("{time} until {node} was declared lost"),
        Phase::Detected if fault == "node-drain" => format!("{time} until {node} was cordoned"),
        Phase::Detected => format!("{time} until the loss was seen"),
        Phase::Evicted if fault == "node-failure" => evicted(drift, took),
        Phase::Evicted if fault == "node-drain" => format!("{time} until it was evicted"),
        Phase::Evicted => format!("{time} until it was deleted"),
        Phase::Scheduled if case.is_statefulset() && fault == "node-failure" => {
            format!("{time} until the old pod object on {node} was gone (a StatefulSet waits for it)")
        }
        Phase::Scheduled if case.is_statefulset() && took >= 1_000_000 => format!("{time} until the old pod was gone"),
        Phase::Scheduled if !drift.refused.is_empty() => format!("{time} without a node ({})", drift.refused),
        Phase::Scheduled => format!("{time} schedule"),
        Phase::VolumeAttached => format!("{time} volume attach"),
        Phase::ImagePulled => format!("{time} image pull"),
        Phase::Started => format!("{time} start"),
        Phase::Ready if fault == "node-failure" && waited_on_its_node(drift) => {
            format!("{time} until Ready on {node} again ({})", drift.stays)
        }
        Phase::Ready => format!("{time} until Ready"),
        Phase::InEndpoints => format!("{time} until in endpoints"),
        Phase::Serving => format!("{time} until a probe was answered"),
    }
}

/// Whether an instance came back where it was, since nothing evicts it.
pub(super) fn waited_on_its_node(drift: &Drift) -> bool {
    !drift.stays.is_empty() && !drift.edges.iter().any(|edge| edge.phase == Phase::Evicted)
}

/// What of the time until its eviction the node controller took to taint the node, before any toleration began.
pub(super) fn paced(drift: &Drift) -> Option<u64> {
    let detected = drift.edges.iter().find(|edge| edge.phase == Phase::Detected)?.at;
    let evicted = drift.edges.iter().find(|edge| edge.phase == Phase::Evicted)?.at;
    let paced = drift.tainted?.min(evicted).checked_sub(detected)?;
    (paced >= TAINTED_AT_ONCE).then_some(paced)
}

/// The node controller looks every five seconds; what is longer is its rate. Microseconds.
const TAINTED_AT_ONCE: u64 = 2_000_000;

fn evicted(drift: &Drift, took: u64) -> String {
    match paced(drift) {
        None => format!("{} toleration", text::duration(took)),
        Some(paced) => format!(
            "{} until {} was tainted (one node after the other), {} toleration",
            text::duration(paced),
            drift.old.node,
            text::duration(took.saturating_sub(paced))
        ),
    }
}

/// The setting behind the phase that took longest, or at which the drift stands.
pub(super) fn dominant_knob(case: &Case<'_>, drift: &Drift) -> String {
    if let Some(stuck) = &drift.stuck {
        return knob::of_phase(case, drift, stuck.phase);
    }
    let longest = drift.phases().into_iter().rev().max_by_key(|(_, took)| *took);
    longest.map_or_else(String::new, |(phase, _)| knob::of_phase(case, drift, phase))
}

/// When and in what an outage fell: `during 1-node-failure, mostly while db-0 waited for volume-attached; saw timeout`.
pub(super) fn outage(case: &Case<'_>, outage: &Outage) -> (String, String) {
    let during = if outage.steps.is_empty() { String::new() } else { format!(" during {}", outage.steps.join(", ")) };
    let single = case.measured.strength.iter().all(|point| point.desired <= 1);
    let (phase, knob) = match &outage.phase {
        None => (String::new(), partition_knob(outage, case)),
        Some((phase, instance)) => {
            let drift = case.measured.drifts.iter().find(|drift| drift.instance == *instance);
            let knob = drift.map_or_else(String::new, |drift| knob::of_phase(case, drift, *phase));
            (format!(", mostly while {instance} was not yet {}", phase.word()), knob)
        }
    };
    // Any move of a single replica is an outage, however fast each phase is.
    let knob = if single && outage.phase.is_some() { format!("replicas on {} (only 1)", case.target()) } else { knob };
    (format!("{during}{phase}; saw {}", outage.seen), knob)
}

/// Without any drift only the fault itself decides how long it lasts.
fn partition_knob(outage: &Outage, case: &Case<'_>) -> String {
    let partition =
        outage.steps.iter().find(|step| case.fault(step).is_some_and(|fault| fault.kind == "network-partition"));
    partition
        .map_or_else(String::new, |step| format!("hold of {step}; replicas of {} outside the partition", case.target()))
}
