//! The schemas of definitions: each must be structural, so that objects can be pruned and filled in by it
//! (`pkg/apiserver/schema/validation.go` and `ValidateCustomResourceDefinitionOpenAPISchema`). Rules in CEL are not compiled.

use regex::Regex;
use serde_json::{Value, json};

use super::field::Field;
use super::schema_parts::{EITHER, EMBEDDED, KEYS, LIST, MAP, PRESERVE, RULES, part};
use crate::registry::custom;

/// What may stand at the root of a schema beside a status subresource.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    PRESERVE,
    RULES,
];

/// Where in a schema a part stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// The schema of one version.
pub(super) fn schema(schema: &Field<'_>, with_status: bool) {
    if with_status {
        let is_odd = |(name, value): &(&String, &Value)| !AT_ROOT.contains(&name.as_str()) && **value != json!(false);
        let odd = schema.value.as_object().into_iter().flatten().find(is_odd);
        if schema.at("type").text() != "object" {
            let detail =
                "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
            schema.at("type").invalid(detail);
        } else if odd.is_some() {
            let detail = "only [Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength \
                          MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs \
                          Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the \
                          status subresource is enabled";
            schema.invalid(detail);
        }
    }
    if schema.at("nullable").is_true() {
        schema.at("nullable").forbidden("nullable cannot be true at the root");
    }
    let before = schema.refusals();
    structure(schema, Level::Root);
    complete(schema, schema);
    if schema.refusals() == before {
        defaults(schema, false, true);
    }
    part(schema, true, None);
}

fn has_schema(field: &Field<'_>) -> bool {
    field.value.is_object()
}

