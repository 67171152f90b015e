//! Server-side apply: what a manager sends is merged, what it no longer sends is removed, what others own conflicts.

use std::fmt::Write as _;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value, json};

use crate::Kind;
use crate::registry::{Part, defaulted};

use super::error::ApiError;
use super::fieldset::{FieldSet, Path, get, remove, text};
use super::managed::{Manager, managers, ownable, set_managers};
use super::schema::{ListType, atomic_map, key_value, list_type, same_item};

/// Who applies, and how firmly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Applier<'a> {
    /// `fieldManager`.
    pub(super) manager: &'a str,
    /// Take fields from other managers instead of refusing.
    pub(super) force: bool,
    /// Which part of the object.
    pub(super) part: Part,
    /// Now.
    pub(super) time: &'a Time,
}

impl Applier<'_> {
    fn entry(&self, kind: Kind, config: &Value) -> Manager {
        let subresource = if self.part == Part::Status { "status" } else { "" };
        let mut entry = Manager::new(kind, self.manager, "Apply", subresource, self.time);
        entry.fields = ownable(kind, self.part, config);
        entry
    }
}

/// A new object as its first manager describes it.
pub(super) fn create(kind: Kind, config: &Value, applier: &Applier<'_>) -> Result<Value, ApiError> {
    check(config)?;
    let mut value = config.clone();
    set_managers(&mut value, &[applier.entry(kind, config)]);
    Ok(value)
}

/// The next version of an object.
pub(super) fn apply(kind: Kind, old: &Value, config: &Value, applier: &Applier<'_>) -> Result<Value, ApiError> {
    check(config)?;
    let mut entry = applier.entry(kind, config);
    let (mine, mut others): (Vec<Manager>, Vec<Manager>) =
        known_managers(kind, old, applier).into_iter().partition(|manager| manager.is(&entry));
    let mut merged = old.clone();
    merge(kind, "", &mut merged, config);
    let shown = defaulted(kind, merged.clone())?;
    let conflicts = conflicts(&others, &entry.fields, old, &shown);
    if !conflicts.is_empty() && !applier.force {
        return Err(conflict(&others, &conflicts));
    }
    for (index, path) in &conflicts {
        others[*index].fields.remove(path);
    }
    for mine in &mine {
        for path in mine.fields.difference(&entry.fields) {
            let owned = others.iter().any(|other| other.fields.iter().any(|theirs| theirs.starts_with(path)));
            if !owned {
                remove(&mut merged, path);
            }
        }
        if mine.fields == entry.fields {
            entry.time = mine.time.clone();
        }
    }
    others.push(entry);
    set_managers(&mut merged, &others);
    Ok(merged)
}

/// Items of lists that merge by key must have the key, each once (`structured-merge-diff`, typed).
pub(super) fn check_lists(kind: Kind, config: &Value) -> Result<(), ApiError> {
    let said = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut path = String::new();
    list_mistake(kind, "", config, &mut path).map_or(Ok(()), |wrong| {
        let facts = kind.facts();
        let message = format!(
            "failed to create typed patch object ({}/{}; {}, Kind={}): {wrong}",
            said("/metadata/namespace"),
            said("/metadata/name"),
            facts.api_version(),
            facts.kind
        );
        Err(ApiError::plain(500, "InternalError", message))
    })
}

