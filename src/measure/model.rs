//! What was measured, as data. Times are microseconds since the run's start, durations are microseconds.

use serde::{Deserialize, Serialize};

use crate::evidence::{Ending, Proof, Stage};
pub use crate::plan::HeldBy;
use crate::scenario::{Aspect, Phase};

/// Everything that was measured in one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    /// End of the evidence.
    pub end: u64,
    /// SHA-256 of all whole lines of the evidence, as the run's record on the cluster has it where it was left; empty for evidence
    /// that is not what the run wrote, or of which that cannot be told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence_sha256: String,
    /// How the run ended; `None` when the evidence was cut off.
    pub ending: Option<Ending>,
    /// What could not be undone.
    pub dirty: Vec<String>,
    /// Objects of the fixture that the cluster keeps and does not act on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_modelled: Vec<String>,
    /// Stages in order.
    pub stages: Vec<StageSpan>,
    /// How long the target must be steady to count as such.
    #[serde(default)]
    pub settle: u64,
    /// Whether and when the target was steady: before the first fault, and after the last heal.
    pub steady_before: Option<u64>,
    /// When it was steady again for good.
    pub steady_after: Option<u64>,
    /// Why the target was not steady when settling ended; empty when it was.
    #[serde(default)]
    pub unsteady: String,
    /// Injections in the order of the plan.
    pub faults: Vec<FaultSpan>,
    /// Instances that were lost, moved or restarted.
    pub drifts: Vec<Drift>,
    /// Probes in the order of the scenario.
    pub probes: Vec<ProbeMeasure>,
    /// How often observation was lost for good while the run went on: a dead watch, a clock that jumped.
    #[serde(default)]
    pub lost: u64,
    /// Conditions of the scenario on which its faults were healed at once: index, and what was seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aborts: Vec<(usize, String)>,
    /// Data checks in the order of the scenario.
    pub data: Vec<DataMeasure>,
    /// Queries in the order of the scenario.
    pub queries: Vec<QueryMeasure>,
    /// Aspects asked for by `same_after`.
    pub same: Vec<SameMeasure>,
    /// Clocks of agents, when there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<super::ClockMeasure>,
    /// What could not be observed.
    pub gaps: Vec<String>,
    /// What the run could do without and did not see, and what it lost sight of and found again; each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Objectives and conditions that were left out on purpose and are not judged: `query.errors`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
    /// From when to when a probe saw nothing, not even that its service is gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blind: Vec<(u64, u64)>,
    /// Strength of the target over time, for the plots.
    pub strength: Vec<StrengthPoint>,
    /// Pods of the target over time, for the plots.
    pub lanes: Vec<Lane>,
}

/// A stage of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageSpan {
    /// The stage.
    pub stage: Stage,
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
}

/// One injection, from intent to proof of healing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultSpan {
    /// The plan's step.
    pub step: String,
    /// Name for people.
    pub name: String,
    /// `pod-kill` and so on.
    pub kind: String,
    /// What was chosen: `shop/web-1`, `worker-2`.
    pub targets: Vec<String>,
    /// First API call of the injection.
    pub injected: Option<u64>,
    /// Healed and verified.
    pub healed: Option<u64>,
    /// Whether it bit; `None` when there is no record of a proof.
    pub proof: Option<Proof>,
    /// Whether there is anything to heal: a deleted pod stays deleted, and a node that was cordoned before stays cordoned.
    #[serde(default)]
    pub to_heal: bool,
    /// Whether it was gone afterwards; `None` when there is no record, or nothing to heal.
    pub heal_proof: Option<Proof>,
    /// Why it could not be chosen, injected or healed; empty when all went well.
    pub problem: String,
    /// The disruption budget that did not allow a drain, when that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<HeldBy>,
    /// When the target was at full strength with steady probes after this injection; `None` when never.
    pub recovered: Option<u64>,
}

impl FaultSpan {
    /// Recovery time of this injection.
    #[must_use]
    pub fn rto(&self) -> Option<u64> {
        Some(self.recovered?.saturating_sub(self.injected?))
    }
}

/// One instance's move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The step that caused it, as far as can be told.
    pub step: Option<String>,
    /// Name for people: the old pod's name.
    pub instance: String,
    /// The instance that was lost.
    pub old: Instance,
    /// The one that took its place; `None` when none did.
    pub new: Option<Instance>,
    /// The injection that it is counted from.
    pub from: u64,
    /// The edges that were seen, in order of phases. A phase that does not apply (no volume) is absent.
    pub edges: Vec<Edge>,
    /// How the old one ended.
    pub old_end: OldEnd,
    /// What it waits for when it never came back: the phase that was not reached, and why.
    pub stuck: Option<Stuck>,
    /// When its node, being lost, got the taint by which its pods are evicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tainted: Option<u64>,
    /// Why the loss of its node never evicts it; empty when it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stays: String,
    /// Why the scheduler found no node for the new one at first, in its words; empty when it found one at once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

/// A pod that was an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Pod name.
    pub pod: String,
    /// UID.
    pub uid: String,
    /// Node.
    pub node: String,
    /// Zone of the node, empty when unknown.
    pub zone: String,
}