/// The invariants of a structural schema.
fn structure(schema: &Field<'_>, level: Level) {
    let (kind, items, more) = (schema.at("type"), schema.at("items"), schema.at("additionalProperties"));
    let embedded = schema.at(EMBEDDED).is_true();
    if kind.text() == "array" && !items.is_set() {
        items.required("must be specified");
    }
    if has_schema(&items) {
        structure(&items, Level::Item);
    }
    for (_, property) in schema.at("properties").entries() {
        structure(&property, Level::Field);
    }
    if more.is_set() && level == Level::Root {
        more.forbidden("must not be used at the root");
    }
    if has_schema(&more) {
        structure(&more, Level::Field);
    }
    if schema.at(EITHER).is_true() {
        for other in [PRESERVE, EMBEDDED] {
            if schema.at(other).is_true() {
                schema.at(other).invalid("must be false if x-kubernetes-int-or-string is true");
            }
        }
    }
    let open = schema.at(EITHER).is_true() || schema.at(PRESERVE).is_true();
    if embedded && kind.text() != "object" {
        let detail = "must be object if x-kubernetes-embedded-resource is true";
        if kind.text().is_empty() { kind.required(detail) } else { kind.invalid(detail) }
    } else if kind.text().is_empty() && !open {
        kind.required(match level {
            Level::Root => "must not be empty at the root",
            Level::Item => "must not be empty for specified array items",
            Level::Field => "must not be empty for specified object fields",
        });
    }
    if level == Level::Root && !kind.text().is_empty() && kind.text() != "object" {
        kind.invalid("must be object at the root");
    }
    if embedded && more.is_set() {
        more.forbidden("must not be used if x-kubernetes-embedded-resource is set");
    }
    if embedded && !schema.at(PRESERVE).is_true() && schema.at("properties").is_empty() {
        schema.at("properties").required(
            "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        );
    }
    meta(schema, level, embedded);
    values(schema, is_either(schema.at("anyOf").value), is_either(first_any(schema.value)));
}

/// What a schema may say of `apiVersion`, `kind` and `metadata`.
fn meta(schema: &Field<'_>, level: Level, embedded: bool) {
    if level != Level::Root && !embedded {
        return;
    }
    for name in ["kind", "apiVersion"] {
        let property = schema.at("properties").key(name);
        if property.is_set() && property.at("type").text() != "string" {
            property.at("type").invalid_value(property.at("type").text(), "must be string");
        }
    }
    let metadata = schema.at("properties").key("metadata");
    if !metadata.is_set() {
        return;
    }
    if metadata.at("type").text() != "object" {
        metadata.at("type").invalid_value(metadata.at("type").text(), "must be object");
    }
    let plain = |(name, value): (&String, &Value)| match name.as_str() {
        "type" | "default" => true,
        "properties" => {
            value.as_object().is_some_and(|all| all.keys().all(|key| key == "name" || key == "generateName"))
        }
        _ => false,
    };
    if level == Level::Root && !metadata.value.as_object().into_iter().flatten().all(plain) {
        let detail = "must not specify anything other than name and generateName, but metadata is implicitly specified";
        metadata.forbidden(detail);
    }
}

/// `anyOf: [{type: integer}, {type: string}]`, which goes with int-or-string.
fn is_either(any: &Value) -> bool {
    *any == json!([{ "type": "integer" }, { "type": "string" }])
}

fn first_any(schema: &Value) -> &Value {
    schema.pointer("/allOf/0/anyOf").unwrap_or(&Value::Null)
}

/// The alternatives of a schema say nothing of structure.
fn values(schema: &Field<'_>, skip_any: bool, skip_first_any: bool) {
    if !skip_any {
        schema.at("anyOf").items().for_each(|inner| nested(&inner, false));
    }
    for (index, inner) in schema.at("allOf").items().enumerate() {
        nested(&inner, skip_first_any && index == 0);
    }
    schema.at("oneOf").items().for_each(|inner| nested(&inner, false));
    if has_schema(&schema.at("not")) {
        nested(&schema.at("not"), false);
    }
    let pattern = schema.at("pattern");
    if !pattern.text().is_empty()
        && let Err(error) = Regex::new(pattern.text())
    {
        let error = error.to_string();
        let last = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
        pattern.invalid(&format!("must be a valid regular expression, but isn't: error parsing regexp: {last}"));
    }
}

fn nested(schema: &Field<'_>, skip_any: bool) {
    values(schema, skip_any, false);
    if has_schema(&schema.at("items")) {
        nested(&schema.at("items"), false);
    }
    schema.at("properties").entries().for_each(|(_, property)| nested(&property, false));
    for name in ["type", "title", "description"] {
        if !schema.at(name).text().is_empty() {
            schema.at(name).forbidden("must be empty to be structural");
        }
    }
    for name in ["additionalProperties", "default", LIST, MAP] {
        if schema.at(name).is_set() && *schema.at(name).value != json!(false) {
            schema.at(name).forbidden("must be undefined to be structural");
        }
    }
    for name in ["nullable", PRESERVE, EMBEDDED, EITHER] {
        if schema.at(name).is_true() {
            schema.at(name).forbidden("must be false to be structural");
        }
    }
    for name in [KEYS, RULES] {
        if !schema.at(name).is_empty() {
            schema.at(name).forbidden("must be empty to be structural");
        }
    }
    if schema.at("properties").key("metadata").is_set() {
        schema.at("properties").key("metadata").forbidden("must not be specified in a nested context");
    }
}

/// What alternatives speak of must be there outside of them, too.
fn complete(validation: &Field<'_>, structure: &Field<'_>) {
    let alternatives = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| validation.at(name).items());
    for inner in alternatives.chain(Some(validation.at("not"))).filter(has_schema) {
        complete_nested(&inner, structure);
    }
}

fn complete_nested(validation: &Field<'_>, structure: &Field<'_>) {
    complete(validation, structure);
    let (items, of_items) = (validation.at("items"), structure.at("items"));
    if has_schema(&items) {
        if has_schema(&of_items) {
            complete_nested(&items, &of_items);
        } else {
            of_items.required(&format!("because it is defined in {}", items.path()));
        }
    }
    for (name, property) in validation.at("properties").entries() {
        let known = structure.at("properties").key(name);
        if known.is_set() {
            complete_nested(&property, &known);
        } else {
            known.required(&format!("because it is defined in {}", property.path()));
        }
    }
}

/// Defaults keep to the schema that they stand in.
fn defaults(schema: &Field<'_>, in_meta: bool, root: bool) {
    let resource = root || schema.at(EMBEDDED).is_true();
    let in_meta = in_meta && !resource;
    if schema.at("default").is_set() && !in_meta {
        let at = schema.at("default").path();
        for cause in custom::wrong_default(schema.at("default").value, schema.value, &at) {
            schema.refuse(cause);
        }
    }
    if has_schema(&schema.at("items")) {
        defaults(&schema.at("items"), in_meta, false);
    }
    for (name, property) in schema.at("properties").entries() {
        defaults(&property, in_meta || (resource && matches!(name, "metadata" | "apiVersion" | "kind")), false);
    }
}
