//! Refuses what the real API server refuses.

use serde_json::Value;

use crate::sim::Kind;
use crate::sim::api::error::Cause;

use super::strategy::Part;

/// What is wrong with a new object.
pub(super) fn create(_kind: Kind, _value: &Value) -> Vec<Cause> {
    Vec::new()
}

/// What is wrong with a new version of an object.
pub(super) fn update(_kind: Kind, _part: Part, _old: &Value, _new: &Value) -> Vec<Cause> {
    Vec::new()
}
