//! What both servers make of an object that both take: the fields in which the answers differ, without those that a server
//! draws or counts.

use std::collections::BTreeMap;

use serde_json::Value;

/// What each server draws or counts for itself.
const OWN: [&str; 12] = [
    "metadata.uid",
    "metadata.creationTimestamp",
    "metadata.resourceVersion",
    "metadata.managedFields",
    "metadata.generation",
    "metadata.name",
    "spec.clusterIP",
    "spec.clusterIPs",
    "spec.healthCheckNodePort",
    "spec.ports[].nodePort",
    "status.conditions[].lastTransitionTime",
    "webhooks[].clientConfig.caBundle",
];

/// Differences by kind and field, each with how often it was seen and the values of the first time.
#[derive(Default)]
pub(crate) struct Differences(BTreeMap<String, (usize, String)>);

impl Differences {
    /// Compares the answers to one object.
    pub(crate) fn add(&mut self, kind: &str, ours: &Value, theirs: &Value) {
        self.compare(kind, "", ours, theirs);
    }

    fn compare(&mut self, kind: &str, path: &str, ours: &Value, theirs: &Value) {
        if ours == theirs || OWN.contains(&path) || (is_empty(ours) && is_empty(theirs)) {
            return;
        }
        match (ours, theirs) {
            (Value::Object(one), Value::Object(other)) => {
                let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
                for name in names {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    let part = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                    self.compare(kind, &below, &part(one), &part(other));
                }
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                for (ours, theirs) in one.iter().zip(other) {
                    self.compare(kind, &format!("{path}[]"), ours, theirs);
                }
            }
            _ => {
                let (count, _) = self
                    .0
                    .entry(format!("{kind} {path}"))
                    .or_insert_with(|| (0, format!("embedded {}, real {}", short(ours), short(theirs))));
                *count += 1;
            }
        }
    }

    /// How many fields differ.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// One line for each field.
    pub(crate) fn print(&self) {
        for (field, (count, example)) in &self.0 {
            println!("{count:5} {field}: {example}");
        }
    }
}

/// Nothing is said in several ways.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(160).collect()
}
