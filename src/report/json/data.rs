//! What became of data: sets, volumes, histories; queries; and what is not the same afterwards.

use schemars::JsonSchema;
use serde::Serialize;

use super::seconds;
use crate::measure::{
    AnomalyMeasure, DataMeasure, FunctionCount, Held, HistoryMeasure, QueryMeasure, SameMeasure, SetMeasure,
    VolumeMeasure,
};
use crate::scenario::Aspect;
use crate::workload::{Claim, Kind, StoreKind};

/// One data check.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Data<'a> {
    /// Acknowledged unique writes, read back.
    Set(Set<'a>),
    /// A volume's content before and after.
    Volume(Volume<'a>),
    /// The history of a store's clients against the store's claim.
    History(History<'a>),
}

/// Acknowledged unique writes, read back.
#[derive(Serialize, JsonSchema)]
pub(super) struct Set<'a> {
    /// Its name.
    name: &'a str,
    /// Acknowledged writes.
    acknowledged: u64,
    /// Of these, acknowledged while a fault was in force.
    acknowledged_in_fault: u64,
    /// Writes whose outcome nobody knows.
    indeterminate: u64,
    /// Writes that were definitely refused.
    refused: u64,
    /// Acknowledged values that no final read through the service returned.
    lost: &'a [u64],
    /// When the first of these was written; null when none is lost.
    first_lost_at_s: Option<f64>,
    /// When the last of these was written; null when none is lost.
    last_lost_at_s: Option<f64>,
    /// Values that one read returned more than once.
    duplicated: &'a [u64],
    /// Values that were read and never written, or whose write was refused.
    phantom: &'a [u64],
    /// What each replica lacks in its own copy.
    missing_on: Vec<Missing<'a>>,
    /// What could not be read.
    unread: Vec<Unread<'a>>,
}

/// What a replica lacks.
#[derive(Serialize, JsonSchema)]
struct Missing<'a> {
    /// The pod.
    replica: &'a str,
    /// How many of the acknowledged values.
    missing: u64,
}

/// What could not be read.
#[derive(Serialize, JsonSchema)]
struct Unread<'a> {
    /// The pod, or `service`.
    of: &'a str,
    /// Why.
    why: &'a str,
}

/// A volume's content before and after.
#[derive(Serialize, JsonSchema)]
pub(super) struct Volume<'a> {
    /// Its name.
    name: &'a str,
    /// Before the first fault.
    before: Vec<Content<'a>>,
    /// After the last heal.
    after: Vec<Content<'a>>,
    /// What could not be read.
    unread: Vec<Unread<'a>>,
}

/// What a pod sees in a volume.
#[derive(Serialize, JsonSchema)]
struct Content<'a> {
    /// The pod.
    pod: &'a str,
    /// Digest of all files.
    digest: &'a str,
    /// How many files.
    files: u64,
}

/// The history of a store's clients against the store's claim.
#[derive(Serialize, JsonSchema)]
pub(super) struct History<'a> {
    /// Its name.
    name: &'a str,
    /// What the clients did.
    workload: Kind,
    /// What the store is.
    store: StoreKind,
    /// What it promises.
    claim: Claim,
    /// Whether it kept it: `ok`, `violation` or `unknown`.
    held: &'static str,
    /// Why that is unknown; empty when it is not.
    unknown: &'a str,
    /// The file with every operation, beside the evidence; a large one has `.gz` behind its name.
    file: &'a str,
    /// Acknowledged elements of a set that are gone; null where that is not counted.
    lost: Option<u64>,
    /// How often each function ended how.
    functions: Vec<Function<'a>>,
    /// How many anomalies of each kind.
    found: Vec<Found<'a>>,
    /// The clearest anomalies.
    anomalies: Vec<Anomaly<'a>>,
    /// The agents' pods through which the clients spoke; empty when they spoke from outside.
    inside: &'a [String],
    /// What the workload left in the store; empty when nothing.
    left: &'a str,
}

/// Operations of one function.
#[derive(Serialize, JsonSchema)]
struct Function<'a> {
    /// The function.
    function: &'a str,
    /// Acknowledged.
    ok: u64,
    /// Certainly not done.
    fail: u64,
    /// Unknown.
    info: u64,
}

/// Anomalies of one kind.
#[derive(Serialize, JsonSchema)]
struct Found<'a> {
    /// Its name in the literature.
    anomaly: &'a str,
    /// How many; of one kind and key at most some are counted.
    count: u64,
}

