//! From two versions of an object to what happened between them. Pure: it sees no clock and no cluster.

mod endpoint;
mod node;
mod pod;
mod workload;

pub(crate) use endpoint::endpoints;
pub(crate) use node::node;
pub(crate) use pod::{gone, pod};
pub(crate) use workload::workload;

use serde_json::Value;

/// The text at a path, empty when there is none.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a path, empty when there is none.
fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Status and reason of a condition, both empty when there is none.
fn condition<'a>(value: &'a Value, kind: &str) -> (&'a str, &'a str) {
    let found = list(value, "/status/conditions").iter().find(|condition| condition["type"] == kind);
    found.map_or(("", ""), |found| (text(found, "/status"), text(found, "/reason")))
}

/// `what`, and a reason when there is one.
fn because(what: &str, reason: &str) -> String {
    if reason.is_empty() { what.to_owned() } else { format!("{what} {reason}") }
}
