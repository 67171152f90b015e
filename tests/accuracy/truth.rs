//! What the audit log says of the edges that Driftproof measured. Compares, does not judge.

use driftproof::measure::{Drift, Instance, Measurements};
use driftproof::scenario::Phase;
use jiff::Timestamp;

use crate::audit::Entry;

/// One edge, measured and true, in microseconds of wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) phase: Phase,
    pub(crate) measured: i64,
    pub(crate) truth: i64,
}

impl Edge {
    /// Microseconds by which the measurement is late (or early, when negative).
    pub(crate) const fn error(&self) -> i64 {
        self.measured - self.truth
    }
}

/// The instants at which the state that a measured edge stands for became true in the API, for all drifts of a run.
/// Edges that come from no API object (the first answered probe) have no truth here.
pub(crate) fn edges(measured: &Measurements, started: &str, log: &[Entry]) -> Result<Vec<Edge>, String> {
    let start = began(started)?;
    let wall = |micros: u64| start + i64::try_from(micros).unwrap_or(i64::MAX);
    let mut all = Vec::new();
    for drift in &measured.drifts {
        for edge in &drift.edges {
            if let Some(truth) = truth(drift, edge.phase, &edge.source, log) {
                all.push(Edge { phase: edge.phase, measured: wall(edge.at), truth });
            }
        }
    }
    Ok(all)
}

/// The new pods, and the wall clock at which they were measured to have started.
pub(crate) fn starts<'a>(measured: &'a Measurements, started: &str) -> Result<Vec<(&'a Instance, i64)>, String> {
    let start = began(started)?;
    let of = |drift: &'a Drift| {
        let edge = drift.edges.iter().find(|edge| edge.phase == Phase::Started)?;
        Some((drift.new.as_ref()?, start + i64::try_from(edge.at).unwrap_or(i64::MAX)))
    };
    Ok(measured.drifts.iter().filter_map(of).collect())
}

/// The wall clock of a run's beginning, in microseconds since 1970.
fn began(started: &str) -> Result<i64, String> {
    Ok(started.parse::<Timestamp>().map_err(|error| format!("start {started}: {error}"))?.as_microsecond())
}

fn truth(drift: &Drift, phase: Phase, source: &str, log: &[Entry]) -> Option<i64> {
    let first = |holds: &dyn Fn(&Entry) -> bool| log.iter().find(|entry| holds(entry)).map(|entry| entry.answered);
    let old = &drift.old;
    match phase {
        Phase::Detected if source.contains("not Ready") => first(&|entry| {
            entry.to(&["patch", "update"], "nodes/status", &old.node) && !entry.condition("Ready", "True")
        }),
        Phase::Detected if source.contains("cordoned") => first(&|entry| entry.to(&["patch"], "nodes", &old.node)),
        Phase::Detected | Phase::Evicted => {
            first(&|entry| entry.to(&["delete"], "pods", &old.pod) || entry.to(&["create"], "pods/eviction", &old.pod))
        }
        Phase::Scheduled | Phase::Started | Phase::Ready | Phase::InEndpoints => arrival(drift, phase, log),
        Phase::VolumeAttached | Phase::ImagePulled | Phase::Serving => None,
    }
}

/// Edges of the new pod. A StatefulSet's has the name of the old one: only what came after its creation counts.
fn arrival(drift: &Drift, phase: Phase, log: &[Entry]) -> Option<i64> {
    let new = drift.new.as_ref()?;
    let bound = log.iter().rposition(|entry| entry.to(&["create"], "pods/binding", &new.pod))?;
    let later = &log[bound..];
    let first = |holds: &dyn Fn(&Entry) -> bool| later.iter().find(|entry| holds(entry)).map(|entry| entry.answered);
    let status = |entry: &Entry| entry.to(&["patch", "update"], "pods/status", &new.pod) && entry.uid() == new.uid;
    match phase {
        Phase::Scheduled => later.first().map(|entry| entry.answered),
        Phase::Started => first(&|entry| status(entry) && entry.running()),
        Phase::Ready => first(&|entry| status(entry) && entry.condition("Ready", "True")),
        Phase::InEndpoints => first(&|entry| entry.lists_ready(&new.pod)),
        Phase::Detected | Phase::Evicted | Phase::VolumeAttached | Phase::ImagePulled | Phase::Serving => None,
    }
}
