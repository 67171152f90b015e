//! One record for each line of `evidence.jsonl`. Times are microseconds since the run's start.

use serde::{Deserialize, Serialize};

use crate::plan::{Permission, Plan};
use crate::scenario::Scenario;

use super::fault::{FaultRecord, Undo};
use super::seen::Seen;

/// The version of the format; grows with every change that an older reader would misread.
/// 2: each line carries the digest of itself and of all lines before it (`chain`).
pub const VERSION: u32 = 2;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 0, 1, 2, …: a gap means that lines are missing.
    pub i: u64,
    /// Microseconds since the run's start, never decreasing.
    pub t: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event {
    /// Always the first line.
    Header(Box<Header>),
    /// A stage of the run began.
    Stage {
        /// The stage.
        stage: Stage,
    },
    /// An object is about to be created that no fault accounts for: a fixture, or the lock of the target. Synced to disk
    /// before the API call, so that what a cut-off run left can be removed.
    Creating {
        /// How it is removed.
        undo: Undo,
    },
    /// The plan, made on the inventory of the steady state.
    Plan(Box<Plan>),
    /// A state of the cluster was seen.
    Seen(Box<Seen>),
    /// A step of a fault's life.
    Fault(Box<FaultRecord>),
    /// An attempt of a probe ended (`t` is when).
    Attempt(Attempt),
    /// A write of a data check ended.
    Write(Write),
    /// A set was read.
    Read(Read),
    /// The history of a store's clients, in a file beside the evidence, is complete.
    History(Box<HistorySeen>),
    /// The digest of a volume.
    Volume(Volume),
    /// An answer of Prometheus.
    Query(QueryAnswer),
    /// The state that `same_after` compares.
    Snapshot(Box<Snapshot>),
    /// Something that limits what this evidence can show: a watch that broke, a clock that jumped.
    Gap {
        /// What could not be observed, and from when to when if known.
        what: String,
        /// Whether observation went on without loss (a watch that was resumed or listed again).
        recovered: bool,
    },
    /// A right is missing that the run asks for and can do without.
    Unreadable {
        /// The right.
        permission: Permission,
        /// What is therefore not seen, as the end of a sentence.
        unseen: String,
    },
    /// How an agent's clock stands to the run's. Times of its attempts were translated with it.
    Clock {
        /// Namespace and name of the agent's pod.
        agent: String,
        /// The agent's clock minus the run's, microseconds.
        offset: i64,
        /// The truth is at most this far away, microseconds: half of the shortest round trip.
        error: u64,
    },
    /// A condition on which the scenario ends its faults was met: they are healed from here on.
    Abort {
        /// Index of the condition in the scenario.
        condition: usize,
        /// What was seen, for people.
        reason: String,
    },
    /// The target was steady from this time on (`t`), or stopped being so.
    Steady {
        /// Whether it is.
        steady: bool,
        /// Why not, for people.
        reason: String,
    },
    /// Always the last line of a run that was not cut off.
    End(End),
}

/// Where and how a run was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`VERSION`].
    pub version: u32,
    /// `driftproof 0.1.0`.
    pub tool: String,
    /// Name of the run, part of the names of everything that it creates.
    pub run: String,
    /// The cluster.
    pub world: WorldName,
    /// The seed.
    pub seed: u64,
    /// Wall clock at `t` = 0, RFC 3339.
    pub started: String,
    /// The command that repeats the run.
    pub again: String,
    /// The scenario as it was understood.
    pub scenario: Scenario,
    /// Objects of its fixture that the embedded cluster keeps and does not act on: `Ingress web`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_modelled: Vec<String>,
    /// What was left out of the scenario on purpose: `query.errors`. Nothing of it is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum WorldName {
    /// The embedded cluster, simulated.
    Embedded,
    /// A live cluster.
    Live {
        /// The kubeconfig context.
        context: String,
        /// Server version.
        version: String,
    },
}

