//! What the user wrote: TOML text in, a checked [`Scenario`] or a list of diagnostics with spans out. Does no I/O.

mod model;
mod quantity;
mod selector;
mod value;

pub use model::*;
pub use quantity::quantity;
pub use selector::{Requirement, is_dns_label, is_dns_name, label_key, label_value};
pub use value::{Count, Percent, Selector, ServicePort, Workload, WorkloadKind};
