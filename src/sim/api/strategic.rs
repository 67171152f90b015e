//! Strategic merge patch: a merge patch that knows which lists are maps
//! (`k8s.io/apimachinery/pkg/util/strategicpatch`).

use serde_json::{Map, Value};

use crate::Kind;

use super::error::ApiError;
use super::schema::{ListType, list_type, same_item};

const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Merges a patch into an object.
pub(super) fn merge(kind: Kind, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    merge_value(kind, target, patch)
}

fn merge_value(kind: Kind, target: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return Ok(());
    };
    match patch.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let rest = patch.iter().filter(|(name, _)| !name.starts_with('$'));
            *target = Value::Object(rest.map(|(name, value)| (name.clone(), value.clone())).collect());
            return Ok(());
        }
        Some("delete") => {
            *target = Value::Object(Map::new());
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(unknown_directive(other)),
    }
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return Ok(()) };
    if let Some(kept) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|name, _| kept.iter().any(|keep| keep == name));
    }
    for (name, wanted) in patch.iter().filter(|(name, _)| name.starts_with(DELETE_FROM)) {
        if let Some(list) = fields.get_mut(&name[DELETE_FROM.len()..]).and_then(Value::as_array_mut) {
            list.retain(|item| !wanted.as_array().is_some_and(|gone| gone.contains(item)));
        }
    }
    for (name, wanted) in patch.iter().filter(|(name, _)| !name.starts_with('$')) {
        merge_field(kind, fields, name, wanted)?;
    }
    for (name, order) in patch.iter().filter(|(name, _)| name.starts_with(ORDER)) {
        let name = &name[ORDER.len()..];
        if let (Some(list), Some(order)) = (fields.get_mut(name).and_then(Value::as_array_mut), order.as_array()) {
            reorder(list_type(kind, name), list, order);
        }
    }
    Ok(())
}

