//! Custom objects at the API: by the schema of their version, with the words of the real server.

use http::Method;
use serde_json::{Value, json};

use crate::{Settings, State, api};

fn schema() -> Value {
    json!({ "type": "object", "required": ["spec"], "properties": {
        "spec": { "type": "object", "required": ["size"], "minProperties": 1, "properties": {
            "size": { "type": "integer", "minimum": 1, "maximum": 9, "exclusiveMaximum": true },
            "mode": { "type": "string", "enum": ["fast", "safe"], "default": "safe" },
            "host": { "type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5 },
            "port": { "x-kubernetes-int-or-string": true },
            "share": { "type": "number", "multipleOf": 0.5 },
            "tags": { "type": "array", "items": { "type": "string" }, "maxItems": 2, "x-kubernetes-list-type": "set" },
            "parts": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } },
            "limits": { "type": "object", "maxProperties": 1, "additionalProperties": { "type": "integer" } },
            "note": { "type": "string", "nullable": true },
            "since": { "type": "string", "format": "date-time" },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "way": { "type": "object", "properties": { "a": { "type": "string" }, "b": { "type": "string" } },
                "oneOf": [{ "required": ["a"] }, { "required": ["b"] }] },
        } },
        "status": { "type": "object", "properties": { "ready": { "type": "integer" } } },
    } })
}

fn version(name: &str, served: bool, storage: bool, schema: &Value) -> Value {
    json!({
        "name": name, "served": served, "storage": storage, "schema": { "openAPIV3Schema": schema },
        "subresources": { "status": {} },
    })
}

fn definition() -> Value {
    let older = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": { "old": { "type": "string" } } } } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": "things.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": { "plural": "things", "singular": "thing", "kind": "Thing" },
            "versions": [version("v1", true, true, &schema()), version("v1beta1", true, false, &older), version("v1alpha1", false, false, &older)],
        },
    })
}

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const THINGS: &str = "/apis/example.com/v1/namespaces/default/things";

fn cluster() -> State {
    let mut state = State::new(Settings::default(), 1);
    state.boot();
    let (code, answer) = api::ask(&mut state, Method::POST, DEFINITIONS, "application/json", &definition());
    assert_eq!(code, 201, "{answer}");
    state
}

fn thing(spec: &Value) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Thing", "metadata": { "name": "a" }, "spec": spec })
}

fn post(state: &mut State, target: &str, object: &Value) -> (u16, Value) {
    api::ask(state, Method::POST, target, "application/json", object)
}

