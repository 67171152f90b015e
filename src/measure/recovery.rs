//! When the target was back after each injection. Only a steady stretch that lasted counts: a target that flaps has not recovered.

use crate::evidence::Life;

use super::faults::actions;
use super::model::{Drift, FaultSpan, StrengthPoint};
use super::text::micros;
use super::timeline::Timeline;
use crate::plan::Action;
use crate::scenario::Phase;

/// What an injection does to pods is seen within this time. Microseconds.
const SEEN_WITHIN: u64 = 1_000_000;

/// Stretches `[from, to)` in which the run said steady and the pods were at full strength.
pub(super) fn steady_stretches(timeline: &Timeline<'_>, strength: &[StrengthPoint]) -> Vec<(u64, u64)> {
    let mut changes: Vec<(u64, bool, bool)> = timeline.steady.iter().map(|(t, steady)| (*t, true, *steady)).collect();
    changes.extend(strength.iter().map(|point| (point.at, false, point.ready >= point.desired)));
    changes.sort_by_key(|(t, ..)| *t);
    // Without any pod seen there is only the run's word.
    let (mut steady, mut full) = (false, strength.is_empty());
    let mut since = None;
    let mut stretches = Vec::new();
    for (t, is_steady, now) in changes {
        if is_steady {
            steady = now;
        } else {
            full = now;
        }
        match (since, steady && full) {
            (None, true) => since = Some(t),
            (Some(from), false) => {
                if from < t {
                    stretches.push((from, t));
                }
                since = None;
            }
            (None, false) | (Some(_), true) => {}
        }
    }
    stretches.extend(since.map(|from| (from, timeline.observed.max(from))));
    stretches
}

/// Beginning of the stretch that held when the first injection came; without any injection, of the last stretch.
pub(super) fn steady_before(timeline: &Timeline<'_>, stretches: &[(u64, u64)], faults: &[FaultSpan]) -> Option<u64> {
    let first = faults.iter().filter_map(|fault| fault.injected).min().unwrap_or(timeline.observed);
    stretches.iter().find(|(from, to)| *from <= first && first <= *to).map(|(from, _)| *from)
}

/// When the target was steady for good: from the stretch that still held when settling ended, not before the last disturbance.
pub(super) fn steady_after(timeline: &Timeline<'_>, stretches: &[(u64, u64)], faults: &[FaultSpan]) -> Option<u64> {
    faults.iter().filter_map(|fault| fault.injected).min()?;
    let last = disturbances(timeline).last().copied().unwrap_or(0);
    let (from, to) = stretches.last()?;
    let from = (*from).max(last);
    (*to >= timeline.observed && lasted(timeline, from, *to)).then_some(from)
}

/// Sets `recovered` of every fault that was injected.
pub(super) fn recover(timeline: &Timeline<'_>, stretches: &[(u64, u64)], drifts: &[Drift], faults: &mut [FaultSpan]) {
    let disturbed = disturbances(timeline);
    let injections: Vec<u64> = faults.iter().filter_map(|fault| fault.injected).collect();
    let actions = actions(timeline);
    for fault in faults {
        let Some(injected) = fault.injected else { continue };
        let slow = matches!(actions.get(fault.step.as_str()), Some(Action::NodeFailure { .. }))
            && fault.healed.is_none_or(|healed| {
                injections.iter().any(|other| (injected.saturating_add(1)..healed).contains(other))
            });
        let injection_after = |at: u64| injections.iter().copied().filter(|other| *other > at).min();
        let other = injection_after(injected);
        fault.recovered = stretches.iter().find_map(|&(from, to)| {
            if from > injected {
                let next = disturbed.iter().copied().find(|at| *at > from).unwrap_or(timeline.observed);
                let held = to >= next.min(timeline.observed) && lasted(timeline, from, to);
                // Full strength that only the next injection ended was a recovery, however soon that came. A fault
                // that is still on its way has not recovered yet.
                let ended_by_next =
                    !slow && injection_after(from).is_some_and(|next| to >= next) && all_back(drifts, &fault.step, to);
                return (held || ended_by_next).then_some(from);
            }
            if to <= injected {
                return None;
            }
            // It was steady when the fault came and did not stop being so. When another injection broke it, that says
            // nothing against this one, unless this one is still on its way (a node is declared lost much later).
            let untouched = to >= timeline.observed
                || (!slow && other.is_some_and(|other| noticed(timeline, injected, other) && to >= other));
            (untouched && (to < timeline.observed || lasted(timeline, injected, to)))
                .then(|| back(drifts, &fault.step).unwrap_or(injected).max(injected))
        });
    }
}

/// Instants at which something was injected or healed.
fn disturbances(timeline: &Timeline<'_>) -> Vec<u64> {
    let of = |life: &Life| match life {
        Life::Injecting | Life::Healing => true,
        Life::Intent { .. }
        | Life::Injected
        | Life::InjectFailed { .. }
        | Life::Proof(_)
        | Life::Healed
        | Life::HealFailed { .. }
        | Life::HealProof(_) => false,
    };
    timeline.faults.iter().filter(|(_, record)| of(&record.life)).map(|(t, _)| *t).collect()
}

/// Whether a stretch is as long as the settle window. A tenth is forgiven: the run's own timer and the watch differ a little.
fn lasted(timeline: &Timeline<'_>, from: u64, to: u64) -> bool {
    let window = micros(timeline.scenario.steady.window);
    to.saturating_sub(from) >= window - window / 10
}

/// Whether a fault had the time to be noticed before the next one came: a lost pod is seen at once, silence of a service
/// when a probe has waited in vain.
fn noticed(timeline: &Timeline<'_>, injected: u64, next: u64) -> bool {
    let probes = timeline.scenario.probes.iter().filter(|probe| !probe.control);
    let patience = micros(probes.map(|probe| probe.timeout).max().unwrap_or_default());
    let enough = patience.saturating_add(SEEN_WITHIN).min(micros(timeline.scenario.steady.window) / 10 * 9);
    next.saturating_sub(injected) >= enough
}

/// Whether every instance that this step took was back at `by`.
fn all_back(drifts: &[Drift], step: &str, by: u64) -> bool {
    let ready = |drift: &Drift| drift.edges.iter().find(|edge| edge.phase == Phase::Ready).map(|edge| edge.at);
    let mut of_step = drifts.iter().filter(|drift| drift.step.as_deref() == Some(step));
    of_step.all(|drift| ready(drift).is_some_and(|at| at <= by))
}

/// When the last instance that this step took was back.
fn back(drifts: &[Drift], step: &str) -> Option<u64> {
    let of_step = drifts.iter().filter(|drift| drift.step.as_deref() == Some(step) && drift.stuck.is_none());
    of_step.filter_map(|drift| drift.edges.iter().find(|edge| edge.phase == Phase::Ready)).map(|edge| edge.at).max()
}
