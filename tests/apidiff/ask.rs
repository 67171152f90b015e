//! One question to an API server, its answer, and the embedded server's side of it.

use driftproof::sim::{Kind, Settings, State, api, registry};
use serde_json::{Value, json};

use crate::{NAMESPACE, seeds};

/// Where kinds are defined.
pub(crate) const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// An object, and how it is sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    /// By server-side apply, else by POST.
    pub(crate) apply: bool,
    /// The object.
    pub(crate) object: Value,
    /// Its kind; the object itself may say another one.
    pub(crate) kind: Kind,
}

impl Question {
    pub(crate) fn method(&self) -> &'static str {
        if self.apply { "PATCH" } else { "POST" }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        if self.apply { "application/apply-patch+yaml" } else { "application/json" }
    }

    /// Path and query, in the namespace of the test.
    pub(crate) fn target(&self) -> String {
        let facts = self.kind.facts();
        let start = if facts.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}/{}", facts.group, facts.version)
        };
        let within = if facts.namespaced { format!("/namespaces/{NAMESPACE}") } else { String::new() };
        let collection = format!("{start}{within}/{}", facts.plural);
        let query = "dryRun=All&fieldValidation=Strict";
        if self.apply {
            let name = self.object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("a");
            let name: String = name
                .bytes()
                .map(|byte| {
                    if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
                        char::from(byte).to_string()
                    } else {
                        format!("%{byte:02X}")
                    }
                })
                .collect();
            return format!("{collection}/{name}?{query}&fieldManager=apidiff&force=true");
        }
        format!("{collection}?{query}")
    }
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Whether it took the object.
    pub(crate) taken: bool,
    /// HTTP status.
    pub(crate) code: u16,
    /// The fields that it refused, with the reason: `spec.ports[0].port FieldValueInvalid`.
    pub(crate) causes: Vec<String>,
    /// Its words.
    pub(crate) message: String,
    /// What it made of the object.
    pub(crate) object: Value,
}

impl Answer {
    /// From status and body.
    pub(crate) fn new(code: u16, body: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let causes = body.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten();
        let mut causes: Vec<String> =
            causes.map(|cause| format!("{} {}", text(&cause["field"]), text(&cause["reason"]))).collect();
        causes.sort();
        causes.dedup();
        let taken = (200..300).contains(&code);
        let object = if taken { body.clone() } else { Value::Null };
        Self { taken, code, causes, message: text(&body["message"]), object }
    }
}

/// The embedded API server of a fresh cluster.
pub(crate) struct Embedded(State);

impl Embedded {
    pub(crate) fn new() -> Self {
        let mut state = State::new(Settings::default(), 1);
        state.boot();
        let named = |name: &str| json!({ "metadata": { "name": name } });
        state.create(Kind::Namespace, named(NAMESPACE)).expect("a namespace");
        let mut account = named("default");
        account["metadata"]["namespace"] = json!(NAMESPACE);
        state.create(Kind::ServiceAccount, account).expect("an account");
        let mut embedded = Self(state);
        for definition in seeds::definitions() {
            let (code, body) =
                api::ask(&mut embedded.0, http::Method::POST, DEFINITIONS, "application/json", &definition);
            assert_eq!(code, 201, "{body}");
        }
        embedded
    }

    /// The kind of an object.
    pub(crate) fn kind(&self, object: &Value) -> Option<Kind> {
        let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
        Kind::by_name(version, kind).or_else(|| {
            registry::defined(&self.0.store)
                .find(|known| known.facts().kind == kind && known.facts().api_version() == version)
        })
    }

    pub(crate) fn ask(&mut self, question: &Question) -> Answer {
        let method = question.method().parse().expect("a method");
        let (code, body) = api::ask(&mut self.0, method, &question.target(), question.content_type(), &question.object);
        Answer::new(code, &body)
    }
}
