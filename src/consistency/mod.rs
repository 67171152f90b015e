//! Histories of operations in, a proof or an anomaly out. Usable alone, as a library and as `driftproof check`.
//!
//! Never does I/O, never reads a clock that it was not given, and knows nothing of clusters, faults or reports.

pub mod account;
pub mod append;
pub mod explain;
pub mod format;
pub mod history;
pub mod outcome;
pub mod vacuity;

pub use format::{Format, ReadError};
pub use history::{Call, Completion, Function, History, Moment, Operation, Value};
pub use outcome::{Anomaly, AnomalyKind, Budget, Certificate, Outcome};
