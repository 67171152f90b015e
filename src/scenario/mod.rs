//! What the user wrote: TOML text in, a checked [`Scenario`] or a list of diagnostics with spans out. Does no I/O.

mod model;
mod value;

pub use model::*;
pub use value::{Count, Percent, Selector, ServicePort, Workload, WorkloadKind};
