//! Histories of operations in, a proof or an anomaly out. Usable alone, as a library and as `driftproof check`.
//!
//! Never does I/O, never reads a clock that it was not given, and knows nothing of clusters, faults or reports.

pub mod account;
mod allowance;
pub mod append;
#[cfg(test)]
mod budgets;
pub mod check;
#[cfg(any(test, feature = "testkit"))]
pub mod differential;
pub mod explain;
pub mod format;
mod guess;
pub mod history;
mod intern;
mod model;
pub mod outcome;
pub mod register;
mod search;
pub mod stream;
pub mod text;
pub mod vacuity;
pub mod verify;

pub use allowance::Allowance;
pub use check::{Engine, FailedCas, Model, Nil, Options, check};
pub use format::{Format, Keys, ReadError};
pub use guess::guess_model;
pub use history::{Call, Completion, Function, History, Moment, Operation, Value};
pub use outcome::{Anomaly, AnomalyKind, Budget, Certificate, Outcome};
pub use search::shrink;
pub use text::{Judged, Request, check_text};
pub use verify::{Confirmation, Refusal, verify};
