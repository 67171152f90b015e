//! Changes sound objects into others: what a person mistypes, what another object has in the same place, what the schema knows
//! and the object lacks. Every choice comes from the seed.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use serde_json::{Map, Value, json};

/// Texts that break rules, or just keep them.
const TEXTS: [&str; 34] = [
    "",
    "a",
    "A",
    "Bad_Name",
    "a b",
    "-a",
    "a-",
    "a.b",
    "..",
    "../x",
    "/x",
    "x/y",
    "x/y/z",
    "a..b",
    "1",
    "123",
    "http",
    "8080",
    "0",
    "tcp",
    "None",
    "IPv6",
    "example.com/a",
    "a=b",
    "a_b.c",
    "10.0.0.1",
    "10.0.0.1/8",
    "300.0.0.1",
    "1Gi",
    "100m",
    "-1",
    "1.5",
    "*",
    "\u{e4}",
];

/// Numbers at the ends of ranges.
const NUMBERS: [i64; 14] = [-1, 0, 1, 2, 7, 80, 511, 512, 3600, 65535, 65536, 100_000, 2_147_483_647, 2_147_483_648];

/// A place in an object.
type Path = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    Field(String),
    Item(usize),
}

fn paths(value: &Value, path: &mut Path, found: &mut Vec<Path>) {
    if !path.is_empty() {
        found.push(path.clone());
    }
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                path.push(Step::Field(name.clone()));
                paths(inner, path, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                path.push(Step::Item(index));
                paths(inner, path, found);
                path.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Field(name) => value.get_mut(name),
        Step::Item(index) => value.get_mut(index),
    })
}

/// Draws changes.
pub(crate) struct Changer<'a> {
    pub(crate) dice: ChaCha8Rng,
    /// Sound objects.
    pub(crate) seeds: &'a [Value],
    /// The API's schemas by type; empty when there is no server to ask.
    pub(crate) schemas: &'a Map<String, Value>,
}

