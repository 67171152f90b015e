//! Holds a value to a structural schema, with the words of the real API server (kube-openapi's `validation`, and
//! `ValidateListSetsAndMaps`). Rules in CEL are not evaluated. Never changes a value.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::format;
use super::prune::{additional, is, property};
use crate::api::error::Cause;

/// What is wrong with a value; `at` is the path that refusals begin with, empty for a whole object.
pub(super) fn check(value: &Value, schema: &Value, at: &str) -> Vec<Cause> {
    let mut checker = Checker { at, causes: Vec::new() };
    checker.value(value, schema, "");
    let mut causes = checker.causes;
    lists(value, schema, at, &mut causes);
    causes
}

struct Checker<'a> {
    at: &'a str,
    causes: Vec<Cause>,
}

/// The type of a value as the server calls it.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn types(schema: &Value) -> Vec<&str> {
    if is(schema, "x-kubernetes-int-or-string") {
        return vec!["integer", "string"];
    }
    schema.get("type").and_then(Value::as_str).filter(|word| !word.is_empty()).into_iter().collect()
}

/// The keywords that take whole numbers.
fn size(schema: &Value, keyword: &str) -> Option<u64> {
    schema.get(keyword).and_then(Value::as_u64)
}

impl Checker<'_> {
    fn field(&self, path: &str) -> String {
        let path = path.strip_prefix('.').unwrap_or(path);
        match (self.at.is_empty(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (false, true) => self.at.to_owned(),
            (false, false) => format!("{}.{path}", self.at),
        }
    }

    fn refuse(&mut self, reason: &'static str, path: &str, message: String) {
        let field = self.field(path);
        self.causes.push(Cause { reason, field, message });
    }

    fn invalid(&mut self, path: &str, value: &Value, detail: &str) {
        self.refuse("FieldValueInvalid", path, format!("Invalid value: {value}: {path} in body {detail}"));
    }

    fn wrong_type(&mut self, path: &str, value: &Value, wanted: &str) {
        let message = format!("Invalid value: {value}: {path} in body must be of type {wanted}: {value}");
        self.refuse("FieldValueTypeInvalid", path, message);
    }

    fn value(&mut self, value: &Value, schema: &Value, path: &str) {
        let types = types(schema);
        let found = type_of(value);
        if value.is_null() {
            if !types.is_empty() && !is(schema, "nullable") {
                self.wrong_type(path, &json!(found), &types.join(","));
            }
            self.choice(value, schema, path);
            return;
        }
        // A number without a fraction is a whole one.
        let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
        // The real server looks at the format of a list before its type, and then at neither.
        let formatted = schema.get("format").and_then(Value::as_str).is_some_and(|format| !format.is_empty());
        let unseen = value.is_array() && formatted && !types.iter().any(|word| matches!(*word, "integer" | "number"));
        let fits = unseen
            || types.is_empty()
            || types.contains(&found)
            || (found == "number" && whole && types.contains(&"integer"))
            || (found == "integer" && types.contains(&"number"));
        if !fits {
            self.wrong_type(path, &json!(found), &types.join(","));
        }
        self.alternatives(value, schema, path);
        match value {
            Value::String(text) => self.text(text, value, schema, path),
            Value::Number(_) => self.number(value, schema, path),
            Value::Array(items) => self.items(items, schema, path),
            Value::Object(fields) => self.fields(fields, schema, path),
            Value::Null | Value::Bool(_) => {}
        }
        self.choice(value, schema, path);
    }

    fn choice(&mut self, value: &Value, schema: &Value, path: &str) {
        let Some(known) = schema.get("enum").and_then(Value::as_array).filter(|known| !known.is_empty()) else {
            return;
        };
        // Null is none of them, unless nothing else is asked for.
        let same = |one: &Value| one == value || one.as_f64().is_some_and(|number| Some(number) == value.as_f64());
        if !value.is_null() && known.iter().any(same) {
            return;
        }
        let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
        let known: Vec<String> = known.iter().map(|one| format!("{:?}", text(one))).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", known.join(", "));
        self.refuse("FieldValueNotSupported", path, message);
    }

    fn text(&mut self, text: &str, value: &Value, schema: &Value, path: &str) {
        let length = text.chars().count() as u64;
        if let Some(most) = size(schema, "maxLength").filter(|most| length > *most) {
            let unit = if most == 1 { "byte" } else { "bytes" };
            self.refuse("FieldValueTooLong", path, format!("Too long: may not be more than {most} {unit}"));
        } else if let Some(least) = size(schema, "minLength").filter(|least| length < *least) {
            self.invalid(path, value, &format!("should be at least {least} chars long"));
        } else if let Some(pattern) =
            schema.get("pattern").and_then(Value::as_str).filter(|pattern| !pattern.is_empty())
            && !Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text))
        {
            self.invalid(path, value, &format!("should match '{pattern}'"));
        }
        let of_text = matches!(types(schema).as_slice(), [] | ["string"]);
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && of_text
            && !format::matches(format, text)
        {
            self.wrong_type(path, value, format);
        }
    }

    fn number(&mut self, value: &Value, schema: &Value, path: &str) {
        let Some(number) = value.as_f64() else { return };
        let bound = |keyword: &str| schema.get(keyword).and_then(|bound| Some((bound.as_f64()?, bound)));
        if let Some((factor, shown)) = bound("multipleOf")
            && factor > 0.0
            && (number / factor - (number / factor).round()).abs() > 1e-9
        {
            self.invalid(path, value, &format!("should be a multiple of {}", plain(shown)));
        }
        if let Some((most, shown)) = bound("maximum") {
            let open = is(schema, "exclusiveMaximum");
            if number > most || (open && number >= most) {
                let how = if open { "less than" } else { "less than or equal to" };
                self.invalid(path, value, &format!("should be {how} {}", plain(shown)));
            }
        }
        if let Some((least, shown)) = bound("minimum") {
            let open = is(schema, "exclusiveMinimum");
            if number < least || (open && number <= least) {
                let how = if open { "greater than" } else { "greater than or equal to" };
                self.invalid(path, value, &format!("should be {how} {}", plain(shown)));
            }
        }
        if types(schema) == ["integer"]
            && schema.get("format").and_then(Value::as_str) == Some("int32")
            && value.as_i64().is_some_and(|number| i32::try_from(number).is_err())
        {
            self.refuse(
                "FieldValueInvalid",
                path,
                format!("Invalid value: {value}: Checked value must be of type integer with format int32 in {path}"),
            );
        }
    }

    fn items(&mut self, items: &[Value], schema: &Value, path: &str) {
        if let Some(of_items) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(item, of_items, &format!("{path}[{index}]"));
            }
        }
        let count = items.len() as u64;
        if let Some(least) = size(schema, "minItems").filter(|least| count < *least) {
            self.invalid(path, &json!(count), &format!("should have at least {least} items"));
        }
        if let Some(most) = size(schema, "maxItems").filter(|most| count > *most) {
            self.too_many(path, count, most);
        }
    }

    fn too_many(&mut self, path: &str, count: u64, most: u64) {
        let unit = if most == 1 { "item" } else { "items" };
        self.refuse("FieldValueTooMany", path, format!("Too many: {count}: must have at most {most} {unit}"));
    }

    fn fields(&mut self, fields: &Map<String, Value>, schema: &Value, path: &str) {
        let count = fields.len() as u64;
        if let Some(least) = size(schema, "minProperties").filter(|least| count < *least) {
            self.invalid(path, &json!(count), &format!("should have at least {least} properties"));
        }
        if let Some(most) = size(schema, "maxProperties").filter(|most| count > *most) {
            self.too_many(path, count, most);
        }
        let closed = schema.get("additionalProperties") == Some(&json!(false));
        for (name, field) in fields {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if let Some(property) = property(schema, name) {
                self.value(field, property, &below);
            } else if closed {
                let message = format!("Invalid value: \"\": {path}.{name} in body is a forbidden property");
                self.refuse("FieldValueInvalid", path, message);
            } else if let Some(more) = additional(schema) {
                self.value(field, more, &below);
            }
        }
        for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                let field = self.field(&format!("{path}.{name}"));
                self.causes.push(Cause::required(field, ""));
            }
        }
    }

    /// `anyOf`, `oneOf`, `allOf` and `not`.
    fn alternatives(&mut self, value: &Value, schema: &Value, path: &str) {
        let tried = |keyword: &str| -> Vec<Vec<Cause>> {
            let all = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
            all.map(|schema| {
                let mut checker = Checker { at: self.at, causes: Vec::new() };
                checker.value(value, schema, path);
                checker.causes
            })
            .collect()
        };
        let (any, one, all) = (tried("anyOf"), tried("oneOf"), tried("allOf"));
        let mut wrong = Vec::new();
        if !any.is_empty() && any.iter().all(|causes| !causes.is_empty()) {
            wrong.push("must validate at least one schema (anyOf)".to_owned());
            self.causes.extend(any.into_iter().next().unwrap_or_default());
        }
        let fitting = one.iter().filter(|causes| causes.is_empty()).count();
        if !one.is_empty() && fitting != 1 {
            let found = if fitting == 0 {
                "Found none valid".to_owned()
            } else {
                format!("Found {fitting} valid alternatives")
            };
            wrong.push(format!("must validate one and only one schema (oneOf). {found}"));
            if fitting == 0 {
                self.causes.extend(one.into_iter().next().unwrap_or_default());
            }
        }
        let failed = all.iter().filter(|causes| !causes.is_empty()).count();
        if failed > 0 {
            let none = if failed == all.len() { ". None validated" } else { "" };
            wrong.push(format!("must validate all the schemas (allOf){none}"));
            self.causes.extend(all.into_iter().flatten());
        }
        if let Some(not) = schema.get("not").filter(|not| not.is_object()) {
            let mut checker = Checker { at: self.at, causes: Vec::new() };
            checker.value(value, not, path);
            if checker.causes.is_empty() {
                wrong.push("must not validate the schema (not)".to_owned());
            }
        }
        for detail in wrong {
            // The real server does not say where, but in its words.
            let field = if self.at.is_empty() { "<nil>".to_owned() } else { self.at.to_owned() };
            let message = format!("Invalid value: \"\": {path:?} {detail}");
            self.causes.push(Cause { reason: "FieldValueInvalid", field, message });
        }
    }
}

