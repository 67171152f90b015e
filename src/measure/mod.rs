//! Evidence in, numbers out: drifts with their phases, recoveries, outages, lost writes. Never judges, never does I/O.

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
mod set;
mod stages;
mod strength;
mod stuck;
pub mod text;
mod timeline;
mod volume;

pub use model::*;

use crate::evidence::Evidence;
use timeline::Timeline;

/// Measures one run. Total: any evidence gives measurements, and what cannot be told is absent or a gap.
#[must_use]
pub fn measure(evidence: &Evidence) -> Measurements {
    let line = Timeline::new(evidence);
    let strength = strength::strength(&line);
    let stretches = recovery::steady_stretches(&line, &strength);
    let mut faults = faults::faults(&line);
    let mut drifts = drifts::drifts(&line, &faults);
    recovery::recover(&line, &stretches, &drifts, &mut faults);
    let probes = probes::probes(&line, &faults, &drifts);
    drifts.sort_by(|a, b| (a.from, &a.old.pod, &a.old.uid).cmp(&(b.from, &b.old.pod, &b.old.uid)));
    Measurements {
        end: line.end,
        ending: line.closing.map(|end| end.how.clone()),
        dirty: faults::dirty(&line),
        stages: stages::stages(&line),
        steady_before: recovery::steady_before(&line, &stretches, &faults),
        steady_after: recovery::steady_after(&line, &stretches, &faults),
        data: line
            .scenario
            .data
            .iter()
            .enumerate()
            .map(|(check, wanted)| match wanted {
                crate::scenario::DataCheck::Set(wanted) => DataMeasure::Set(set::set(&line, check, wanted, &faults)),
                crate::scenario::DataCheck::Volume(wanted) => DataMeasure::Volume(volume::volume(&line, check, wanted)),
            })
            .collect(),
        queries: queries::queries(&line),
        same: same::same(&line),
        gaps: gaps::gaps(evidence, &line, &faults),
        lanes: lanes::lanes(&line),
        faults,
        drifts,
        probes,
        strength,
    }
}
