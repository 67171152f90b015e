//! `metadata.managedFields`: who owns which field. Kept from the first server-side apply of an object on; writes of
//! other kinds before it are known as `before-first-apply`, as on a server that began to track late.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use crate::Kind;
use crate::registry::Part;

use super::fieldset::{FieldSet, fields_of, from_json, get, to_json};

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Manager {
    pub(super) name: String,
    /// `Apply` or `Update`.
    pub(super) operation: String,
    /// Empty for the object itself.
    pub(super) subresource: String,
    pub(super) api_version: String,
    pub(super) time: Value,
    pub(super) fields: FieldSet,
}

impl Manager {
    /// An entry of now.
    pub(super) fn new(kind: Kind, name: &str, operation: &str, subresource: &str, time: &Time) -> Self {
        Self {
            name: name.to_owned(),
            operation: operation.to_owned(),
            subresource: subresource.to_owned(),
            api_version: kind.facts().api_version(),
            time: json!(time),
            fields: FieldSet::new(),
        }
    }

    /// Whether another entry speaks for the same manager in the same way.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.name, &self.operation, &self.subresource) == (&other.name, &other.operation, &other.subresource)
    }
}

/// Reads the entries of an object.
pub(super) fn managers(object: &Value) -> Vec<Manager> {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| Manager {
            name: text(entry, "manager"),
            operation: text(entry, "operation"),
            subresource: text(entry, "subresource"),
            api_version: text(entry, "apiVersion"),
            time: entry["time"].clone(),
            fields: from_json(&entry["fieldsV1"]),
        })
        .collect()
}

/// Writes the entries into an object; those that own nothing are left out.
pub(super) fn set_managers(object: &mut Value, managers: &[Manager]) {
    let entries = managers.iter().filter(|manager| !manager.fields.is_empty()).map(|manager| {
        let mut entry = json!({
            "manager": manager.name, "operation": manager.operation, "apiVersion": manager.api_version,
            "time": manager.time, "fieldsType": "FieldsV1", "fieldsV1": to_json(&manager.fields),
        });
        if !manager.subresource.is_empty() {
            entry["subresource"] = json!(manager.subresource);
        }
        entry
    });
    object["metadata"]["managedFields"] = entries.collect();
}

/// What of an object can be owned by a writer of this part.
pub(super) fn ownable(kind: Kind, part: Part, object: &Value) -> FieldSet {
    let status = kind.facts().status;
    let mut set = fields_of(kind, object);
    set.retain(|path| match path.first().map(String::as_str) {
        Some("f:apiVersion" | "f:kind") | None => false,
        Some("f:status") => part == Part::Status || !status,
        Some("f:metadata") => {
            part == Part::Main
                && matches!(
                    path.get(1).map(String::as_str),
                    Some("f:labels" | "f:annotations" | "f:finalizers" | "f:ownerReferences")
                )
        }
        Some(_) => part == Part::Main,
    });
    set
}

/// Records a write that was not an apply: what it changed is the writer's now. Does nothing for an object that was
/// never applied.
pub(super) fn track(kind: Kind, part: Part, old: &Value, new: &mut Value, mut writer: Manager) {
    let mut managers = managers(old);
    // An explicit empty list asks for forgetting, as on the real server.
    let forget = new.pointer("/metadata/managedFields") == Some(&json!([]));
    if managers.is_empty() || forget {
        if let Some(metadata) = new.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        return;
    }
    let (before, after) = (ownable(kind, part, old), ownable(kind, part, new));
    let changed: FieldSet = after.iter().filter(|path| get(old, path) != get(new, path)).cloned().collect();
    let items = |path: &&Vec<String>| path.last().is_some_and(|step| step.starts_with("f:"));
    let values: FieldSet = changed.iter().filter(items).cloned().collect();
    for manager in &mut managers {
        manager.fields.retain(|path| !values.contains(path) && (after.contains(path) || !before.contains(path)));
    }
    if !changed.is_empty() {
        if let Some(known) = managers.iter_mut().find(|manager| manager.is(&writer)) {
            known.fields.extend(changed);
            known.time = writer.time;
        } else {
            writer.fields = changed;
            managers.push(writer);
        }
    }
    set_managers(new, &managers);
}
