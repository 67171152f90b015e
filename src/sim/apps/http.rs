//! The plain HTTP service: every GET is answered with the name of the pod. Keeps nothing.

use serde_json::json;

use super::{ProcessId, State};
use crate::network::{CallId, Request};

/// The body of every answer.
pub(super) fn body(pod: &str) -> String {
    json!({ "pod": pod }).to_string()
}

/// Answers one request: 200 to a GET or HEAD, 405 to anything else.
pub(super) fn request(state: &mut State, id: ProcessId, call: CallId, request: &Request) {
    let Some(process) = state.apps.processes.get(&id) else { return };
    let body = body(&process.pod);
    let status = if matches!(request.method.as_str(), "GET" | "HEAD" | "") { 200 } else { 405 };
    state.answer(call, status, body);
}
