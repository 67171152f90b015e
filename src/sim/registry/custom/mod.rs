//! `CustomResourceDefinition`s: what a definition adds to the kinds that are served, and what it says of itself once it is
//! established (`pkg/controller/status` and `pkg/registry/customresourcedefinition` of apiextensions-apiserver).

mod check;
mod format;
mod object;
mod prune;

#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::kind::{Names, custom};
use crate::{Key, Kind, State, Store};

/// The plural of definitions.
const DEFINITIONS: &str = "customresourcedefinitions";

/// Whether a kind is that of definitions.
pub(super) fn is_definition(kind: Kind) -> bool {
    matches!(kind, Kind::Stored(facts) if facts.plural == DEFINITIONS && facts.group == "apiextensions.k8s.io")
}

/// The kind of definitions.
fn definitions() -> Option<Kind> {
    Kind::by_path("apiextensions.k8s.io", "v1", DEFINITIONS)
}

/// The kinds that the definitions in a store add, in the order of their names.
pub fn defined(store: &Store) -> impl Iterator<Item = Kind> {
    let all = definitions().into_iter().flat_map(|kind| store.all(kind));
    all.filter_map(|(_, definition)| kind_of(definition.value()))
}

/// The kind that is served under this group, version and plural.
#[must_use]
pub fn served(store: &Store, group: &str, version: &str, plural: &str) -> Option<Kind> {
    Kind::by_path(group, version, plural).or_else(|| {
        defined(store).find(|kind| {
            let facts = kind.facts();
            facts.group == group && facts.plural == plural && facts.has_version(version)
        })
    })
}

/// What is wrong with the status subresource of a definition's versions: it is an object, as yet without fields.
pub(super) fn wrong_status(kind: Kind, definition: &Value) -> Option<String> {
    if !is_definition(kind) {
        return None;
    }
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let word =
        versions.filter_map(|version| version.pointer("/subresources/status")).find_map(|status| match status {
            Value::Null | Value::Object(_) => None,
            Value::Bool(_) => Some("bool"),
            Value::Number(_) => Some("number"),
            Value::String(_) => Some("string"),
            Value::Array(_) => Some("array"),
        })?;
    Some(format!(
        "json: cannot unmarshal {word} into Go struct field \
         CustomResourceSubresources.spec.versions.subresources.status of type v1.CustomResourceSubresourceStatus"
    ))
}

/// Empties the status subresources of a definition's versions, which have no fields.
pub(super) fn empty_status(definition: &mut Value) {
    let versions = definition.pointer_mut("/spec/versions").and_then(Value::as_array_mut).into_iter().flatten();
    for status in versions.filter_map(|version| version.pointer_mut("/subresources/status")) {
        if let Value::Object(fields) = status {
            fields.clear();
        }
    }
}

/// What a definition defines; nothing when no version of it is stored.
fn kind_of(definition: &Value) -> Option<Kind> {
    let spec = &definition["spec"];
    let text = |value: &'_ Value| value.as_str().map(str::to_owned);
    let versions = spec["versions"].as_array()?;
    let stored = versions.iter().find(|version| version["storage"] == json!(true))?;
    let version = stored["name"].as_str()?;
    let is_served = |version: &Value| version["served"] == json!(true);
    let also = versions.iter().filter(|other| is_served(other) && *other != stored);
    let (group, plural, kind) = (text(&spec["group"])?, text(&spec["names"]["plural"])?, text(&spec["names"]["kind"])?);
    Some(custom(&Names {
        group: &group,
        version,
        served: is_served(stored),
        also: also.filter_map(|other| other["name"].as_str()).collect(),
        plural: &plural,
        kind: &kind,
        short: spec["names"]["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        namespaced: spec["scope"] == json!("Namespaced"),
        status: stored.pointer("/subresources/status").is_some_and(Value::is_object),
    }))
}

/// What is wrong with the default of a schema's part; `at` is its path.
pub(super) fn wrong_default(default: &Value, schema: &Value, at: &str) -> Vec<Cause> {
    let mut pruned = default.clone();
    prune::prune_part(&mut pruned, schema);
    let mut causes = Vec::new();
    if pruned != *default {
        causes.push(Cause::invalid(at, default, "must not have unknown fields"));
    }
    causes.extend(check::check(default, schema, at));
    causes
}

impl State {
    /// A new object of a kind that is only stored: a definition is established at once, and must not take the names of another.
    pub(super) fn define(&self, kind: Kind, key: &Key, value: &mut Value) -> Result<(), ApiError> {
        if !is_definition(kind) {
            return Ok(());
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (group, plural) = (text("/spec/group"), text("/spec/names/plural"));
        let wanted = format!("{plural}.{group}");
        if key.name != wanted {
            let cause = Cause::invalid("metadata.name", &json!(key.name), "must be spec.names.plural+\".\"+spec.group");
            return Err(ApiError::invalid(kind, &key.name, &[cause]));
        }
        let (singular, list) = (text("/spec/names/kind").to_lowercase(), format!("{}List", text("/spec/names/kind")));
        let names = &mut value["spec"]["names"];
        for (field, default) in [("singular", singular), ("listKind", list)] {
            if names.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
                names[field] = json!(default);
            }
        }
        if value["spec"].get("conversion").is_none() {
            value["spec"]["conversion"] = json!({ "strategy": "None" });
        }
        let versions = value["spec"]["versions"].as_array().into_iter().flatten();
        let stored: Vec<Value> = versions
            .filter(|version| version["storage"] == json!(true))
            .map(|version| version["name"].clone())
            .collect();
        let condition = |kind: &str, reason: &str, message: &str| {
            json!({
                "type": kind, "status": "True", "lastTransitionTime": self.time(), "reason": reason, "message": message,
            })
        };
        value["status"] = json!({
            "acceptedNames": value["spec"]["names"], "storedVersions": stored,
            "conditions": [
                condition("NamesAccepted", "NoConflicts", "no conflicts found"),
                condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
            ],
        });
        Ok(())
    }

    /// The objects of a definition end with it.
    pub(super) fn undefine(&mut self, kind: Kind, definition: &Value) {
        if !is_definition(kind) {
            return;
        }
        let Some(kind) = kind_of(definition) else { return };
        let keys: Vec<Key> = self.store.all(kind).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.remove(kind, &key);
        }
    }
}
