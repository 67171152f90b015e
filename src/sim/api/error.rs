//! Error answers with the bodies that the real API server sends (`metav1.Status`).

use serde_json::{Value, json};

use crate::sim::{Key, Kind};

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status code.
    pub code: u16,
    /// `metav1.StatusReason`, such as `NotFound`.
    pub reason: &'static str,
    /// What a person reads.
    pub message: String,
    /// `details` of the status, `null` when there are none.
    pub details: Value,
}

impl ApiError {
    fn on(code: u16, reason: &'static str, kind: Kind, key: &Key, message: String) -> Self {
        let facts = kind.facts();
        let details = json!({ "name": key.name, "group": facts.group, "kind": facts.plural });
        Self { code, reason, message, details }
    }

    fn resource(kind: Kind) -> String {
        let facts = kind.facts();
        if facts.group.is_empty() { facts.plural.to_owned() } else { format!("{}.{}", facts.plural, facts.group) }
    }

    /// 404 for an object.
    #[must_use]
    pub fn not_found(kind: Kind, key: &Key) -> Self {
        let message = format!("{} \"{}\" not found", Self::resource(kind), key.name);
        Self::on(404, "NotFound", kind, key, message)
    }

    /// 409: the name is taken.
    #[must_use]
    pub fn already_exists(kind: Kind, key: &Key) -> Self {
        let message = format!("{} \"{}\" already exists", Self::resource(kind), key.name);
        Self::on(409, "AlreadyExists", kind, key, message)
    }

    /// 409: the object is not as the request supposed.
    #[must_use]
    pub fn conflict(kind: Kind, key: &Key, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{}\": {why}", Self::resource(kind), key.name);
        Self::on(409, "Conflict", kind, key, message)
    }

    /// 500.
    #[must_use]
    pub fn internal(error: &dyn std::error::Error) -> Self {
        Self {
            code: 500,
            reason: "InternalError",
            message: format!("Internal error occurred: {error}"),
            details: Value::Null,
        }
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "details": self.details, "code": self.code,
        })
    }
}