fn list_mistake(kind: Kind, field: &str, value: &Value, path: &mut String) -> Option<String> {
    match value {
        Value::Object(fields) if !atomic_map(kind, field) => fields.iter().find_map(|(name, inner)| {
            let length = path.len();
            path.push('.');
            path.push_str(name);
            let found = list_mistake(kind, name, inner, path);
            path.truncate(length);
            found
        }),
        Value::Array(items) => {
            let list = list_type(kind, field);
            for (index, item) in items.iter().enumerate() {
                let wrong = match list {
                    // Elsewhere a key that must be given has an empty one as its default in the schema.
                    ListType::Map(_) if item.is_null() => {
                        Some(format!("{path}: element {index}: associative list with keys may not have a null element"))
                    }
                    ListType::Set if item.is_null() => Some(format!(
                        "{path}: element {index}: associative list without keys has an element that's an explicit null"
                    )),
                    ListType::Map(keys)
                        if (kind, field) == (Kind::ServiceAccount, "secrets")
                            && keys.iter().all(|key| item.get(key).is_none()) =>
                    {
                        Some(format!(
                            "{path}: element {index}: associative list with keys has an element that omits all key fields {keys:?} (and doesn't have default values for any key fields)"
                        ))
                    }
                    ListType::Map(keys) if items[..index].iter().any(|other| same_item(keys, other, item)) => {
                        let shown: Vec<String> =
                            keys.iter().filter_map(|key| Some(format!("{key}={}", key_value(item, key)?))).collect();
                        Some(format!("{path}: duplicate entries for key [{}]", shown.join(",")))
                    }
                    ListType::Set if items[..index].contains(item) => {
                        Some(format!("{path}: set contains duplicate entries"))
                    }
                    ListType::Map(_) | ListType::Set | ListType::Atomic => None,
                };
                if wrong.is_some() {
                    return wrong;
                }
                let length = path.len();
                let _ = write!(path, "[{index}]");
                let found = list_mistake(kind, "", item, path);
                path.truncate(length);
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn check(config: &Value) -> Result<(), ApiError> {
    let managed = config.pointer("/metadata/managedFields").is_some_and(|fields| !fields.is_null());
    if managed { Err(ApiError::bad_request("metadata.managedFields must be nil")) } else { Ok(()) }
}

fn known_managers(kind: Kind, old: &Value, applier: &Applier<'_>) -> Vec<Manager> {
    let known = managers(old);
    if !known.is_empty() {
        return known;
    }
    let mut before = Manager::new(kind, "before-first-apply", "Update", "", applier.time);
    before.fields = ownable(kind, Part::Main, old);
    vec![before]
}

/// Fields that others own and that this apply would change, with the index of their manager.
fn conflicts<'a>(others: &'a [Manager], wanted: &FieldSet, old: &Value, new: &Value) -> Vec<(usize, Path)> {
    let owned = |(index, other): (usize, &'a Manager)| other.fields.iter().map(move |path| (index, path));
    others
        .iter()
        .enumerate()
        .flat_map(owned)
        .filter(|(_, path)| wanted.contains(*path) && path.last().is_some_and(|step| step.starts_with("f:")))
        .filter(|(_, path)| get(old, path) != get(new, path))
        .map(|(index, path)| (index, path.clone()))
        .collect()
}

fn conflict(others: &[Manager], conflicts: &[(usize, Path)]) -> ApiError {
    let who = |index: usize| {
        let Manager { name, api_version, .. } = &others[index];
        format!("conflict with \"{name}\" using {api_version}")
    };
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(index, path)| json!({ "reason": "FieldManagerConflict", "message": who(*index), "field": text(path) }))
        .collect();
    let texts: Vec<String> = conflicts.iter().map(|(index, path)| format!("{}: {}", who(*index), text(path))).collect();
    let message = match texts.as_slice() {
        [one] => format!("Apply failed with 1 conflict: {one}"),
        many => format!("Apply failed with {} conflicts:\n- {}", many.len(), many.join("\n- ")),
    };
    ApiError { details: json!({ "causes": causes }), ..ApiError::plain(409, "Conflict", message) }
}

/// Merges what is applied: maps by field, keyed lists by item, sets by value, everything else as a whole.
fn merge(kind: Kind, field: &str, target: &mut Value, config: &Value) {
    match config {
        Value::Object(wanted) if !atomic_map(kind, field) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            for (name, inner) in wanted.iter().filter(|(_, inner)| !inner.is_null()) {
                merge(kind, name, &mut target[name.as_str()], inner);
            }
        }
        Value::Array(wanted) if list_type(kind, field) != ListType::Atomic => {
            let mut list = target.as_array().cloned().unwrap_or_default();
            for item in wanted {
                let known = match list_type(kind, field) {
                    ListType::Map(keys) => list.iter_mut().find(|known| same_item(keys, known, item)),
                    ListType::Set | ListType::Atomic => list.iter_mut().find(|known| *known == item),
                };
                match known {
                    Some(known) => merge(kind, "", known, item),
                    None => list.push(item.clone()),
                }
            }
            *target = Value::Array(list);
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            *target = config.clone();
        }
    }
}