#[test]
fn objects_are_held_to_their_schema() {
    let mut state = cluster();
    let table = [
        (json!({ "size": 3 }), ""),
        (json!({}), "spec.size: Required value"),
        (
            json!({ "size": "3" }),
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        (json!({ "size": 0 }), "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"),
        (json!({ "size": 9 }), "spec.size: Invalid value: 9: spec.size in body should be less than 9"),
        (
            json!({ "size": 3, "mode": "slow" }),
            "spec.mode: Unsupported value: \"slow\": supported values: \"fast\", \"safe\"",
        ),
        (
            json!({ "size": 3, "host": "B9" }),
            "spec.host: Invalid value: \"B9\": spec.host in body should match '^[a-z]+$'",
        ),
        (
            json!({ "size": 3, "host": "b" }),
            "spec.host: Invalid value: \"b\": spec.host in body should be at least 2 chars long",
        ),
        (json!({ "size": 3, "host": "abcdef" }), "spec.host: Too long: may not be more than 5 bytes"),
        (
            json!({ "size": 3, "port": true }),
            "spec.port: Invalid value: \"boolean\": spec.port in body must be of type integer,string: \"boolean\"",
        ),
        (json!({ "size": 3, "port": "http" }), ""),
        (
            json!({ "size": 3, "share": 1.2 }),
            "spec.share: Invalid value: 1.2: spec.share in body should be a multiple of 0.5",
        ),
        (json!({ "size": 3, "tags": ["a", "b", "c"] }), "spec.tags: Too many: 3: must have at most 2 items"),
        (json!({ "size": 3, "tags": ["a", "a"] }), "spec.tags[1]: Duplicate value: \"a\""),
        (
            json!({ "size": 3, "parts": [{ "name": "a" }, { "name": "a" }] }),
            "spec.parts[1]: Duplicate value: {\"name\":\"a\"}",
        ),
        (json!({ "size": 3, "parts": [{}] }), "spec.parts[0].name: Required value"),
        (json!({ "size": 3, "limits": { "a": 1, "b": 2 } }), "spec.limits: Too many: 2: must have at most 1 item"),
        (
            json!({ "size": 3, "limits": { "a": "x" } }),
            "spec.limits.a: Invalid value: \"string\": spec.limits.a in body must be of type integer: \"string\"",
        ),
        (json!({ "size": 3, "note": null, "host": null }), ""),
        (
            json!({ "size": 3, "since": "today" }),
            "spec.since: Invalid value: \"today\": spec.since in body must be of type date-time: \"today\"",
        ),
        (json!({ "size": 3, "free": { "any": [1] } }), ""),
        (
            json!({ "size": 3, "way": { "a": "x", "b": "y" } }),
            "<nil>: Invalid value: \"\": \"spec.way\" must validate one and only one schema (oneOf). Found 2 valid alternatives",
        ),
    ];
    for (spec, wanted) in table {
        let (code, answer) = post(&mut state, &format!("{THINGS}?dryRun=All&fieldValidation=Strict"), &thing(&spec));
        let message = answer["message"].as_str().unwrap_or_default();
        let shown = message.strip_prefix("Thing.example.com \"a\" is invalid: ").unwrap_or(message);
        assert_eq!((shown, code), (wanted, if wanted.is_empty() { 201 } else { 422 }), "{spec}");
    }
}

#[test]
fn unknown_fields_are_refused_or_pruned_and_defaults_filled_in() {
    let mut state = cluster();
    let mut object = thing(&json!({ "size": 3, "sizes": 4, "parts": [{ "name": "a", "nam": "b" }] }));
    object["metadata"]["label"] = json!({});
    let (code, answer) = post(&mut state, &format!("{THINGS}?fieldValidation=Strict"), &object);
    let wanted = "Thing in version \"v1\" cannot be handled as a Thing: strict decoding error: unknown field \"metadata.label\", \
                  unknown field \"spec.parts[0].nam\", unknown field \"spec.sizes\"";
    assert_eq!((code, answer["message"].as_str()), (400, Some(wanted)));
    object["status"] = json!({ "ready": 1 });
    let (code, answer) = post(&mut state, THINGS, &object);
    assert_eq!((code, &answer["spec"]), (201, &json!({ "size": 3, "mode": "safe", "parts": [{ "name": "a" }] })));
    assert_eq!(answer.get("status"), None, "the status has a way of its own");
    let mut ask =
        |method: Method, target: &str, kind: &str, body: &Value| api::ask(&mut state, method, target, kind, body);
    let status = format!("{THINGS}/a/status");
    let merge = "application/merge-patch+json";
    let (code, answer) =
        ask(Method::PATCH, &status, merge, &json!({ "status": { "ready": 1 }, "spec": { "size": 4 } }));
    assert_eq!((code, &answer["status"]["ready"], &answer["spec"]["size"]), (200, &json!(1), &json!(3)));
    let (code, _) = ask(Method::PATCH, &status, merge, &json!({ "status": { "ready": "x" } }));
    assert_eq!(code, 422);
    let (code, _) = ask(Method::PATCH, &format!("{THINGS}/a"), merge, &json!({ "spec": { "size": 0 } }));
    assert_eq!(code, 422);
}

#[test]
fn each_served_version_has_its_schema_and_scope() {
    let mut state = cluster();
    let mut older = thing(&json!({ "old": "x", "size": 3 }));
    older["apiVersion"] = json!("example.com/v1beta1");
    let at = |version: &str| format!("/apis/example.com/{version}/namespaces/default/things?fieldValidation=Strict");
    let (code, answer) = post(&mut state, &at("v1beta1"), &older);
    assert_eq!(code, 400, "{answer}");
    older["spec"] = json!({ "old": "x" });
    let (code, answer) = post(&mut state, &at("v1beta1"), &older);
    assert_eq!((code, answer["apiVersion"].as_str()), (201, Some("example.com/v1beta1")), "{answer}");
    older["apiVersion"] = json!("example.com/v1alpha1");
    assert_eq!(post(&mut state, &at("v1alpha1"), &older).0, 404);
    assert_eq!(post(&mut state, "/apis/example.com/v1/things", &thing(&json!({ "size": 3 }))).0, 405);
}

/// A definition of one version whose objects have a spec with these properties.
fn defining(properties: &Value) -> Value {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": properties } } });
    let mut definition = definition();
    definition["spec"]["versions"] =
        json!([{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }]);
    definition
}

#[test]
fn definitions_have_a_structural_schema() {
    let table = [
        (json!({ "limits": { "type": "object", "maxProperties": 3 } }), ""),
        (json!({ "a": { "type": "string", "enum": ["x", null], "nullable": true, "default": null } }), ""),
        (json!({ "a": {} }), "a.type: Required value: must not be empty for specified object fields"),
        (json!({ "a": { "type": "array" } }), "a.items: Required value: must be specified"),
        (
            json!({ "a": { "type": "object", "default": { "b": 1 } } }),
            "a.default: Invalid value: {\"b\":1}: must not have unknown fields",
        ),
        (
            json!({ "a": { "type": "string", "anyOf": [{ "type": "string" }] } }),
            "a.anyOf[0].type: Forbidden: must be empty to be structural",
        ),
        (
            json!({ "a": { "type": "object", "properties": { "b": { "type": "string" } }, "additionalProperties": { "type": "string" } } }),
            "a.additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ),
        (
            json!({ "a": { "type": "string", "x-kubernetes-preserve-unknown-fields": false } }),
            "a.x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined",
        ),
        (
            json!({ "a": { "type": "object", "x-kubernetes-embedded-resource": true } }),
            "a.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without \
             x-kubernetes-preserve-unknown-fields",
        ),
        (
            json!({ "a": { "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": { "type": "object", "properties": { "n": { "type": "string" } } } } }),
            "a.items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a \
             default or be a required property",
        ),
        (
            json!({ "a": { "type": "strin" } }),
            "a.type: Unsupported value: \"strin\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \
             \"string\"",
        ),
    ];
    for (properties, wanted) in table {
        let mut state = State::new(Settings::default(), 1);
        state.boot();
        let (code, answer) = post(&mut state, DEFINITIONS, &defining(&properties));
        let causes = answer.pointer("/details/causes").and_then(Value::as_array).cloned().unwrap_or_default();
        let shown: Vec<String> = causes
            .iter()
            .map(|cause| {
                format!(
                    "{}: {}",
                    cause["field"].as_str().unwrap_or_default(),
                    cause["message"].as_str().unwrap_or_default()
                )
            })
            .collect();
        let within = "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[";
        let shown: Vec<String> = shown.iter().map(|text| text.replace(within, "").replacen(']', "", 1)).collect();
        let wanted: Vec<&str> = Some(wanted).filter(|text| !text.is_empty()).into_iter().collect();
        assert_eq!(
            (shown, code),
            (wanted.iter().map(|text| (*text).to_owned()).collect(), if wanted.is_empty() { 201 } else { 422 }),
            "{properties}"
        );
    }
}

#[test]
fn resources_within_an_object_say_what_they_are() {
    let mut state = State::new(Settings::default(), 1);
    state.boot();
    let pod = json!({ "pod": { "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true } });
    assert_eq!(post(&mut state, DEFINITIONS, &defining(&pod)).0, 201);
    let table = [
        (json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a" }, "spec": { "any": 1 } }), vec![]),
        (json!({ "kind": "Pod" }), vec!["spec.pod.apiVersion"]),
        (
            json!({ "apiVersion": "v1", "kind": "a b", "metadata": { "labels": { "a b": "c" } } }),
            vec!["spec.pod.kind", "spec.pod.metadata.labels"],
        ),
    ];
    for (pod, wanted) in table {
        let (_, answer) = post(&mut state, &format!("{THINGS}?dryRun=All"), &thing(&json!({ "pod": pod })));
        let causes = answer.pointer("/details/causes").and_then(Value::as_array).cloned().unwrap_or_default();
        let fields: Vec<&str> = causes.iter().filter_map(|cause| cause["field"].as_str()).collect();
        assert_eq!(fields, wanted, "{answer}");
    }
}

#[test]
fn a_status_of_its_own_is_an_object_without_fields() {
    let asked = |status: &Value| {
        let mut definition = defining(&json!({ "size": { "type": "integer" } }));
        definition["spec"]["versions"][0]["subresources"] = json!({ "status": status });
        let mut state = State::new(Settings::default(), 1);
        post(&mut state, &format!("{DEFINITIONS}?fieldValidation=Strict"), &definition)
    };
    for fine in [json!({}), json!(null)] {
        assert_eq!(asked(&fine).0, 201, "{fine}");
    }
    for (wrong, words) in [
        (json!(5), "cannot unmarshal number into Go struct field"),
        (json!([]), "cannot unmarshal array into Go struct field"),
        (json!({ "a": 1 }), "unknown field \"spec.versions[0].subresources.status.a\""),
    ] {
        let (code, answer) = asked(&wrong);
        assert_eq!(code, 400, "{wrong}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains(words)), "{answer}");
    }
}
