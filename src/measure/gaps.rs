//! What this evidence cannot show: it was cut, a watch was lost, records are missing, a probe made no attempts.

use crate::evidence::{Ending, Event, Evidence};

use super::faults::in_force;
use super::model::FaultSpan;
use super::text;
use super::timeline::Timeline;

/// A probe that is silent for this long, and for ten of its intervals, did not observe. Microseconds.
const SILENT_AT_LEAST: u64 = 5_000_000;

pub(super) fn gaps(evidence: &Evidence, timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<String> {
    let mut gaps: Vec<String> = evidence.cut.iter().cloned().collect();
    if gaps.is_empty() && timeline.closing.is_none() {
        gaps.push("the run was cut off: there is no closing record".to_owned());
    }
    let aborted = timeline.closing.is_some_and(|end| matches!(end.how, Ending::Aborted { .. }));
    if timeline.plan.is_none() && !aborted {
        gaps.push("there is no plan: nothing says what should have been injected".to_owned());
    }
    gaps.extend(numbering(evidence));
    for record in &evidence.records {
        if let Event::Gap { what, recovered: false } = &record.event {
            gaps.push(format!("at {}: {what}", text::duration(record.t)));
        }
    }
    gaps.extend(silences(timeline, faults));
    gaps
}

/// At most so many notes are kept.
const NOTES_MAX: usize = 20;

/// What was noted and takes nothing from the verdict, each text once.
pub(super) fn notes(evidence: &Evidence) -> Vec<String> {
    let skipped = &evidence.header.skipped;
    let said = (!skipped.is_empty()).then(|| format!("left out by --skip-queries: {}", text::some(skipped, NOTES_MAX)));
    let mut notes: Vec<String> = said.into_iter().collect();
    for record in &evidence.records {
        let note = match &record.event {
            Event::Gap { what, recovered: true } => what.clone(),
            Event::Unreadable { permission, unseen } => format!("not seen: {unseen} (no right to {permission})"),
            _ => continue,
        };
        if !notes.contains(&note) && notes.len() < NOTES_MAX {
            notes.push(note);
        }
    }
    notes
}

/// How often observation was lost for good.
pub(super) fn lost(evidence: &Evidence) -> u64 {
    let lost = |event: &Event| matches!(event, Event::Gap { recovered: false, .. });
    evidence.records.iter().filter(|record| lost(&record.event)).count() as u64
}

fn numbering(evidence: &Evidence) -> Option<String> {
    for (index, record) in evidence.records.iter().enumerate() {
        if record.i != index as u64 {
            return Some(format!("record {index} has number {}: lines are missing", record.i));
        }
    }
    let back = evidence.records.windows(2).find(|pair| pair[1].t < pair[0].t)?;
    Some(format!("time goes backwards at record {}", back[1].i))
}

/// The silences of all probes: what they measured is then longer than it was, or shorter.
pub(super) fn blind(timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<(u64, u64)> {
    let Some(first) = faults.iter().filter_map(|fault| fault.injected).min() else { return Vec::new() };
    let probes = 0..timeline.scenario.probes.len();
    probes.flat_map(|probe| silent(timeline, probe, first, &due(timeline, probe, first))).collect()
}

/// When a probe's attempts were due, from the first injection on.
fn due(timeline: &Timeline<'_>, probe: usize, first: u64) -> Vec<u64> {
    let attempts = timeline.attempts.iter().filter(|attempt| attempt.probe == probe).map(|attempt| attempt.due);
    let mut due: Vec<u64> = attempts.filter(|due| (first..=timeline.observed).contains(due)).collect();
    due.sort_unstable();
    due
}

fn silent(timeline: &Timeline<'_>, probe: usize, first: u64, due: &[u64]) -> Vec<(u64, u64)> {
    let edges: Vec<u64> =
        [first].into_iter().chain(due.iter().copied()).chain([timeline.observed.max(first)]).collect();
    let probe = &timeline.scenario.probes[probe];
    // Before the last stage the run waits for answers that are still out, up to one timeout.
    let most = SILENT_AT_LEAST.max(interval(probe.rate).saturating_mul(10)) + text::micros(probe.timeout);
    edges.windows(2).filter(|pair| pair[1] - pair[0] > most).map(|pair| (pair[0], pair[1])).collect()
}

/// Open-loop probes are due at a fixed rate: a long silence after the first injection is blindness, not health.
fn silences(timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<String> {
    let Some(first) = faults.iter().filter_map(|fault| fault.injected).min() else { return Vec::new() };
    let mut found = Vec::new();
    for (index, probe) in timeline.scenario.probes.iter().enumerate() {
        let due = due(timeline, index, first);
        if let Some((from, to)) = silent(timeline, index, first, &due).first() {
            let (from, to) = (text::duration(*from), text::duration(*to));
            found.push(format!("probe {} made no attempt between {from} and {to}", probe.name));
            continue;
        }
        for fault in faults {
            let Some((from, to)) = in_force(fault, timeline.observed) else { continue };
            let short = to - from < 2 * interval(probe.rate);
            if !short && !due.iter().any(|due| (from..=to).contains(due)) {
                found.push(format!("probe {} made no attempt while {} was in force", probe.name, fault.step));
            }
        }
    }
    found
}

/// Microseconds between two attempts.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float casts to an integer by saturating"
)]
fn interval(rate: f64) -> u64 {
    if rate > 0.0 { (1_000_000.0 / rate) as u64 } else { u64::MAX / 100 }
}
