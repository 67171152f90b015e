//! The rules of each part of a definition's schema, alternatives and all: types, lists that are sets or maps, rules in CEL as far
//! as they are text (`ValidateCustomResourceDefinitionOpenAPISchema`). Never looks at whether the whole is structural.

use serde_json::json;

use super::field::Field;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
pub(super) const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
pub(super) const EMBEDDED: &str = "x-kubernetes-embedded-resource";
pub(super) const EITHER: &str = "x-kubernetes-int-or-string";
pub(super) const LIST: &str = "x-kubernetes-list-type";
pub(super) const KEYS: &str = "x-kubernetes-list-map-keys";
pub(super) const MAP: &str = "x-kubernetes-map-type";
pub(super) const RULES: &str = "x-kubernetes-validations";

/// The rules of each part of a schema, alternatives and all. `no_default` says why it may have no default.
pub(super) fn part(schema: &Field<'_>, root: bool, no_default: Option<&str>) {
    let kind = schema.at("type");
    if !kind.text().is_empty() && !TYPES.contains(&kind.text()) {
        kind.unsupported(&TYPES);
    }
    if kind.text() == "null" {
        kind.forbidden("type cannot be set to null, use nullable as an alternative");
    }
    if let Some(reason) = no_default
        && schema.at("default").is_set()
    {
        schema.at("default").forbidden(&format!("must not be set {reason}"));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let empty_map = matches!(name, "patternProperties" | "definitions") && schema.at(name).is_empty();
        if schema.at(name).is_set() && !empty_map {
            schema.at(name).forbidden(&format!("{name} is not supported"));
        }
    }
    if !schema.at("$schema").text().is_empty() {
        schema.invalid_value("", "OpenAPIV3Schema 'schema' is not supported");
    }
    let (items, more) = (schema.at("items"), schema.at("additionalProperties"));
    if items.value.is_array() && !items.is_empty() {
        items.forbidden("items must be a schema object and not an array");
    }
    if schema.at("uniqueItems").is_true() {
        schema
            .at("uniqueItems")
            .forbidden("uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
    }
    if more.is_set() && !schema.at("properties").is_empty() && *more.value != json!(true) {
        more.forbidden("additionalProperties and properties are mutual exclusive");
    }
    if *schema.at(PRESERVE).value == json!(false) {
        schema.at(PRESERVE).invalid("must be true or undefined");
    }
    lists(schema);
    rules(&schema.at(RULES));
    for (name, property) in schema.at("properties").entries() {
        let top = root && matches!(name, "metadata" | "apiVersion" | "kind");
        let reason = if top { Some(format!("in top-level {name}")) } else { None };
        part(&property, false, reason.as_deref().or(no_default));
    }
    let alternatives = ["allOf", "anyOf", "oneOf"].into_iter().flat_map(|name| schema.at(name).items());
    for inner in alternatives.chain([schema.at("not"), items, more]).filter(|inner| inner.value.is_object()) {
        part(&inner, false, no_default);
    }
}

/// `x-kubernetes-list-type`, its keys, and `x-kubernetes-map-type`.
fn lists(schema: &Field<'_>) {
    let (kind, list, map, keys, items) =
        (schema.at("type"), schema.at(LIST), schema.at(MAP), schema.at(KEYS), schema.at("items"));
    let must_be = |wanted: &str, name: &str| {
        let detail = format!("must be {wanted} if {name} is specified");
        if kind.text().is_empty() { kind.required(&detail) } else { kind.invalid(&detail) }
    };
    if map.is_set() && kind.text() != "object" {
        must_be("object", MAP);
    }
    map.one_of(&["atomic", "granular"]);
    if list.is_set() && kind.text() != "array" {
        must_be("array", LIST);
    } else if list.text() == "set" {
        let detail = "must be atomic as item of a list with x-kubernetes-list-type=set";
        match items.at("type").text() {
            "array" if items.at(LIST).is_set() && items.at(LIST).text() != "atomic" => items.at(LIST).invalid(detail),
            "object" if items.at(MAP).text() != "atomic" => items.at(MAP).invalid(detail),
            _ => {}
        }
    }
    list.one_of(&["atomic", "set", "map"]);
    if !keys.is_empty() && list.text() != "map" {
        let detail = "must be map if x-kubernetes-list-map-keys is non-empty";
        if list.is_set() { list.invalid(detail) } else { list.required(detail) }
    }
    if matches!(list.text(), "set" | "map") && items.at("nullable").is_true() {
        let detail = format!("cannot be nullable when x-kubernetes-list-type is {}", list.text());
        items.at("nullable").forbidden(&detail);
    }
    if list.text() == "map" {
        keyed(&keys, &items);
    }
}

/// A list that is a map by keys.
fn keyed(keys: &Field<'_>, items: &Field<'_>) {
    if keys.is_empty() {
        keys.required("must not be empty if x-kubernetes-list-type is map");
    }
    if !items.is_set() {
        items.required("must have a schema if x-kubernetes-list-type is map");
    } else if items.at("type").text() != "object" {
        let kind = items.at("type");
        kind.invalid_value(kind.text(), "must be object if parent array's x-kubernetes-list-type is map");
        return;
    }
    let required = |key: &str| items.at("required").items().any(|name| name.text() == key);
    let mut seen: Vec<&str> = Vec::new();
    for key in keys.items() {
        let property = items.at("properties").key(key.text());
        if !property.is_set() {
            keys.invalid("entries must all be names of item properties");
        } else if matches!(property.at("type").text(), "array" | "object") {
            let detail = "must be a scalar type if parent array's x-kubernetes-list-type is map";
            property.at("type").invalid(detail);
        }
        if seen.contains(&key.text()) {
            keys.invalid("must not contain duplicate entries");
        }
        seen.push(key.text());
        if property.is_set() && !required(key.text()) && !property.at("default").is_set() {
            property.at("default").required(
                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
            );
        }
        if property.at("nullable").is_true() {
            let detail = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable";
            property.at("nullable").forbidden(detail);
        }
    }
}

/// Rules in CEL, as far as they are text.
fn rules(rules: &Field<'_>) {
    for rule in rules.items() {
        let (text, message) = (rule.at("rule"), rule.at("message"));
        let lines = |text: &str| text.trim().contains(['\n', '\r']);
        if text.text().trim().is_empty() {
            text.required("rule is not specified");
        } else if !message.text().is_empty() && message.text().trim().is_empty() {
            message.invalid("must be non-empty if specified");
        } else if lines(message.text()) {
            message.invalid("must not contain line breaks");
        } else if lines(text.text()) && message.text().trim().is_empty() {
            message.required("message must be specified if rule contains line breaks");
        }
        rule.at("reason").one_of(&[
            "FieldValueRequired",
            "FieldValueForbidden",
            "FieldValueInvalid",
            "FieldValueDuplicate",
        ]);
    }
}