/// The end of a phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// The phase that ended.
    pub phase: Phase,
    /// When.
    pub at: u64,
    /// What says so: `watch pods`, `event Pulled`, `probe reads`.
    pub source: String,
    /// The true instant lies between `at - uncertainty` and `at`.
    pub uncertainty: u64,
}

/// How an old instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OldEnd {
    /// Its containers ended within their grace period.
    Graceful,
    /// It was killed, or its object was removed by force.
    Killed,
    /// Nobody confirmed that it ended: it may still run.
    NeverConfirmed,
}

/// Where a drift stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The phase that was not reached.
    pub phase: Phase,
    /// Why, naming objects; from events and conditions.
    pub why: String,
}

/// One probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProbeMeasure {
    /// Name.
    pub name: String,
    /// Whether it is a control: it probes what no fault touches, and no objective counts it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    /// Attempts that were due from the first injection until the end of settling.
    pub attempts: u64,
    /// Of these: answered in time.
    pub ok: u64,
    /// Of these: answered, later than ten times the median of the steady window and at least 100 ms.
    pub late: u64,
    /// Attempts before the first injection, and how many of these were answered.
    pub before: (u64, u64),
    /// Stretches without an answer: from the first failed attempt's due time to the next success's due time.
    pub outages: Vec<Outage>,
    /// Median latency of the answered ones, counted from when they were due.
    pub p50: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// Latency and failures over time in at most 600 buckets, for the plots.
    pub series: Vec<Bucket>,
}

/// A stretch without an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outage {
    /// Due time of the first failed attempt.
    pub from: u64,
    /// Due time of the next success, or the end of the evidence.
    pub to: u64,
    /// Failed attempts.
    pub failed: u64,
    /// Steps that were in force during it.
    pub steps: Vec<String>,
    /// The phase of a drift in which most of it fell, and the instance.
    pub phase: Option<(Phase, String)>,
    /// What the failed attempts saw, the most frequent first: `timeout`, `status 503`.
    pub seen: String,
}

/// A stretch of time in a probe's series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Its beginning.
    pub from: u64,
    /// Attempts.
    pub attempts: u32,
    /// Failed ones.
    pub failed: u32,
    /// Median latency of the answered ones.
    pub p50: u64,
    /// Highest latency of the answered ones.
    pub max: u64,
}

/// One data check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DataMeasure {
    /// Acknowledged unique writes.
    Set(SetMeasure),
    /// A volume's digest.
    Volume(VolumeMeasure),
    /// The history of a store's clients.
    History(Box<super::HistoryMeasure>),
}

/// Acknowledged unique writes, read back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SetMeasure {
    /// Name.
    pub name: String,
    /// Acknowledged writes.
    pub acknowledged: u64,
    /// Of these, acknowledged while a fault was in force.
    pub acknowledged_in_fault: u64,
    /// Writes with an unknown outcome.
    pub indeterminate: u64,
    /// Definitely refused writes.
    pub refused: u64,
    /// Acknowledged values that no final read through the service returned.
    pub lost: Vec<u64>,
    /// Values returned more than once by one read.
    pub duplicated: Vec<u64>,
    /// Values that were read but never written, or whose write was refused.
    pub phantom: Vec<u64>,
    /// What each replica lacks of the acknowledged values.
    pub missing_on: Vec<(String, u64)>,
    /// Replicas (or `service`) whose final read failed, and why.
    pub unread: Vec<(String, String)>,
    /// When the first and the last lost value was written.
    pub lost_between: Option<(u64, u64)>,
}

/// A volume's content before and after.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VolumeMeasure {
    /// Name.
    pub name: String,
    /// `pod → digest, files` before.
    pub before: Vec<(String, String, u64)>,
    /// `pod → digest, files` after.
    pub after: Vec<(String, String, u64)>,
    /// What could not be read, and why.
    pub unread: Vec<(String, String)>,
}

/// One query.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueryMeasure {
    /// Name.
    pub name: String,
    /// Samples; `None` without an answer.
    pub values: Option<Vec<f64>>,
    /// Why there was none.
    pub reason: String,
}

/// One aspect, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SameMeasure {
    /// The aspect.
    pub aspect: Aspect,
    /// Whether it was read before and after.
    pub compared: bool,
    /// `subject, before, after` wherever they differ; an absent state is empty.
    pub differences: Vec<(String, String, String)>,
}

/// Ready pods of the target at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrengthPoint {
    /// From this time on.
    pub at: u64,
    /// Ready pods.
    pub ready: u32,
    /// Wanted pods.
    pub desired: u32,
}

/// One pod over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Pod name.
    pub pod: String,
    /// UID.
    pub uid: String,
    /// States in order: from when, on which node, in which state.
    pub spans: Vec<LaneSpan>,
}

/// A pod in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneSpan {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
    /// Node, empty until bound.
    pub node: String,
    /// The state.
    pub state: LaneState,
}

/// The state of a pod in its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LaneState {
    /// Not bound to a node, or its containers do not run yet.
    Pending,
    /// Running, not Ready.
    Running,
    /// Ready.
    Ready,
    /// Marked for deletion.
    Terminating,
}
