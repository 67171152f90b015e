//! The JSON Schema of the scenario file, for completion and checks in editors. Made from the model, so that it cannot
//! fall behind; then said as TOML means it: there is no null, and each kind of fault takes its own keys and no others.

use serde_json::{Map, Value, json};

use super::{Phase, Scenario};

/// The schema as pretty JSON (draft 2020-12), with a newline at its end.
#[must_use]
pub fn schema() -> String {
    let mut schema = schemars::schema_for!(Scenario).to_value();
    without_null(&mut schema);
    close_faults(&mut schema);
    let phases = Phase::ALL.map(Phase::word);
    constrain(&mut schema, "/$defs/Expect/properties/phase", &json!({ "propertyNames": { "enum": phases } }));
    let pods = json!({ "oneOf": [{ "required": ["workload"] }, { "required": ["selector"] }] });
    constrain(&mut schema, "/$defs/Target", &pods);
    constrain(&mut schema, "/$defs/PodSet", &pods);
    constrain(&mut schema, "/$defs/Probe", &json!({ "oneOf": [{ "required": ["service"] }, { "required": ["url"] }] }));
    let (probe, query) = (json!({ "required": ["probe", "outage"] }), json!({ "required": ["query", "bound"] }));
    constrain(&mut schema, "/$defs/Abort", &json!({ "oneOf": [probe, query] }));
    constrain(&mut schema, "/properties/fault", &json!({ "minItems": 1 }));
    let name = json!({ "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63 });
    for place in ["/properties/name", "/$defs/Target/properties/namespace"] {
        constrain(&mut schema, place, &name);
    }
    let rate = json!({ "exclusiveMinimum": 0, "maximum": 1000 });
    for place in ["/$defs/Probe/properties/rate", "/$defs/DataCheck/anyOf/0/properties/rate"] {
        constrain(&mut schema, place, &rate);
    }
    let operations = json!({ "exclusiveMinimum": 0, "maximum": 50_000 });
    constrain(&mut schema, "/$defs/StoreCheck/properties/rate", &operations);
    constrain(
        &mut schema,
        "/$defs/Query/properties/bound",
        &json!({ "pattern": r"^\s*(<=|>=|==|!=|<|>)\s*[-+0-9.eE]+\s*$" }),
    );
    constrain(&mut schema, "/$defs/Cluster/properties/nodes", &json!({ "minimum": 1, "maximum": 5000 }));
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

/// Adds keywords to the schema at a place.
fn constrain(schema: &mut Value, place: &str, keywords: &Value) {
    if let (Some(Value::Object(at)), Value::Object(keywords)) = (schema.pointer_mut(place), keywords) {
        at.extend(keywords.clone());
    }
}

/// An absent key is how TOML says null: `["string", "null"]` is `"string"`, and a choice between a type and null is the type.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(without_null),
        Value::Object(object) => {
            object.values_mut().for_each(without_null);
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = types.as_slice() {
                    let one = one.clone();
                    object.insert("type".to_owned(), one);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(one)] = choices.as_slice() {
                    let one = one.clone();
                    object.remove("anyOf");
                    object.extend(one);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Writes each kind of fault as one closed object: the keys that all faults share and its own.
fn close_faults(schema: &mut Value) {
    let Some(Value::Object(definitions)) = schema.get_mut("$defs") else { return };
    let Some(Value::Object(mut fault)) = definitions.remove("Fault") else { return };
    let common = properties(&mut fault);
    let kinds = fault.get_mut("oneOf").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    let mut closed = Vec::new();
    for mut kind in kinds {
        let reference = kind.get("$ref").and_then(Value::as_str).unwrap_or_default();
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        let Value::Object(mut own) = definitions.remove(&name).unwrap_or_default() else { continue };
        let word = kind.pointer("/properties/kind").cloned().unwrap_or_default();
        let mut all = Map::from_iter([("kind".to_owned(), word)]);
        all.extend(common.clone());
        all.extend(properties(&mut own));
        closed.push(json!({
            "type": "object",
            "description": kind["description"].take(),
            "properties": all,
            "required": ["kind"],
            "additionalProperties": false,
        }));
    }
    let fault = json!({ "description": fault["description"].take(), "oneOf": closed });
    definitions.insert("Fault".to_owned(), fault);
}

fn properties(object: &mut Map<String, Value>) -> Map<String, Value> {
    match object.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    }
}
