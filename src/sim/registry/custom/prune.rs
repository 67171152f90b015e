//! What a structural schema makes of an object before it is checked: defaults are filled in, unknown fields and empty nulls go
//! (`pkg/apiserver/schema/{defaulting,pruning}` of apiextensions-apiserver). Never refuses anything.

use serde_json::{Map, Value};

/// What every resource has without a schema's word.
const META: [&str; 3] = ["apiVersion", "kind", "metadata"];

const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// Whether a keyword of a schema is true.
pub(super) fn is(schema: &Value, keyword: &str) -> bool {
    schema.get(keyword).and_then(Value::as_bool) == Some(true)
}

/// The schema of a property.
pub(super) fn property<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    schema.get("properties")?.get(name)
}

/// The schema of what is no property; nothing when it is only allowed or forbidden as a whole.
pub(super) fn additional(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|more| more.is_object())
}

fn allows_more(schema: &Value) -> bool {
    schema.get("additionalProperties").is_some_and(|more| !more.is_null())
}

/// Fills in the defaults of a schema.
pub(super) fn default(value: &mut Value, schema: &Value) {
    let is_empty = |value: &Value, schema: &Value| value.is_null() && !is(schema, "nullable");
    let given = |schema: &Value| schema.get("default").filter(|given| !given.is_null()).cloned();
    match value {
        Value::Object(fields) => {
            for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                if let Some(given) = given(property)
                    && fields.get(name).is_none_or(|value| is_empty(value, property))
                {
                    fields.insert(name.clone(), given);
                }
            }
            for (name, field) in fields.iter_mut() {
                if let Some(property) = property(schema, name) {
                    default(field, property);
                } else if let Some(more) = additional(schema) {
                    if is_empty(field, more) {
                        *field = given(more).unwrap_or_default();
                    }
                    default(field, more);
                }
            }
        }
        Value::Array(items) => {
            let Some(of_items) = schema.get("items") else { return };
            for item in items {
                if is_empty(item, of_items) {
                    *item = given(of_items).unwrap_or_default();
                }
                default(item, of_items);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Drops what the schema of a whole resource does not know. Gives back the paths of what went, in order.
pub(super) fn prune(value: &mut Value, schema: &Value) -> Vec<String> {
    let mut gone = Vec::new();
    Pruner { gone: &mut gone }.value(value, Some(schema), true, "");
    gone.sort();
    gone
}

/// Drops what a part's schema does not know.
pub(super) fn prune_part(value: &mut Value, schema: &Value) {
    Pruner { gone: &mut Vec::new() }.value(value, Some(schema), is(schema, EMBEDDED), "");
}

struct Pruner<'a> {
    gone: &'a mut Vec<String>,
}

impl Pruner<'_> {
    fn value(&mut self, value: &mut Value, schema: Option<&Value>, resource: bool, path: &str) {
        match value {
            Value::Object(fields) => self.fields(fields, schema, resource, path),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let of_items = schema.and_then(|schema| schema.get("items"));
                    self.part(item, of_items, &format!("{path}[{index}]"));
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn part(&mut self, value: &mut Value, schema: Option<&Value>, path: &str) {
        self.value(value, schema, schema.is_some_and(|schema| is(schema, EMBEDDED)), path);
    }

    fn fields(&mut self, fields: &mut Map<String, Value>, schema: Option<&Value>, resource: bool, path: &str) {
        let keep_all = schema.is_some_and(|schema| is(schema, PRESERVE));
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let mut unknown = Vec::new();
        for (name, field) in fields.iter_mut() {
            if resource && META.contains(&name.as_str()) {
                continue;
            }
            match schema.and_then(|schema| property(schema, name)) {
                Some(property) => self.part(field, Some(property), &below(name)),
                None if schema.is_some_and(allows_more) => {
                    self.part(field, schema.and_then(additional), &below(name));
                }
                None if keep_all => {}
                None => unknown.push(name.clone()),
            }
        }
        for name in unknown {
            fields.remove(&name);
            self.gone.push(below(&name));
        }
    }
}

/// Drops nulls where the schema allows none and knows no default.
pub(super) fn drop_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let of = |name: &str| property(schema, name).or_else(|| additional(schema));
            fields.retain(|name, field| {
                let Some(schema) = of(name) else { return true };
                let has_default = schema.get("default").is_some_and(|given| !given.is_null());
                !(field.is_null() && !is(schema, "nullable") && !has_default)
            });
            for (name, field) in fields.iter_mut() {
                if let Some(schema) = of(name) {
                    drop_nulls(field, schema);
                }
            }
        }
        Value::Array(items) => {
            if let Some(of_items) = schema.get("items") {
                for item in items {
                    drop_nulls(item, of_items);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn defaults_come_in_and_unknown_fields_go() {
        let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "default": {}, "properties": {
            "size": { "type": "integer", "default": 3 },
            "color": { "type": "string", "nullable": true, "default": "red" },
            "parts": { "type": "array", "items": { "type": "object", "properties": { "name": { "type": "string" } } } },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "free": { "type": "object", PRESERVE: true, "properties": { "a": { "type": "object" } } },
            "pod": { "type": "object", EMBEDDED: true, PRESERVE: true },
            "note": { "type": "string" },
        } } } });
        let mut empty = json!({ "kind": "Thing" });
        default(&mut empty, &schema);
        assert_eq!(empty, json!({ "kind": "Thing", "spec": { "size": 3, "color": "red" } }));
        let mut object = json!({ "metadata": { "name": "a" }, "other": 1, "spec": {
            "size": null, "color": null, "sizes": 1, "parts": [{ "name": "a", "nam": "b" }], "labels": { "any": "x" },
            "free": { "b": { "c": 1 }, "a": { "d": 1 } }, "pod": { "kind": "Pod", "spec": { "x": 1 } }, "note": null,
        } });
        default(&mut object, &schema);
        assert_eq!(prune(&mut object, &schema), ["other", "spec.free.a.d", "spec.parts[0].nam", "spec.sizes"]);
        drop_nulls(&mut object, &schema);
        let wanted = json!({ "metadata": { "name": "a" }, "spec": {
            "size": 3, "color": null, "parts": [{ "name": "a" }], "labels": { "any": "x" },
            "free": { "b": { "c": 1 }, "a": {} }, "pod": { "kind": "Pod", "spec": { "x": 1 } },
        } });
        assert_eq!(object, wanted);
    }
}
