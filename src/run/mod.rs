//! Does the plan and watches: prepare, steady, inject, prove, hold, heal, settle, check, clean. The only orchestrator;
//! every observation becomes evidence. Never judges, never knows which kind of cluster it works on.

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::evidence::{End, FaultRecord, Stage};
use crate::plan::Permission;
use crate::scenario::Scenario;

mod aborts;
mod agents;
mod calls;
mod contents;
mod context;
mod data;
mod failsafe;
mod faults;
mod fixtures;
mod inventory;
mod jumps;
mod ledger;
pub mod leftovers;
mod lock;
mod observe;
mod orchestrate;
mod preflight;
mod prepare;
mod probe;
mod queries;
mod record;
mod rights;
mod served;
mod snapshot;
mod stages;
mod steady;
mod tasks;
#[cfg(test)]
mod tests;
mod undo;
mod wait;
mod written;

pub use inventory::inventory;
pub use orchestrate::run;
pub use preflight::feasible;
pub use prepare::{Prepared, prepare};

/// What is to be run.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own on the command line")]
pub struct Job {
    /// The scenario.
    pub scenario: Scenario,
    /// Its fixture's manifests, already read, in the order of the files.
    pub manifests: Vec<Value>,
    /// Whether the manifests are applied, and removed afterwards.
    pub apply_fixtures: bool,
    /// The seed of every choice.
    pub seed: u64,
    /// Name of the run, part of the names of everything that it creates; a DNS label.
    pub run: String,
    /// The command that repeats the run.
    pub again: String,
    /// Whether the commands of a scenario may be run.
    pub allow_commands: bool,
    /// Whether partitions get a dead-man's switch, where the rights allow it.
    pub failsafe: bool,
    /// Whether a lock that another run holds is taken over before its time.
    pub break_lock: bool,
    /// What was left out of the scenario on purpose, for people: `query.errors`.
    pub skipped: Vec<String>,
}

/// Becomes `true` when the run is to heal and end.
pub type Stop = watch::Receiver<bool>;

/// Where progress goes. A receiver that is gone is no problem.
pub type Progress = mpsc::UnboundedSender<Update>;

/// What a person who watches is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// Microseconds since the run's start.
    pub at: u64,
    /// What happened.
    pub what: News,
}

/// Kinds of progress.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A stage began.
    Stage(Stage),
    /// The target became steady, or stopped being so.
    Steady {
        /// Whether it is.
        steady: bool,
        /// Why not.
        reason: String,
    },
    /// The plan was made: so many steps, the last of which ends (as far as can be told) after this many microseconds.
    Planned {
        /// Number of steps.
        steps: usize,
        /// End of the last hold, microseconds since the run's start.
        until: u64,
    },
    /// A fault went on.
    Fault(Box<FaultRecord>),
    /// The run is over.
    Finished(End),
}

/// Why a run could not be done at all. Everything later is part of the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Rights are missing; nothing was touched.
    #[error("{}", forbidden(.0))]
    Forbidden(Vec<Permission>),
    /// A fault needs what this cluster or the user does not allow; nothing was touched.
    #[error("{0}; nothing was started")]
    NotAllowed(String),
    /// The cluster does not answer; nothing was touched.
    #[error("{0}")]
    Cluster(String),
    /// Another run works on the same target.
    #[error("{0}")]
    Busy(String),
    /// A manifest of the fixture cannot be used or was refused; what had been applied was removed again.
    #[error("{0}")]
    Fixture(String),
    /// The agent that probes should start in cannot be had; nothing was injected.
    #[error("{0}; nothing was injected")]
    Agent(String),
    /// Evidence could not be written. Everything was healed.
    #[error("{0}")]
    Evidence(String),
}

fn forbidden(missing: &[Permission]) -> String {
    let lines: Vec<String> = missing.iter().map(ToString::to_string).collect();
    format!("{} rights are missing, nothing was started:\n  {}", missing.len(), lines.join("\n  "))
}
