//! The numbers of a scenario that stand in its row: the worst of each kind.

use crate::measure::text::{duration, percent};
use crate::measure::{DataMeasure, FaultSpan, Measurements, ProbeMeasure};

/// The worst numbers of one run; `None` where nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Until full strength after a fault.
    pub rto: Option<Recovery>,
    /// Acknowledged writes that are gone, over all data checks.
    pub rpo: Option<usize>,
    /// Percent of attempts that were answered, of the worst probe.
    pub availability: Option<f64>,
    /// Microseconds without an answer, of the worst probe.
    pub longest_outage: Option<u64>,
}

/// How a recovery ended; later is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recovery {
    /// After so many microseconds.
    After(u64),
    /// Not within the run.
    Never,
}

impl Figures {
    /// Those of a run.
    #[must_use]
    pub fn of(measurements: &Measurements) -> Self {
        let never = measurements.faults.iter().any(|fault| fault.injected.is_some() && fault.recovered.is_none());
        let rto = measurements.faults.iter().filter_map(FaultSpan::rto).max().map(Recovery::After);
        let lost = measurements.data.iter().filter_map(|data| match data {
            DataMeasure::Set(set) if set.acknowledged > 0 => Some(set.lost.len()),
            DataMeasure::History(history) => history.lost.and_then(|lost| usize::try_from(lost).ok()),
            DataMeasure::Set(_) | DataMeasure::Volume(_) => None,
        });
        let tried = measurements.probes.iter().filter(|probe| probe.attempts > 0);
        Self {
            rto: if never { Some(Recovery::Never) } else { rto },
            rpo: lost.reduce(|one, other| one + other),
            availability: measurements.probes.iter().filter_map(ProbeMeasure::availability).reduce(f64::min),
            longest_outage: tried.map(ProbeMeasure::longest_outage).max(),
        }
    }

    /// In words, `–` where there is nothing.
    pub(super) fn words(&self) -> [String; 4] {
        let none = || "–".to_owned();
        let rto = self.rto.map(|rto| match rto {
            Recovery::After(micros) => duration(micros),
            Recovery::Never => "never".to_owned(),
        });
        [
            rto.unwrap_or_else(none),
            self.rpo.map_or_else(none, |lost| lost.to_string()),
            self.availability.map_or_else(none, percent),
            self.longest_outage.map_or_else(none, duration),
        ]
    }
}