/// One anomaly, told.
#[derive(Serialize, JsonSchema)]
struct Anomaly<'a> {
    /// Its name in the literature.
    anomaly: &'a str,
    /// One sentence.
    headline: &'a str,
    /// Who answered: `db-1 on worker-2`.
    places: &'a [String],
    /// At most six operations.
    operations: &'a [String],
    /// Faults and drifts that overlap it.
    surroundings: &'a [String],
    /// Whether the same was there before any fault; null when it was not.
    steady: Option<&'a str>,
}

/// One query.
#[derive(Serialize, JsonSchema)]
pub(super) struct Query<'a> {
    /// Its name.
    name: &'a str,
    /// Its samples, null for one that is no number; null without an answer.
    values: Option<Vec<Option<f64>>>,
    /// Why there was none; empty when there was one.
    reason: &'a str,
}

/// Something that is not the same afterwards.
#[derive(Serialize, JsonSchema)]
pub(super) struct Difference<'a> {
    /// The aspect.
    aspect: Aspect,
    /// The object.
    object: &'a str,
    /// Before; empty when it was not there.
    before: &'a str,
    /// After; empty when it is gone.
    after: &'a str,
}

impl<'a> Data<'a> {
    pub(super) fn of(measure: &'a DataMeasure) -> Self {
        match measure {
            DataMeasure::Set(measure) => Self::Set(set(measure)),
            DataMeasure::Volume(measure) => Self::Volume(volume(measure)),
            DataMeasure::History(measure) => Self::History(history(measure)),
        }
    }
}

fn set(set: &SetMeasure) -> Set<'_> {
    Set {
        name: &set.name,
        acknowledged: set.acknowledged,
        acknowledged_in_fault: set.acknowledged_in_fault,
        indeterminate: set.indeterminate,
        refused: set.refused,
        lost: &set.lost,
        first_lost_at_s: set.lost_between.map(|(first, _)| seconds(first)),
        last_lost_at_s: set.lost_between.map(|(_, last)| seconds(last)),
        duplicated: &set.duplicated,
        phantom: &set.phantom,
        missing_on: set.missing_on.iter().map(|(replica, missing)| Missing { replica, missing: *missing }).collect(),
        unread: unread(&set.unread),
    }
}

fn unread(rows: &[(String, String)]) -> Vec<Unread<'_>> {
    rows.iter().map(|(of, why)| Unread { of, why }).collect()
}

fn volume(volume: &VolumeMeasure) -> Volume<'_> {
    fn side(rows: &[(String, String, u64)]) -> Vec<Content<'_>> {
        rows.iter().map(|(pod, digest, files)| Content { pod, digest, files: *files }).collect()
    }
    Volume {
        name: &volume.name,
        before: side(&volume.before),
        after: side(&volume.after),
        unread: unread(&volume.unread),
    }
}

fn history(history: &HistoryMeasure) -> History<'_> {
    History {
        name: &history.name,
        workload: history.workload,
        store: history.store,
        claim: history.claim,
        held: match history.held {
            Held::Ok => "ok",
            Held::Violation => "violation",
            Held::Unknown => "unknown",
        },
        unknown: &history.unknown,
        file: &history.file,
        lost: history.lost,
        functions: history.functions.iter().map(function).collect(),
        found: history.found.iter().map(|(anomaly, count)| Found { anomaly, count: *count }).collect(),
        anomalies: history.anomalies.iter().map(anomaly).collect(),
        inside: &history.inside,
        left: &history.left,
    }
}

fn function(count: &FunctionCount) -> Function<'_> {
    Function { function: &count.function, ok: count.ok, fail: count.fail, info: count.info }
}

fn anomaly(anomaly: &AnomalyMeasure) -> Anomaly<'_> {
    Anomaly {
        anomaly: &anomaly.kind,
        headline: &anomaly.headline,
        places: &anomaly.places,
        operations: &anomaly.operations,
        surroundings: &anomaly.surroundings,
        steady: anomaly.steady.as_deref(),
    }
}

impl<'a> Query<'a> {
    pub(super) fn of(query: &'a QueryMeasure) -> Self {
        let finite = |values: &Vec<f64>| values.iter().map(|value| value.is_finite().then_some(*value)).collect();
        Self { name: &query.name, values: query.values.as_ref().map(finite), reason: &query.reason }
    }
}

impl<'a> Difference<'a> {
    pub(super) fn all(same: &'a SameMeasure) -> impl Iterator<Item = Self> + use<'a> {
        let aspect = same.aspect;
        same.differences.iter().map(move |(object, before, after)| Self { aspect, object, before, after })
    }
}
