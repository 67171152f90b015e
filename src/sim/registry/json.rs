//! What Go's JSON decoding takes and typed decoding here would not: a null stands for nothing, quantities may be numbers, and
//! base64 may be broken into lines. Changes spelling alone, never meaning.

use serde_json::Value;

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

/// The maps of a LimitRange's items.
const BOUNDS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];

/// Single quantities.
const QUANTITY: [&str; 4] = ["sizeLimit", "divisor", "averageValue", "averageUtilizationValue"];

/// Rewrites an object as the types here read it. Objects of custom kinds stay as they are.
pub fn readable(kind: Kind, value: &mut Value) {
    let selects = kind == Kind::Service;
    walk(kind, selects, value);
    if kind == Kind::Secret {
        unbroken(value.get_mut("data"));
    }
    if kind == Kind::ConfigMap {
        unbroken(value.get_mut("binaryData"));
    }
}

fn walk(kind: Kind, selects: bool, value: &mut Value) {
    match value {
        Value::Object(fields) => {
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
                } else if (QUANTITY.contains(&name) || (kind == Kind::HorizontalPodAutoscaler && name == "value"))
                    && field.is_number()
                {
                    quantity(field);
                }
                walk(kind, selects, field);
            }
            fields.retain(|_, field| !field.is_null());
        }
        Value::Array(items) => {
            let texts = items.iter().any(Value::is_string);
            for item in items {
                if item.is_null() {
                    *item = if texts { "".into() } else { Value::Object(serde_json::Map::new()) };
                }
                walk(kind, selects, item);
            }
        }
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

/// Go's base64 leaves line breaks out.
fn unbroken(map: Option<&mut Value>) {
    for text in map.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
        if let Value::String(text) = text
            && text.contains(['\r', '\n'])
        {
            text.retain(|c| !matches!(c, '\r' | '\n'));
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
        let mut secret = json!({ "data": { "a": "aGVs\nbG8=\r\n" } });
        readable(Kind::Secret, &mut secret);
        assert_eq!(secret["data"]["a"], "aGVsbG8=");
    }
}
