//! What Go's JSON decoding takes and typed decoding here would not: a null stands for nothing, quantities may be numbers, and
//! base64 may be broken into lines. Changes spelling alone, never meaning.

use k8s_openapi::ByteString;
use serde_json::Value;

use super::custom;
use super::qos::nanos;
use crate::Kind;

/// Maps from text to text: a null in them is the empty text.
const TEXTS: [&str; 10] = [
    "labels",
    "annotations",
    "matchLabels",
    "data",
    "stringData",
    "binaryData",
    "nodeSelector",
    "parameters",
    "volumeAttributes",
    "options",
];

/// Maps from resource to quantity: a null in them is zero (`Quantity.UnmarshalJSON`).
const QUANTITIES: [&str; 6] = ["requests", "limits", "capacity", "allocatable", "hard", "podFixed"];

/// Lists of texts: a null in them is the empty text.
const TEXT_LISTS: [&str; 16] = [
    "accessModes",
    "apiGroups",
    "args",
    "command",
    "externalIPs",
    "finalizers",
    "hostnames",
    "hosts",
    "mountOptions",
    "nameservers",
    "nonResourceURLs",
    "resourceNames",
    "resources",
    "searches",
    "values",
    "verbs",
];

/// The maps of a `LimitRange`'s items.
const BOUNDS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/// Single quantities.
const QUANTITY: [&str; 4] = ["sizeLimit", "divisor", "averageValue", "tolerance"];

/// Rewrites an object as the types here read it. Objects of custom kinds stay as they are.
pub fn readable(kind: Kind, value: &mut Value) {
    if kind.is_custom() {
        return;
    }
    if custom::is_definition(kind) {
        drop_nulls(value);
        custom::empty_status(value);
        return;
    }
    let selects = kind == Kind::Service;
    walk(kind, selects, false, value);
    if kind == Kind::Secret {
        unbroken(value.get_mut("data"));
    }
    if kind == Kind::ConfigMap {
        unbroken(value.get_mut("binaryData"));
    }
    if kind == Kind::StatefulSet {
        // What templates of claims say of their type counts for nothing.
        for claim in value.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
        {
            for (field, word) in [("apiVersion", "v1"), ("kind", "PersistentVolumeClaim")] {
                if let Some(said) = claim.get_mut(field) {
                    *said = word.into();
                }
            }
        }
    }
}

/// The first quantity that is none, with the words of the real server, which finds it when it reads an object.
pub(super) fn bad_quantity(kind: Kind, value: &Value) -> Option<&'static str> {
    // Schemas have properties of any name.
    if custom::is_definition(kind) {
        return None;
    }
    let is_bad = |amount: &Value| amount.as_str().is_some_and(|text| nanos(text.trim()).is_none());
    let found = match value {
        Value::Object(fields) => fields.iter().any(|(name, field)| {
            let name = name.as_str();
            let is_map = QUANTITIES.contains(&name) || (kind == Kind::LimitRange && BOUNDS.contains(&name));
            if is_map && let Some(amounts) = field.as_object() {
                amounts.values().any(is_bad)
            } else if QUANTITY.contains(&name) {
                is_bad(field)
            } else {
                !TEXTS.contains(&name) && bad_quantity(kind, field).is_some()
            }
        }),
        Value::Array(items) => items.iter().any(|item| bad_quantity(kind, item).is_some()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    found.then_some("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}

/// A time of microseconds must be written with all of them (`MicroTime.UnmarshalJSON`).
pub(super) fn bad_micro_time(kind: Kind, value: &Value) -> Option<&'static str> {
    let times = match kind {
        Kind::Lease => ["/spec/acquireTime", "/spec/renewTime"].as_slice(),
        Kind::Event => ["/eventTime"].as_slice(),
        _ => [].as_slice(),
    };
    let is_bad = |text: &str| {
        let fraction = text.split_once('.').map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).count());
        fraction != Some(6)
    };
    let found = times.iter().any(|at| value.pointer(at).and_then(Value::as_str).is_some_and(is_bad));
    found.then_some("parsing time: it must be written as \"2006-01-02T15:04:05.000000Z07:00\"")
}

fn walk(kind: Kind, selects: bool, of_texts: bool, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            // A scaling policy has a whole number there, a metric's target a quantity.
            let measures = kind == Kind::HorizontalPodAutoscaler && !fields.contains_key("periodSeconds");
            for (name, field) in fields.iter_mut() {
                let name = name.as_str();
                let is_bound = kind == Kind::LimitRange && BOUNDS.contains(&name);
                if QUANTITIES.contains(&name) || is_bound {
                    if let Value::Object(amounts) = field {
                        amounts.values_mut().for_each(quantity);
                        continue;
                    }
                } else if TEXTS.contains(&name) || (selects && name == "selector") {
                    if let Value::Object(texts) = field {
                        texts.values_mut().filter(|text| text.is_null()).for_each(|text| *text = "".into());
                        continue;
                    }
                } else if (QUANTITY.contains(&name) || (measures && name == "value")) && field.is_number() {
                    quantity(field);
                }
                walk(kind, selects, TEXT_LISTS.contains(&name), field);
            }
            fields.retain(|_, field| !field.is_null());
        }
        Value::Array(items) => {
            let texts = items.iter().any(Value::is_string) || of_texts;
            for item in items {
                if item.is_null() {
                    *item = if texts { "".into() } else { Value::Object(serde_json::Map::new()) };
                }
                walk(kind, selects, false, item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Drops the nulls of a definition, apart from those that its schemas speak of.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            let meant = ["default", "enum", "example"];
            fields
                .iter_mut()
                .filter(|(name, _)| !meant.contains(&name.as_str()))
                .for_each(|(_, field)| drop_nulls(field));
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn quantity(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Null => *value = "0".into(),
        Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
    }
}

/// Go's base64 leaves line breaks out, and bytes may be a list of numbers.
fn unbroken(map: Option<&mut Value>) {
    for text in map.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        match text {
            Value::String(text) if text.contains(['\r', '\n']) => text.retain(|c| !matches!(c, '\r' | '\n')),
            Value::Array(numbers) => {
                let byte = |number: &Value| number.as_u64().and_then(|number| u8::try_from(number).ok());
                let bytes: Option<Vec<u8>> = numbers.iter().map(byte).collect();
                if let Some(spelled) = bytes.and_then(|bytes| serde_json::to_value(ByteString(bytes)).ok()) {
                    *text = spelled;
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nulls_and_numbers_become_what_go_makes_of_them() {
        let mut pod = json!({
            "metadata": { "creationTimestamp": null, "annotations": { "a": null } },
            "spec": { "containers": [{ "args": ["x", null], "resources": { "limits": { "cpu": null, "memory": 64 } } }, null] },
        });
        readable(Kind::Pod, &mut pod);
        let wanted = json!({
            "metadata": { "annotations": { "a": "" } },
            "spec": { "containers": [{ "args": ["x", ""], "resources": { "limits": { "cpu": "0", "memory": "64" } } }, {}] },
        });
        assert_eq!(pod, wanted);
        let mut secret = json!({ "data": { "a": "aGVs\nbG8=\r\n", "b": [104, 105], "c": [], "d": [256] } });
        readable(Kind::Secret, &mut secret);
        assert_eq!(secret["data"], json!({ "a": "aGVsbG8=", "b": "aGk=", "c": "", "d": [256] }));
    }
}
