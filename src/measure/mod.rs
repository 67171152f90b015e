//! Evidence in, numbers out: drifts with their phases, recoveries, outages, lost writes. Never judges, never does I/O.

mod clocks;
mod drifts;
mod edges;
mod faults;
mod gaps;
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
mod volume;

pub use clocks::ClockMeasure;
pub use model::*;

use crate::evidence::Evidence;
use timeline::Timeline;

/// Measures one run. Total: any evidence gives measurements, and what cannot be told is absent or a gap.
#[must_use]
pub fn measure(evidence: &Evidence) -> Measurements {
    let timeline = Timeline::new(evidence);
    let strength = strength::strength(&timeline);
    let stretches = recovery::steady_stretches(&timeline, &strength);
    let mut faults = faults::faults(&timeline);
    let mut drifts = drifts::drifts(&timeline, &faults);
    recovery::recover(&timeline, &stretches, &drifts, &mut faults);
    let probes = probes::probes(&timeline, &faults, &drifts);
    drifts.sort_by(|a, b| (a.from, &a.old.pod, &a.old.uid).cmp(&(b.from, &b.old.pod, &b.old.uid)));
    Measurements {
        end: timeline.end,
        ending: timeline.closing.map(|end| end.how.clone()),
        dirty: faults::dirty(&timeline),
        stages: stages::stages(&timeline),
        steady_before: recovery::steady_before(&timeline, &stretches, &faults),
        steady_after: recovery::steady_after(&timeline, &stretches, &faults),
        unsteady: timeline.unsteady.to_owned(),
        data: timeline
            .scenario
            .data
            .iter()
            .enumerate()
            .map(|(check, wanted)| match wanted {
                crate::scenario::DataCheck::Set(wanted) => {
                    DataMeasure::Set(set::set(&timeline, check, wanted, &faults))
                }
                crate::scenario::DataCheck::Volume(wanted) => {
                    DataMeasure::Volume(volume::volume(&timeline, check, wanted))
                }
            })
            .collect(),
        aborts: timeline.aborts.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect(),
        lost: gaps::lost(evidence),
        queries: queries::queries(&timeline),
        same: same::same(&timeline),
        clocks: clocks::clocks(evidence),
        gaps: gaps::gaps(evidence, &timeline, &faults),
        blind: gaps::blind(&timeline, &faults),
        lanes: lanes::lanes(&timeline),
        faults,
        drifts,
        probes,
        strength,
    }
}
