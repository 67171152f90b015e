//! Texts and JSON of stores as the values of a history, and back.

use serde_json::Value as Json;

use crate::consistency::Value;

/// A number if it reads as one, else text.
pub(super) fn from_text(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::Text(text.into()), Value::Int)
}

/// JSON as a value. Numbers in text count as numbers, since many stores keep all as text.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map_or_else(|| Value::Text(number.to_string().into()), Value::Int),
        Json::String(text) => from_text(text),
        Json::Array(items) => Value::List(items.iter().map(from_json).collect()),
        Json::Object(entries) => Value::Map(
            entries.iter().map(|(key, value)| (Value::Text(key.as_str().into()), from_json(value))).collect(),
        ),
    }
}

/// A value as JSON. Keys of maps become text.
pub(super) fn to_json(value: &Value) -> Json {
    match value {
        Value::Nil => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Number(number) => serde_json::from_str(number).unwrap_or_else(|_| Json::String(number.to_string())),
        Value::Text(text) | Value::Keyword(text) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| {
                let key = match key {
                    Value::Text(text) | Value::Keyword(text) => text.to_string(),
                    other => other.to_string(),
                };
                (key, to_json(value))
            })
            .collect(),
    }
}

/// A list as stores without lists keep it: numbers with commas.
pub(super) fn parse_elements(text: &str) -> Value {
    Value::List(text.split(',').filter(|part| !part.is_empty()).map(from_text).collect())
}

/// A list with one more element.
pub(super) fn with_element(text: &str, element: i64) -> String {
    if text.is_empty() { element.to_string() } else { format!("{text},{element}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_comes_back_as_it_was() {
        for json in
            [json!(null), json!(true), json!(-4), json!("k"), json!([1, ["a", null]]), json!({ "a": 1, "b": [] })]
        {
            assert_eq!(to_json(&from_json(&json)), json);
        }
        assert_eq!(from_json(&json!("41")), Value::Int(41), "stores that keep all as text");
        assert_eq!(from_json(&json!(1.5)), Value::Text("1.5".into()));
    }

    #[test]
    fn lists_grow_by_their_end() {
        let list = with_element(&with_element("", 3), 5);
        assert_eq!(list, "3,5");
        assert_eq!(parse_elements(&list), Value::List([Value::Int(3), Value::Int(5)].into()));
        assert_eq!(parse_elements(""), Value::List([].into()));
    }
}
