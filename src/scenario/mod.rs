//! What the user wrote: TOML text in, a checked [`Scenario`] or a list of diagnostics with spans out. Does no I/O.

mod check;
mod checks;
mod codes;
mod diagnostic;
mod expect;
mod fault;
mod manifests;
mod model;
mod parse;
mod parse_checks;
mod parse_cluster;
mod parse_fault;
mod parse_store;
mod quantity;
mod read;
mod reader;
mod schema;
mod selector;
mod spans;
mod store;
mod value;
mod window;

pub use checks::*;
pub use codes::Code;
pub use diagnostic::{Colour, Diagnostic, render};
pub use expect::*;
pub use fault::*;
pub use manifests::manifests;
pub use model::*;
pub use parse::{check_manifests, parse};
pub use quantity::quantity;
pub use schema::schema;
pub use selector::{Requirement, is_dns_label, is_dns_name, label_key, label_value};
pub use store::*;
pub use value::{Count, Percent, Selector, ServicePort, Workload, WorkloadKind};
pub use window::Window;