/// A bound as Go prints it: a whole number without its fraction.
fn plain(bound: &Value) -> String {
    bound.as_f64().map_or_else(|| bound.to_string(), |number| number.to_string())
}

/// Items of sets and maps occur once.
fn lists(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if let Some(schema) = property(schema, name) {
                    let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    lists(field, schema, &below, causes);
                } else if let Some(schema) = additional(schema) {
                    lists(field, schema, &format!("{path}[{name}]"), causes);
                }
            }
        }
        Value::Array(items) => {
            match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
                Some("set") => twins(items.iter().cloned(), path, causes),
                Some("map") => keyed(items, schema, path, causes),
                _ => {}
            }
            if let Some(of_items) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    lists(item, of_items, &format!("{path}[{index}]"), causes);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn keyed(items: &[Value], schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    if let Some((index, item)) = items.iter().enumerate().find(|(_, item)| !item.is_object() && !item.is_null()) {
        let detail = "must be an object for an array of list-type map";
        causes.push(Cause::invalid(format!("{path}[{index}]"), item, detail));
        return;
    }
    let keys: Vec<&str> = schema
        .get("x-kubernetes-list-map-keys")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let key_of = |item: &Value| -> Value {
        keys.iter().filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone()))).collect::<Map<_, _>>().into()
    };
    twins(items.iter().map(key_of), path, causes);
}

/// Each value that was there before is told once.
fn twins(values: impl Iterator<Item = Value>, path: &str, causes: &mut Vec<Cause>) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, value) in values.enumerate() {
        let times = seen.entry(value.to_string()).or_default();
        *times += 1;
        if *times == 2 {
            causes.push(Cause::duplicate(format!("{path}[{index}]"), &value));
        }
    }
}
