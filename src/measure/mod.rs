//! Evidence in, numbers out: drifts with their phases, recoveries, outages, lost writes. Never judges, never does I/O.

mod around;
mod clocks;
mod drifts;
mod edges;
mod faults;
mod gaps;
mod history;
mod lanes;
mod loss;
mod model;
mod old_end;
mod outages;
mod probes;
mod queries;
mod recovery;
mod replacement;
mod same;
mod series;
mod served;
mod set;
mod stages;
mod strength;
mod stuck;
pub mod text;
mod timeline;
mod unseen;
mod volume;

pub use clocks::ClockMeasure;
pub use history::{AnomalyMeasure, Beside, FunctionCount, Held, HistoryMeasure, MEMORY_DEFAULT, Pieces};
pub use model::*;

use crate::evidence::Evidence;
use crate::scenario::DataCheck;
use timeline::Timeline;

/// Measures one run without the files beside its evidence. Total: any evidence gives measurements, and what cannot be told
/// is absent or a gap.
#[must_use]
pub fn measure(evidence: &Evidence) -> Measurements {
    let read = |name: &str, _: &mut dyn FnMut(&[u8]) -> bool| Err(format!("{name} was not given"));
    measure_with(evidence, Beside { read: &read, memory: MEMORY_DEFAULT, exhausted: &|| false })
}

/// Measures one run with the histories beside its evidence.
#[must_use]
pub fn measure_with(evidence: &Evidence, beside: Beside<'_>) -> Measurements {
    let timeline = Timeline::new(evidence);
    let mut measured = measured(evidence, &timeline);
    let checks = timeline.scenario.data.iter().enumerate();
    let histories: Vec<(usize, HistoryMeasure)> = checks
        .filter_map(|(index, check)| match check {
            DataCheck::Store(check) => Some((index, history::history(&timeline, index, check, &measured, beside))),
            DataCheck::Set(_) | DataCheck::Volume(_) => None,
        })
        .collect();
    for (index, history) in histories {
        measured.data[index] = DataMeasure::History(Box::new(history));
    }
    measured
}

fn measured(evidence: &Evidence, timeline: &Timeline<'_>) -> Measurements {
    let strength = strength::strength(timeline);
    let stretches = recovery::steady_stretches(timeline, &strength);
    let mut faults = faults::faults(timeline);
    let mut drifts = drifts::drifts(timeline, &faults);
    recovery::recover(timeline, &stretches, &drifts, &mut faults);
    let probes = probes::probes(timeline, &faults, &drifts);
    drifts.sort_by(|a, b| (a.from, &a.old.pod, &a.old.uid).cmp(&(b.from, &b.old.pod, &b.old.uid)));
    Measurements {
        not_modelled: evidence.header.not_modelled.clone(),
        end: timeline.end,
        evidence_sha256: evidence.digest.clone(),
        ending: timeline.closing.map(|end| end.how.clone()),
        dirty: faults::dirty(timeline),
        stages: stages::stages(timeline),
        settle: u64::try_from(timeline.scenario.steady.window.as_micros()).unwrap_or(u64::MAX),
        steady_before: recovery::steady_before(timeline, &stretches, &faults),
        steady_after: recovery::steady_after(timeline, &stretches, &faults),
        unsteady: timeline.unsteady.to_owned(),
        data: timeline
            .scenario
            .data
            .iter()
            .enumerate()
            .map(|(check, wanted)| match wanted {
                DataCheck::Set(wanted) => DataMeasure::Set(set::set(timeline, check, wanted, &faults)),
                DataCheck::Volume(wanted) => DataMeasure::Volume(volume::volume(timeline, check, wanted)),
                DataCheck::Store(wanted) => DataMeasure::History(Box::new(history::blank(wanted))),
            })
            .collect(),
        aborts: timeline.aborts.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect(),
        lost: gaps::lost(evidence),
        queries: queries::queries(timeline),
        same: same::same(timeline),
        clocks: clocks::clocks(evidence),
        gaps: [gaps::gaps(evidence, timeline, &faults), unseen::unseen(evidence, timeline, &faults)].concat(),
        notes: gaps::notes(evidence),
        skipped: evidence.header.skipped.clone(),
        blind: gaps::blind(timeline, &faults),
        lanes: lanes::lanes(timeline),
        faults,
        drifts,
        probes,
        strength,
    }
}
