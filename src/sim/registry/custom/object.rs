//! Objects of custom kinds: each is brought into the shape of its version's schema, then held to it
//! (`unstructuredSchemaCoercer` and `customResourceValidator` of apiextensions-apiserver). Never stores anything.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use super::check::check;
use super::{definitions, prune};
use crate::api::error::{ApiError, Cause};
use crate::kind::Facts;
use crate::registry::strategy::Part;
use crate::registry::validate::words;
use crate::registry::{decode, json, validate};
use crate::{Key, Kind, State};

/// The facts of a custom kind; nothing for Kubernetes' own.
pub(in crate::registry) fn facts(kind: Kind) -> Option<&'static Facts> {
    match kind {
        Kind::Stored(facts) if kind.is_custom() => Some(facts),
        _ => None,
    }
}

impl State {
    /// Paths of fields that an object's kind does not have, such as `spec.template.spec.containers[0].imagee`; those of a custom
    /// kind by the schema of the object's version.
    ///
    /// # Errors
    /// `BadRequest` when the JSON does not fit the kind at all.
    pub fn unknown_fields(&self, kind: Kind, value: &Value) -> Result<Vec<String>, ApiError> {
        if facts(kind).is_none() {
            return decode::unknown_fields(kind, value);
        }
        let mut shaped = value.clone();
        let mut unknown = metadata(kind, &mut shaped)?;
        if let Some(schema) = self.custom_schema(kind, value) {
            prune::default(&mut shaped, &schema);
            unknown.extend(prune::prune(&mut shaped, &schema));
        }
        Ok(unknown)
    }

    /// Whether the schema of a custom object keeps fields that it does not know at its root.
    pub(crate) fn keeps_unknown(&self, kind: Kind, value: &Value) -> bool {
        let schema = self.custom_version(kind, value).and_then(|version| version.pointer("/schema/openAPIV3Schema"));
        schema.is_some_and(|schema| prune::is(schema, "x-kubernetes-preserve-unknown-fields"))
    }

    /// Gives an object of a custom kind the shape of its version's schema, and says what is wrong with it. Those of Kubernetes'
    /// own kinds stay as they are.
    pub(in crate::registry) fn shape_custom(&self, kind: Kind, value: &mut Value) -> Result<Vec<Cause>, ApiError> {
        if facts(kind).is_none() {
            return Ok(Vec::new());
        }
        metadata(kind, value)?;
        let Some(version) = self.custom_version(kind, value) else { return Ok(Vec::new()) };
        let Some(schema) = version.pointer("/schema/openAPIV3Schema") else { return Ok(Vec::new()) };
        prune::default(value, schema);
        prune::prune(value, schema);
        prune::drop_nulls(value, schema);
        let mut causes = check(value, schema, "");
        causes.extend(replicas(value, version));
        embedded(value, schema, "", &mut causes);
        // What is stored has no fields but those of the stored version.
        if let Some(stored) = self.custom_schema(kind, &json!({})) {
            prune::prune(value, &stored);
        }
        Ok(causes)
    }

    /// What is wrong with a new version of an object of a custom kind. What was wrong before may stay (`CRDValidationRatcheting`).
    pub(in crate::registry) fn shape_custom_update(
        &self,
        kind: Kind,
        part: Part,
        old: &Value,
        new: &mut Value,
    ) -> Result<Vec<Cause>, ApiError> {
        let causes = self.shape_custom(kind, new)?;
        if causes.is_empty() {
            return Ok(causes);
        }
        let before = self.shape_custom(kind, &mut old.clone())?;
        let in_status = |cause: &Cause| cause.field == "status" || cause.field.starts_with("status.");
        let counts = |cause: &Cause| !before.contains(cause) && (part == Part::Main || in_status(cause));
        Ok(causes.into_iter().filter(counts).collect())
    }

    /// The version of its definition that an object is written in; the stored one when it does not say.
    fn custom_version(&self, kind: Kind, value: &Value) -> Option<&Value> {
        let facts = facts(kind)?;
        let key = Key::cluster(format!("{}.{}", facts.plural, facts.group));
        let versions = self.store.get(definitions()?, &key)?.at("/spec/versions")?.as_array()?;
        let said = value.get("apiVersion").and_then(Value::as_str).and_then(|version| version.split_once('/'));
        let wanted = said.map_or(facts.version, |(_, version)| version);
        let named = |name: &str| versions.iter().find(|version| version["name"] == json!(name));
        named(wanted).or_else(|| named(facts.version))
    }