/// The stages of a run, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Rights are checked and fixtures applied.
    Prepare,
    /// Waiting for the steady state.
    Steady,
    /// Faults are injected, held and healed.
    Fault,
    /// Waiting for the steady state again.
    Settle,
    /// Data is read back, queries are asked.
    Check,
    /// What the run created is removed.
    Clean,
}

/// One attempt of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Index of the probe in the scenario.
    pub probe: usize,
    /// When it was due, microseconds.
    pub due: u64,
    /// From due to the answer or to giving up, microseconds.
    pub took: u64,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Answered as expected.
    Ok {
        /// The pod that answered, when it can be told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pod: Option<String>,
    },
    /// Answered with another status.
    Status {
        /// HTTP status.
        status: u16,
    },
    /// Refused or reset.
    Error {
        /// For people.
        reason: String,
    },
    /// No answer in time.
    Timeout,
}

/// One write of a data check. Indeterminate ones may have taken effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Write {
    /// Index of the check in the scenario.
    pub check: usize,
    /// The client.
    pub client: u32,
    /// The unique value.
    pub value: u64,
    /// When it was sent, microseconds.
    pub sent: u64,
    /// `ok`: acknowledged; `fail`: definitely not done; `info`: unknown.
    pub ack: Ack,
}

/// Whether an operation happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ack {
    /// It happened.
    Ok,
    /// It did not happen, for a definite reason.
    Fail,
    /// Unknown: it may have happened or may happen later.
    Info,
}

/// A set as one replica, or the service, holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// Index of the check in the scenario.
    pub check: usize,
    /// The pod that was asked; the service when absent.
    pub replica: Option<String>,
    /// The values, as often as they were returned; `None` when the read failed.
    pub values: Option<Vec<u64>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The history of one check of a store: a file of JSON Lines beside the evidence. A large one is compressed after the run and
/// then has `.gz` behind its name; all that is said of it here is of its lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistorySeen {
    /// Index of the check in the scenario.
    pub check: usize,
    /// Name of the file.
    pub file: String,
    /// How many lines it has.
    pub lines: u64,
    /// SHA-256 of its bytes as they were written, hexadecimal.
    pub sha256: String,
    /// The endpoints of the store, by name.
    pub replicas: Vec<String>,
    /// The agents' pods, `namespace/name`, through which the clients spoke to the store, one after the other; empty when they
    /// spoke from where Driftproof ran.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<String>,
    /// What was not read in the final phase, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// What the workload left in the store, which has no way to remove it; empty when nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub left: String,
    /// Why the workload could not be run; empty when it could.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl HistorySeen {
    /// The name of the file of a check.
    #[must_use]
    pub fn file_of(check: usize) -> String {
        format!("history-{check}.jsonl")
    }
}

/// A volume's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Index of the check in the scenario.
    pub check: usize,
    /// The pod in which it is mounted.
    pub pod: String,
    /// Before or after the faults.
    pub when: When,
    /// Digest over all paths and contents; `None` when it could not be read.
    pub digest: Option<String>,
    /// Number of files.
    pub files: u64,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Before or after the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// In the steady state before.
    Before,
    /// In the steady state after, or at the end when there was none.
    After,
}

/// An answer of Prometheus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryAnswer {
    /// Index of the query in the scenario.
    pub query: usize,
    /// Every sample of every series; `None` when there was no answer.
    pub values: Option<Vec<f64>>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What `same_after` compares: for each aspect lines of text that a person can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Before or after.
    pub when: When,
    /// `aspect → subject → state`, such as `images → web → sha256:…`. An aspect that could not be read is absent.
    pub aspects: std::collections::BTreeMap<crate::scenario::Aspect, std::collections::BTreeMap<String, String>>,
}

/// How the run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// How.
    pub how: Ending,
    /// What could not be undone: non-empty means left dirty.
    pub dirty: Vec<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "kebab-case")]
pub enum Ending {
    /// As planned.
    Completed,
    /// By Ctrl-C or SIGTERM.
    Interrupted,
    /// Before or without all faults, because something did not work.
    Aborted {
        /// What, on what, and what to do.
        reason: String,
    },
}
