//! The JSON Schema of `report.json`, with that of `series.json` among its definitions. Made from the types that are written, so
//! that it cannot fall behind.

use schemars::generate::SchemaSettings;

use super::report::Report;
use super::series::Series;

/// The schema as pretty JSON (draft 2020-12), with a newline at its end. `#/$defs/Series` is that of `series.json`.
#[must_use]
pub fn schema() -> String {
    // What is written always has every key, null or not: the schema is that of an output.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let _ = generator.subschema_for::<Series<'_>>();
    let schema = generator.into_root_schema_for::<Report<'_>>();
    serde_json::to_string_pretty(&schema).map(|text| text + "\n").unwrap_or_default()
}