    fn custom_schema(&self, kind: Kind, value: &Value) -> Option<Value> {
        self.custom_version(kind, value)?.pointer("/schema/openAPIV3Schema").cloned()
    }
}

/// Reads metadata as every kind has it. Gives back the paths of what it does not know.
fn metadata(kind: Kind, value: &mut Value) -> Result<Vec<String>, ApiError> {
    let Some(given) = value.get("metadata").filter(|given| !given.is_null()) else { return Ok(Vec::new()) };
    let mut read = json!({ "metadata": given });
    json::readable(Kind::ConfigMap, &mut read);
    let given = read["metadata"].take();
    let known: ObjectMeta = serde_json::from_value(given).map_err(|error| {
        let facts = kind.facts();
        let message = format!("{0} in version \"{1}\" cannot be handled as a {0}: {error}", facts.kind, facts.version);
        ApiError::bad_request(message)
    })?;
    let known = serde_json::to_value(&known).map_err(|error| ApiError::internal(&error))?;
    let unknown = decode::unknown_fields(Kind::ConfigMap, &json!({ "metadata": value["metadata"] }))?;
    value["metadata"] = known;
    Ok(unknown)
}

/// Resources within an object say what they are, and have metadata as all have it.
fn embedded(value: &Value, schema: &Value, path: &str, causes: &mut Vec<Cause>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => {
            if prune::is(schema, "x-kubernetes-embedded-resource") {
                for name in ["apiVersion", "kind"] {
                    match fields.get(name) {
                        None => causes.push(Cause::required(below(name), "")),
                        Some(Value::String(text)) if text.is_empty() => {
                            causes.push(Cause::invalid(below(name), &fields[name], "must not be empty"));
                        }
                        Some(Value::String(text)) if name == "kind" => {
                            if let Some(wrong) = words::service_label(&text.to_lowercase()) {
                                let detail = format!("may have mixed case, but should otherwise match: {wrong}");
                                causes.push(Cause::invalid(below(name), &fields[name], &detail));
                            }
                        }
                        Some(Value::String(text)) if text.matches('/').count() > 1 => {
                            let detail = format!("unexpected GroupVersion string: {text}");
                            causes.push(Cause::invalid(below(name), &fields[name], &detail));
                        }
                        Some(Value::String(_)) => {}
                        Some(other) => causes.push(Cause::invalid(below(name), other, "must be a string")),
                    }
                }
                if let Some(given) = fields.get("metadata").filter(|given| !given.is_null())
                    && let Err(error) = serde_json::from_value::<ObjectMeta>(given.clone())
                {
                    causes.push(Cause::invalid(below("metadata"), given, &error.to_string()));
                } else {
                    causes.extend(validate::embedded(value, &below("metadata")));
                }
            }
            for (name, field) in fields {
                if let Some(schema) = prune::property(schema, name).or_else(|| prune::additional(schema)) {
                    embedded(field, schema, &below(name), causes);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(of_items) = schema.get("items") {
                    embedded(item, of_items, &format!("{path}[{index}]"), causes);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The replicas that `/scale` would show must be a count.
fn replicas(value: &Value, version: &Value) -> Vec<Cause> {
    let scale = version.pointer("/subresources/scale").unwrap_or(&Value::Null);
    let mut causes = Vec::new();
    for path in ["specReplicasPath", "statusReplicasPath"].iter().filter_map(|path| scale.get(path)?.as_str()) {
        let found = path.trim_start_matches('.').split('.').try_fold(value, |value, part| value.get(part));
        let Some(found) = found else { continue };
        let detail = match found.as_i64() {
            None => format!("{path} accessor error: {found} is of the type {}, expected int64", go_type(found)),
            Some(count) if count < 0 => "should be a non-negative integer".to_owned(),
            Some(count) if count > i64::from(i32::MAX) => format!("should be less than or equal to {}", i32::MAX),
            Some(_) => continue,
        };
        let shown = if found.is_i64() { found.clone() } else { json!(0) };
        causes.push(Cause::invalid(path, &shown, &detail));
    }
    causes
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_i64() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}
