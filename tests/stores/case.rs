//! What a case is: real stores, a fault, and what a look at the recording must show.

use std::path::Path;

use driftproof::workload::{Claim, Kind};
use futures::future::BoxFuture;

use super::drive::Recording;

/// A recording with its name.
pub(crate) struct Seen {
    /// Name of the file.
    pub(crate) name: String,
    /// Which workload.
    pub(crate) kind: Kind,
    /// What the store claims.
    pub(crate) claim: Claim,
    /// What happened.
    pub(crate) recording: Recording,
}

/// Recordings; none when a program is not there.
pub(crate) type Found = Result<Option<Vec<Seen>>, String>;

/// What the promise of a store is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is kept.
    Clean,
    /// It is broken, by an anomaly of this name.
    Anomaly(&'static str),
}

/// One case.
pub(crate) struct Case {
    /// Name, to choose it by.
    pub(crate) name: &'static str,
    /// What must be seen.
    pub(crate) expected: Expected,
    /// Which program it needs.
    pub(crate) needs: &'static str,
    /// Runs it in a scratch folder.
    pub(crate) run: for<'a> fn(&'a Path) -> BoxFuture<'a, Found>,
}
