//! Sets of field paths, as `managedFields` keep them (`fieldsV1` of structured-merge-diff).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::Kind;

use super::schema::{ListType, atomic_map, key_value, list_type, same_item};

/// One step is `f:name` for a field, `k:{…}` for an item of a keyed list, `v:…` for a value of a set.
pub(super) type Path = Vec<String>;

/// The fields of an object that somebody owns.
pub(super) type FieldSet = BTreeSet<Path>;

/// Every field that a (partial) object sets.
pub(super) fn fields_of(kind: Kind, value: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    walk(kind, "", value, &mut Path::new(), &mut set);
    set
}

fn walk(kind: Kind, field: &str, value: &Value, path: &mut Path, set: &mut FieldSet) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !atomic_map(kind, field) => {
            for (name, inner) in fields.iter().filter(|(_, inner)| !inner.is_null()) {
                path.push(format!("f:{name}"));
                walk(kind, name, inner, path, set);
                path.pop();
            }
        }
        Value::Array(items) if list_type(kind, field) != ListType::Atomic => {
            for item in items {
                path.push(step(list_type(kind, field), item));
                set.insert(path.clone());
                walk(kind, "", item, path, set);
                path.pop();
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            set.insert(path.clone());
        }
    }
}

fn step(list_type: ListType, item: &Value) -> String {
    match list_type {
        ListType::Map(keys) => {
            let fields = keys.iter().filter_map(|key| Some(((*key).to_owned(), key_value(item, key)?)));
            format!("k:{}", Value::Object(fields.collect::<Map<_, _>>()))
        }
        ListType::Set | ListType::Atomic => format!("v:{item}"),
    }
}

/// The value at a path.
pub(super) fn get<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, step| match step.split_at_checked(2)? {
        ("f:", name) => value.get(name),
        (_, wanted) => {
            let wanted = serde_json::from_str(wanted).ok()?;
            value.as_array()?.iter().find(|item| is_item(step, item, &wanted))
        }
    })
}

fn is_item(step: &str, item: &Value, wanted: &Value) -> bool {
    match wanted.as_object() {
        Some(keys) if step.starts_with("k:") => {
            same_item(&keys.keys().map(String::as_str).collect::<Vec<_>>(), item, wanted)
        }
        Some(_) | None => item == wanted,
    }
}

/// Removes the value at a path, and whatever is empty because of it.
pub(super) fn remove(value: &mut Value, path: &[String]) {
    let Some((step, rest)) = path.split_first() else { return };
    match (step.split_at_checked(2), value) {
        (Some(("f:", name)), Value::Object(fields)) => {
            if let Some(inner) = fields.get_mut(name) {
                remove(inner, rest);
                if rest.is_empty() || is_empty(inner) {
                    fields.remove(name);
                }
            }
        }
        (Some((_, wanted)), Value::Array(items)) => {
            let Ok(wanted) = serde_json::from_str(wanted) else { return };
            if let Some(index) = items.iter().position(|item| is_item(step, item, &wanted)) {
                remove(&mut items[index], rest);
                if rest.is_empty() {
                    items.remove(index);
                }
            }
        }
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// As `fieldsV1`. A step that is owned itself and has owned steps below is marked with `.`.
pub(super) fn to_json(set: &FieldSet) -> Value {
    let mut root = json!({});
    for path in set {
        let mut node = &mut root;
        for step in path {
            node = &mut node[step.as_str()];
            if node.is_null() {
                *node = json!({});
            }
        }
        node["."] = json!({});
    }
    unmark_leaves(&mut root);
    root
}

fn unmark_leaves(node: &mut Value) {
    let Value::Object(steps) = node else { return };
    if steps.len() == 1 && steps.contains_key(".") {
        steps.clear();
    }
    steps.values_mut().for_each(unmark_leaves);
}

/// From `fieldsV1`.
pub(super) fn from_json(fields: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    read(fields, &mut Path::new(), &mut set);
    set
}

fn read(node: &Value, path: &mut Path, set: &mut FieldSet) {
    let steps = node.as_object().filter(|steps| !steps.is_empty());
    if (steps.is_none() || node.get(".").is_some()) && !path.is_empty() {
        set.insert(path.clone());
    }
    for (step, inner) in steps.into_iter().flatten().filter(|(step, _)| *step != ".") {
        path.push(step.clone());
        read(inner, path, set);
        path.pop();
    }
}

/// As messages write it: `.spec.template.spec.containers[name="app"].image`.
pub(super) fn text(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        match step.split_at_checked(2) {
            Some(("f:", name)) => text.extend([".", name]),
            Some(("k:", keys)) => {
                let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                let keys: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text.extend(["[", &keys.join(","), "]"]);
            }
            Some((_, value)) => text.extend(["[=", value, "]"]),
            None => {}
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_survive_their_json() {
        let value = json!({
            "metadata": { "labels": { "a": "1" }, "finalizers": ["x/y"] },
            "spec": { "selector": { "matchLabels": { "a": "1" } }, "template": { "spec": { "containers": [
                { "name": "app", "ports": [{ "containerPort": 80 }], "args": ["-v"] },
            ] } } },
        });
        let set = fields_of(Kind::Deployment, &value);
        assert_eq!(from_json(&to_json(&set)), set);
        let texts: Vec<String> = set.iter().map(|path| text(path)).collect();
        let container = ".spec.template.spec.containers[name=\"app\"]";
        for wanted in [
            ".metadata.finalizers[=\"x/y\"]".to_owned(),
            ".spec.selector".to_owned(),
            format!("{container}.args"),
            format!("{container}.ports[containerPort=80,protocol=\"TCP\"]"),
        ] {
            assert!(texts.contains(&wanted), "{wanted} in {texts:?}");
        }
        assert!(set.iter().all(|path| get(&value, path).is_some()));
    }

    #[test]
    fn removal_leaves_no_empty_parents() {
        let mut value = json!({ "metadata": { "labels": { "a": "1" } }, "spec": { "x": 1 } });
        remove(&mut value, &["f:metadata".to_owned(), "f:labels".to_owned(), "f:a".to_owned()]);
        assert_eq!(value, json!({ "spec": { "x": 1 } }));
    }
}