impl Changer<'_> {
    /// A sound object with one to three changes.
    pub(crate) fn object(&mut self) -> Value {
        let mut object = self.seeds.choose(&mut self.dice).expect("seeds").clone();
        for _ in 0..self.dice.random_range(1..4) {
            self.change(&mut object);
        }
        object
    }

    fn change(&mut self, object: &mut Value) {
        if !self.schemas.is_empty() && self.dice.random_bool(0.5) && self.add(object) {
            return;
        }
        let mut found = Vec::new();
        paths(object, &mut Vec::new(), &mut found);
        found.retain(|path| !matches!(path.first(), Some(Step::Field(name)) if name == "apiVersion" || name == "kind"));
        let Some(path) = found.choose(&mut self.dice).cloned() else { return };
        match self.dice.random_range(0..8) {
            0 => remove(object, &path),
            1 => rename(object, &path),
            2 => repeat(object, &path),
            3 => self.transplant(object, &path),
            _ => {
                let Some(place) = at(object, &path) else { return };
                let kept = place.clone();
                *place = self.other(&kept);
            }
        }
    }

    /// Another value, most often of the same type.
    fn other(&mut self, value: &Value) -> Value {
        if self.dice.random_bool(0.08) {
            return [json!(null), json!("x"), json!(5), json!(true), json!({}), json!([])]
                .choose(&mut self.dice)
                .expect("some")
                .clone();
        }
        match value {
            Value::Bool(flag) => json!(!flag),
            Value::Number(_) => json!(NUMBERS.choose(&mut self.dice).expect("some")),
            Value::String(text) => json!(self.text(text)),
            Value::Array(_) => json!([]),
            Value::Object(_) | Value::Null => json!({}),
        }
    }

    fn text(&mut self, old: &str) -> String {
        match self.dice.random_range(0..10) {
            0 => "a".repeat(self.dice.random_range(14..70)),
            1 => old.to_uppercase(),
            2 => format!("{old}x"),
            3 => format!("x{old}"),
            _ => (*TEXTS.choose(&mut self.dice).expect("some")).to_owned(),
        }
    }

    /// What another object has under the same name.
    fn transplant(&mut self, object: &mut Value, path: &[Step]) {
        let Some(Step::Field(name)) = path.last() else { return };
        let donor = self.seeds.choose(&mut self.dice).expect("seeds").clone();
        let mut found = Vec::new();
        paths(&donor, &mut Vec::new(), &mut found);
        found.retain(|path| matches!(path.last(), Some(Step::Field(other)) if other == name));
        let Some(from) = found.choose(&mut self.dice) else { return };
        let mut donor = donor.clone();
        if let (Some(given), Some(place)) = (at(&mut donor, from).cloned(), at(object, path)) {
            *place = given;
        }
    }

    /// A field that the schema knows and the object lacks.
    fn add(&mut self, object: &mut Value) -> bool {
        let Some(root) = self.root(object) else { return false };
        let mut places: Vec<(Path, String)> = Vec::new();
        self.places(object, &root, &mut Vec::new(), &mut places);
        let Some((path, schema)) = places.choose(&mut self.dice).cloned() else { return false };
        let Some(properties) = self.schemas[&schema].get("properties").and_then(Value::as_object).cloned() else {
            return false;
        };
        let names: Vec<&String> =
            properties.keys().filter(|name| *name != "status" && *name != "managedFields").collect();
        let Some(name) = names.choose(&mut self.dice) else { return false };
        let value = self.generate(&properties[*name], name, 0);
        if let Some(Value::Object(fields)) = at(object, &path) {
            fields.insert((*name).clone(), value);
        }
        true
    }

    fn root(&self, object: &Value) -> Option<String> {
        let version = object["apiVersion"].as_str()?;
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        let wanted = json!({ "group": group, "version": version, "kind": object["kind"] });
        let is_it = |schema: &Value| {
            schema["x-kubernetes-group-version-kind"]
                .as_array()
                .is_some_and(|all| all.contains(&wanted) && all.len() == 1)
        };
        self.schemas.iter().find(|(_, schema)| is_it(schema)).map(|(name, _)| name.clone())
    }

    /// The type that a schema refers to.
    fn reference(schema: &Value) -> Option<String> {
        let direct = schema.get("$ref").or_else(|| schema.pointer("/allOf/0/$ref"))?;
        direct.as_str()?.rsplit('/').next().map(str::to_owned)
    }

    fn places(&self, value: &Value, schema: &str, path: &mut Path, found: &mut Vec<(Path, String)>) {
        let Some(known) = self.schemas.get(schema) else { return };
        if !value.is_object() {
            return;
        }
        found.push((path.clone(), schema.to_owned()));
        for (name, inner) in value.as_object().into_iter().flatten() {
            let property = &known["properties"][name.as_str()];
            path.push(Step::Field(name.clone()));
            if let Some(inner_schema) = Self::reference(property) {
                self.places(inner, &inner_schema, path, found);
            } else if let Some(item_schema) = Self::reference(&property["items"]) {
                for (index, item) in inner.as_array().into_iter().flatten().enumerate() {
                    path.push(Step::Item(index));
                    self.places(item, &item_schema, path, found);
                    path.pop();
                }
            }
            path.pop();
        }
    }

    /// A value of a schema: mostly plausible, sometimes not.
    fn generate(&mut self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(choices) = schema.get("enum").and_then(Value::as_array)
            && self.dice.random_bool(0.8)
        {
            return choices.choose(&mut self.dice).cloned().unwrap_or_default();
        }
        if let Some(inner) = Self::reference(schema) {
            return self.of_type(&inner, name, depth);
        }
        match schema["type"].as_str() {
            Some("string") => json!(self.word(name)),
            Some("integer" | "number") => {
                let usual = [1, 2, 5, 10, 30];
                let odd = self.dice.random_bool(0.4);
                json!(if odd {
                    *NUMBERS.choose(&mut self.dice).expect("some")
                } else {
                    *usual.choose(&mut self.dice).expect("some")
                })
            }
            Some("boolean") => json!(self.dice.random_bool(0.5)),
            Some("array") => {
                let count = if depth > 4 { 0 } else { self.dice.random_range(0..3) };
                (0..count).map(|_| self.generate(&schema["items"], name, depth + 1)).collect()
            }
            _ => {
                let inner = &schema["additionalProperties"];
                let mut map = Map::new();
                if inner.is_object() && depth < 5 {
                    for _ in 0..self.dice.random_range(0..3) {
                        let key = *["cpu", "memory", "storage", "a", "example.com/b", "app", "Bad Key", "x_y"]
                            .choose(&mut self.dice)
                            .expect("some");
                        let value = self.generate(inner, key, depth + 1);
                        map.insert(key.to_owned(), value);
                    }
                }
                Value::Object(map)
            }
        }
    }

    fn of_type(&mut self, name: &str, field: &str, depth: usize) -> Value {
        let Some(schema) = self.schemas.get(name).cloned() else { return json!({}) };
        if name.ends_with("Quantity") {
            return json!(*["1", "100m", "1Gi", "0", "-1", "1.5", "x"].choose(&mut self.dice).expect("some"));
        }
        if name.ends_with("IntOrString") {
            return [json!(1), json!(0), json!("50%"), json!("150%"), json!("http"), json!(-1)]
                .choose(&mut self.dice)
                .expect("some")
                .clone();
        }
        let Some(properties) = schema["properties"].as_object() else {
            return self.generate(&schema_without_reference(&schema), field, depth);
        };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut object = Map::new();
        for (inner, property) in properties {
            let wanted = required.contains(&inner.as_str()) && self.dice.random_bool(0.95);
            if (wanted || self.dice.random_bool(0.25)) && depth < 6 {
                object.insert(inner.clone(), self.generate(property, inner, depth + 1));
            }
        }
        Value::Object(object)
    }

    fn word(&mut self, name: &str) -> String {
        if self.dice.random_bool(0.25) {
            return self.text("a");
        }
        let lower = name.to_lowercase();
        let fitting: &[&str] = if lower.ends_with("path") {
            &["/a", "a/b", "/"]
        } else if lower.contains("ip") && lower.len() < 12 {
            &["10.1.2.3", "fd00::1"]
        } else if lower.contains("apiversion") {
            &["v1", "apps/v1"]
        } else if lower == "operator" {
            &["In", "Exists", "Equal", "NotIn"]
        } else if lower.contains("topologykey") || lower == "key" {
            &["zone", "kubernetes.io/hostname"]
        } else if lower.contains("time") {
            &["2026-01-01T00:00:00Z"]
        } else {
            &["a", "web", "data", "app", "db"]
        };
        (*fitting.choose(&mut self.dice).expect("some")).to_owned()
    }
}

fn schema_without_reference(schema: &Value) -> Value {
    let mut plain = schema.clone();
    if let Some(fields) = plain.as_object_mut() {
        fields.remove("$ref");
        fields.remove("allOf");
    }
    plain
}

fn remove(object: &mut Value, path: &[Step]) {
    let Some((last, parent)) = path.split_last() else { return };
    match (at(object, parent), last) {
        (Some(Value::Object(fields)), Step::Field(name)) => drop(fields.remove(name)),
        (Some(Value::Array(items)), Step::Item(index)) if *index < items.len() => drop(items.remove(*index)),
        _ => {}
    }
}

/// A field that is misspelt.
fn rename(object: &mut Value, path: &[Step]) {
    let Some((Step::Field(name), parent)) = path.split_last() else { return };
    if let Some(Value::Object(fields)) = at(object, parent)
        && let Some(value) = fields.remove(name)
    {
        fields.insert(format!("{name}s"), value);
    }
}

/// An item that is there twice.
fn repeat(object: &mut Value, path: &[Step]) {
    let Some((Step::Item(index), parent)) = path.split_last() else { return };
    if let Some(Value::Array(items)) = at(object, parent)
        && let Some(item) = items.get(*index).cloned()
    {
        items.push(item);
    }
}
