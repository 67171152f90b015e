//! One request without a connection: what a client would be answered, for those who hold the state themselves.

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use crate::State;

use super::handle::{Call, Outcome, handle};

/// Answers a request at once: the HTTP status code and the body. Watches and proxies need a connection: they answer 501.
///
/// `target` is a path with its query, `content_type` that of the body.
#[must_use]
pub fn ask(state: &mut State, method: http::Method, target: &str, content_type: &str, body: &Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(target).header("content-type", content_type).body(());
    let Ok(request) = request else { return (400, Value::String("not a request".to_owned())) };
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let call = Call::new(&request.into_parts().0, body);
    match handle(state, &call) {
        Outcome::Json(code, body) => (code, serde_json::from_slice(&body).unwrap_or(Value::Null)),
        Outcome::Text(code, text) => (code, Value::String(text)),
        Outcome::Refused(error) => (error.code, error.body()),
        Outcome::Watch(_) | Outcome::Proxy(_) => (501, Value::String("only over a connection".to_owned())),
    }
}
