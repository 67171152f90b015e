//! An anomaly for people: times, pods, nodes, the faults that overlap it, and a picture of its neighbourhood. Pure; judges
//! nothing and changes no verdict: faults never excuse an anomaly, they annotate it.

mod clock;
mod picture;
mod sentences;
mod svg;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use picture::{Band, Lane, Mark, MarkKind, Picture, picture};
pub use sentences::{Explanation, explain};
pub use svg::svg;

/// Whether something was done to the system or an instance moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnnotationKind {
    /// An injected fault.
    Fault,
    /// One instance's move.
    Drift,
}

/// Something that happened on the time axis of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// Its name: `partition-1`.
    pub name: String,
    /// What it is.
    pub kind: AnnotationKind,
    /// When it began, in nanoseconds of the history's clock.
    pub from: i64,
    /// When it ended; none if it did not.
    pub to: Option<i64>,
    /// What it hit: `pod/db-1`.
    pub place: String,
    /// The node, where one is concerned.
    pub node: Option<String>,
}

/// What is known around a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Faults and drifts.
    pub annotations: Vec<Annotation>,
    /// The steady window before the first fault, in nanoseconds of the history's clock.
    pub steady: Option<(i64, i64)>,
    /// The node of each pod, as far as it is known.
    pub nodes: BTreeMap<String, String>,
    /// The number of each operation in the whole history, where only a part of it is at hand.
    pub numbers: Vec<u32>,
}
