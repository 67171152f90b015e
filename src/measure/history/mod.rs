//! Histories of stores: what their clients did, whether the claim held, and what breaks it, told beside the faults. Opens no
//! file: the bytes are given. A history that is missing, cut or empty says nothing, and never that all is well.

mod judge;
mod needs;
mod tell;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::evidence::HistorySeen;
use crate::scenario::StoreCheck;
use crate::workload::{Claim, Kind, StoreKind};

use super::Measurements;
use super::timeline::Timeline;

/// Bytes that judging one history may take unless somebody says otherwise: a history of a few million operations.
pub const MEMORY_DEFAULT: u64 = 4 << 30;

/// Gives out the bytes of a file, by its name, piece by piece for as long as more are wanted; as often as it is asked.
pub type Pieces<'a> = dyn Fn(&str, &mut dyn FnMut(&[u8]) -> bool) -> Result<(), String> + 'a;

/// The files beside the evidence, and when to give up on them.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The bytes of each.
    pub read: &'a Pieces<'a>,
    /// Bytes that may be held at once while one history is read and judged. What needs more stays unknown.
    pub memory: u64,
    /// Asked now and then whether the time is over.
    pub exhausted: &'a (dyn Fn() -> bool + Sync),
}

/// The history of one check of a store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryMeasure {
    /// Name.
    pub name: String,
    /// What the clients did.
    pub workload: Kind,
    /// What the store is.
    pub store: StoreKind,
    /// What it promises.
    pub claim: Claim,
    /// Whether it kept it.
    pub held: Held,
    /// Why that is unknown; empty when it is not.
    pub unknown: String,
    /// The file beside the evidence.
    pub file: String,
    /// The agents' pods through which the clients spoke; empty when they spoke from outside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// How often each function ended how.
    pub functions: Vec<FunctionCount>,
    /// The clearest anomalies.
    pub anomalies: Vec<AnomalyMeasure>,
    /// How many there are of each kind, the most frequent first; of one kind and key at most some are counted.
    pub found: Vec<(String, u64)>,
    /// Acknowledged elements of a set that no final read shows; none where nobody knows.
    pub lost: Option<u64>,
    /// Whether nothing but lost elements is wrong.
    pub only_lost: bool,
    /// What the workload left in the store; empty when nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub left: String,
}

/// Whether a claim held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// It did.
    Ok,
    /// It did not.
    Violation,
    /// It cannot be told.
    Unknown,
}

/// Operations of one function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCount {
    /// The function.
    pub function: String,
    /// Acknowledged.
    pub ok: u64,
    /// Certainly not done.
    pub fail: u64,
    /// Unknown.
    pub info: u64,
}

/// One anomaly, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnomalyMeasure {
    /// Its name in the literature.
    pub kind: String,
    /// One sentence, with the fault that it falls into.
    pub headline: String,
    /// Who answered the operations that show it: `db-1 on worker-2`.
    pub places: Vec<String>,
    /// At most six operations, each in a sentence.
    pub operations: Vec<String>,
    /// Faults and drifts that overlap it, each in a sentence.
    pub surroundings: Vec<String>,
    /// Whether the same was there before any fault.
    pub steady: Option<String>,
    /// Its neighbourhood, for the page.
    #[serde(skip)]
    pub svg: String,
}

/// A check of which nothing is known yet.
pub(super) fn blank(check: &StoreCheck) -> HistoryMeasure {
    HistoryMeasure {
        name: check.name().to_owned(),
        workload: check.kind,
        store: check.store.kind,
        claim: check.claim(),
        held: Held::Unknown,
        unknown: String::new(),
        file: String::new(),
        inside: Vec::new(),
        functions: Vec::new(),
        anomalies: Vec::new(),
        found: Vec::new(),
        lost: None,
        only_lost: false,
        left: String::new(),
    }
}

/// Judges the history of one check. The rest of the run was measured before.
pub(super) fn history(
    timeline: &Timeline<'_>,
    index: usize,
    check: &StoreCheck,
    measured: &Measurements,
    beside: Beside<'_>,
) -> HistoryMeasure {
    let mut measure = blank(check);
    measure.file = HistorySeen::file_of(index);
    let seen = timeline.histories.iter().find(|seen| seen.check == index);
    let found = match seen {
        None => Err(format!("{} was not completed: the run was cut off", measure.file)),
        Some(seen) if !seen.reason.is_empty() => Err(seen.reason.clone()),
        Some(seen) => {
            measure.left.clone_from(&seen.left);
            measure.inside.clone_from(&seen.inside);
            judge::guarded(|| judge::judged(seen, check, measured, beside)).map(|found| (seen, found))
        }
    };
    match found {
        Ok((seen, found)) => tell::fill(&mut measure, check, seen, &found, measured),
        Err(why) => measure.unknown = why,
    }
    measure
}
