//! Error answers with the bodies that the real API server sends (`metav1.Status`).

use serde_json::{Value, json};

use crate::{Key, Kind};

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status code.
    pub code: u16,
    /// `metav1.StatusReason`, such as `NotFound`; empty when the real server gives none.
    pub reason: &'static str,
    /// What a person reads.
    pub message: String,
    /// `details` of the status, `null` when there are none.
    pub details: Value,
}

/// One reason for which a field was refused, as in `field.Error` of apimachinery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired` …
    pub reason: &'static str,
    /// Path of the field: `spec.template.spec.containers[0].image`.
    pub field: String,
    /// The message without the field.
    pub message: String,
}

impl Cause {
    /// A value that must be given.
    #[must_use]
    pub fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    /// A value that breaks a rule.
    #[must_use]
    pub fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {detail}") }
    }

    /// A value that may not be set here.
    #[must_use]
    pub fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {detail}") }
    }

    /// A value outside of its enumeration.
    #[must_use]
    pub fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported = supported.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(", ");
        let message = format!("Unsupported value: {value}: supported values: {supported}");
        Self { reason: "FieldValueNotSupported", field: field.into(), message }
    }

    /// A value that occurs twice.
    #[must_use]
    pub fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self { reason: "FieldValueDuplicate", field: field.into(), message: format!("Duplicate value: {value}") }
    }
}

impl ApiError {
    /// An error without details.
    pub fn plain(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    fn on(code: u16, reason: &'static str, kind: Kind, key: &Key, message: String) -> Self {
        let facts = kind.facts();
        let mut details = json!({ "name": key.name, "kind": facts.plural });
        if !facts.group.is_empty() {
            details["group"] = json!(facts.group);
        }
        Self { code, reason, message, details }
    }

    /// 404 for an object.
    #[must_use]
    pub fn not_found(kind: Kind, key: &Key) -> Self {
        let message = format!("{} \"{}\" not found", kind.facts().resource(), key.name);
        Self::on(404, "NotFound", kind, key, message)
    }

    /// 404 for a path that nothing serves.
    #[must_use]
    pub fn unknown_path() -> Self {
        Self { details: json!({}), ..Self::plain(404, "NotFound", "the server could not find the requested resource") }
    }

    /// 405.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: json!({}), ..Self::plain(405, "MethodNotAllowed", message) }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::plain(400, "BadRequest", message)
    }

    /// 409: the name is taken.
    #[must_use]
    pub fn already_exists(kind: Kind, key: &Key) -> Self {
        let message = format!("{} \"{}\" already exists", kind.facts().resource(), key.name);
        Self::on(409, "AlreadyExists", kind, key, message)
    }

    /// 409: the object is not as the request supposed.
    #[must_use]
    pub fn conflict(kind: Kind, key: &Key, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{}\": {why}", kind.facts().resource(), key.name);
        Self::on(409, "Conflict", kind, key, message)
    }

    /// 403 about an object.
    #[must_use]
    pub fn forbidden(kind: Kind, key: &Key, why: &str) -> Self {
        let message = format!("{} \"{}\" is forbidden: {why}", kind.facts().resource(), key.name);
        Self::on(403, "Forbidden", kind, key, message)
    }

    /// 422: fields that were refused. Must have at least one cause.
    #[must_use]
    pub fn invalid(kind: Kind, name: &str, causes: &[Cause]) -> Self {
        let facts = kind.facts();
        let qualified =
            if facts.group.is_empty() { facts.kind.to_owned() } else { format!("{}.{}", facts.kind, facts.group) };
        let texts: Vec<String> = causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let texts = if let [one] = texts.as_slice() { one.clone() } else { format!("[{}]", texts.join(", ")) };
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({ "reason": cause.reason, "message": cause.message, "field": cause.field }))
            .collect();
        let mut details = json!({ "name": name, "kind": facts.kind, "causes": causes });
        if !facts.group.is_empty() {
            details["group"] = json!(facts.group);
        }
        Self { code: 422, reason: "Invalid", message: format!("{qualified} \"{name}\" is invalid: {texts}"), details }
    }

    /// 410: a resource version that is no longer kept.
    #[must_use]
    pub fn expired(message: impl Into<String>) -> Self {
        Self::plain(410, "Expired", message)
    }

    /// 500.
    #[must_use]
    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self::plain(500, "InternalError", format!("Internal error occurred: {error}"))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            body["reason"] = json!(self.reason);
        }
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        body
    }
}