fn merge_field(kind: Kind, fields: &mut Map<String, Value>, name: &str, wanted: &Value) -> Result<(), ApiError> {
    match wanted {
        Value::Null => {
            fields.remove(name);
        }
        Value::Object(inner) if inner.get("$patch").and_then(Value::as_str) == Some("delete") => {
            fields.remove(name);
        }
        Value::Object(_) => merge_value(kind, fields.entry(name).or_insert(Value::Null), wanted)?,
        Value::Array(items) => {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if !list.is_array() {
                *list = Value::Array(Vec::new());
            }
            if let Value::Array(list) = list {
                merge_list(kind, name, list, items)?;
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            fields.insert(name.to_owned(), wanted.clone());
        }
    }
    Ok(())
}

fn merge_list(kind: Kind, field: &str, list: &mut Vec<Value>, patch: &[Value]) -> Result<(), ApiError> {
    let directive = |item: &Value| item.get("$patch").and_then(Value::as_str).map(str::to_owned);
    let keys = match list_type(kind, field) {
        ListType::Map(keys) => strategic_keys(keys),
        ListType::Set => {
            let new: Vec<Value> = patch.iter().filter(|item| !list.contains(item)).cloned().collect();
            list.extend(new);
            return Ok(());
        }
        ListType::Atomic => {
            *list = patch.to_vec();
            return Ok(());
        }
    };
    // A lone `$patch: replace` in the list makes the rest of the patch the whole list.
    if patch.iter().any(|item| directive(item).as_deref() == Some("replace")) {
        *list = patch.iter().filter(|item| directive(item).is_none()).cloned().collect();
        return Ok(());
    }
    for item in patch {
        if keys.iter().any(|key| item.get(key).is_none_or(Value::is_null)) {
            let message = format!("map: {item} does not contain declared merge key: {}", keys.join(", "));
            return Err(ApiError::bad_request(message));
        }
        match directive(item).as_deref() {
            Some("delete") => list.retain(|known| !same_item(keys, known, item)),
            Some("merge") | None => {
                if let Some(known) = list.iter_mut().find(|known| same_item(keys, known, item)) {
                    merge_value(kind, known, item)?;
                } else {
                    let mut new = Value::Null;
                    merge_value(kind, &mut new, item)?;
                    list.push(new);
                }
            }
            Some(other) => return Err(unknown_directive(other)),
        }
    }
    Ok(())
}

/// A strategic merge knows items by one field where server-side apply needs two.
fn strategic_keys<'a>(keys: &'a [&'a str]) -> &'a [&'a str] {
    keys.get(..1).unwrap_or(keys)
}

fn reorder(list_type: ListType, list: &mut [Value], order: &[Value]) {
    let place = |item: &Value| match list_type {
        ListType::Map(keys) => order.iter().position(|wanted| same_item(strategic_keys(keys), wanted, item)),
        ListType::Set | ListType::Atomic => order.iter().position(|wanted| wanted == item),
    };
    // What only the server knows stays behind what the patch orders.
    list.sort_by_key(|item| place(item).unwrap_or(usize::MAX));
}

fn unknown_directive(directive: &str) -> ApiError {
    ApiError::bad_request(format!("Unknown patch type: {directive}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(kind: Kind, target: &Value, patch: &Value, wanted: &Value) {
        let mut merged = target.clone();
        merge(kind, &mut merged, patch).expect("the patch fits");
        assert_eq!(&merged, wanted, "{patch}");
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let pod = json!({ "spec": {
            "containers": [{ "name": "a", "image": "x:1", "env": [{ "name": "E", "value": "1" }] }, { "name": "b" }],
            "tolerations": [{ "key": "t" }],
        } });
        let table = [
            (
                json!({ "spec": { "containers": [{ "name": "a", "image": "x:2" }] } }),
                json!([{ "name": "a", "image": "x:2", "env": [{ "name": "E", "value": "1" }] }, { "name": "b" }]),
            ),
            (
                json!({ "spec": { "containers": [{ "name": "a", "env": [{ "name": "F", "value": "2" }] }] } }),
                json!([
                    { "name": "a", "image": "x:1", "env": [{ "name": "E", "value": "1" }, { "name": "F", "value": "2" }] },
                    { "name": "b" },
                ]),
            ),
            (json!({ "spec": { "containers": [{ "name": "a", "$patch": "delete" }] } }), json!([{ "name": "b" }])),
            (json!({ "spec": { "containers": [{ "name": "c" }, { "$patch": "replace" }] } }), json!([{ "name": "c" }])),
            (
                json!({ "spec": {
                    "$setElementOrder/containers": [{ "name": "c" }, { "name": "a" }, { "name": "b" }],
                    "containers": [{ "name": "c" }, { "name": "a", "env": null }],
                } }),
                json!([{ "name": "c" }, { "name": "a", "image": "x:1" }, { "name": "b" }]),
            ),
        ];
        for (patch, containers) in table {
            let mut wanted = pod.clone();
            wanted["spec"]["containers"] = containers;
            check(Kind::Pod, &pod, &patch, &wanted);
        }
        let tolerations = json!({ "spec": { "tolerations": [{ "key": "u" }] } });
        let mut wanted = pod.clone();
        wanted["spec"]["tolerations"] = json!([{ "key": "u" }]);
        check(Kind::Pod, &pod, &tolerations, &wanted);
    }

    #[test]
    fn directives_replace_delete_and_take_from_sets() {
        let object =
            json!({ "metadata": { "finalizers": ["a", "b"], "labels": { "x": "1" } }, "spec": { "s": { "t": 1 } } });
        let table = [
            (json!({ "metadata": { "finalizers": ["b", "c"] } }), "/metadata/finalizers", json!(["a", "b", "c"])),
            (
                json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a"] } }),
                "/metadata/finalizers",
                json!(["b"]),
            ),
            (
                json!({ "metadata": { "labels": { "$patch": "replace", "y": "2" } } }),
                "/metadata/labels",
                json!({ "y": "2" }),
            ),
            (json!({ "spec": { "s": { "$retainKeys": ["u"], "u": 2 } } }), "/spec/s", json!({ "u": 2 })),
        ];
        for (patch, pointer, wanted) in table {
            let mut merged = object.clone();
            merge(Kind::ConfigMap, &mut merged, &patch).expect("the patch fits");
            assert_eq!(merged.pointer(pointer), Some(&wanted), "{patch}");
        }
        let mut merged = object.clone();
        merge(Kind::ConfigMap, &mut merged, &json!({ "metadata": { "labels": { "$patch": "delete" } } }))
            .expect("fits");
        assert_eq!(merged.pointer("/metadata/labels"), None);
    }

    #[test]
    fn service_ports_merge_and_taints_are_replaced() {
        check(
            Kind::Service,
            &json!({ "spec": { "ports": [{ "port": 80, "targetPort": 1 }] } }),
            &json!({ "spec": { "ports": [{ "port": 80, "targetPort": 2 }, { "port": 81 }] } }),
            &json!({ "spec": { "ports": [{ "port": 80, "targetPort": 2 }, { "port": 81 }] } }),
        );
        check(
            Kind::Node,
            &json!({ "spec": { "taints": [{ "key": "a", "effect": "NoSchedule" }] } }),
            &json!({ "spec": { "taints": [{ "key": "b", "effect": "NoExecute" }] } }),
            &json!({ "spec": { "taints": [{ "key": "b", "effect": "NoExecute" }] } }),
        );
        let refused = merge(Kind::Pod, &mut json!({}), &json!({ "spec": { "containers": [{ "image": "x" }] } }));
        assert_eq!(refused.expect_err("no merge key").code, 400);
    }
}
