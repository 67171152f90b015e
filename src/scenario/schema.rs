//! The JSON Schema of the scenario file, for completion in editors. Made from the model, so that it cannot fall behind.

use serde_json::{Map, Value};

use super::Scenario;

/// The schema as pretty JSON, with a newline at its end.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
