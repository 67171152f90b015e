//! Which patch a content type means, and what the object becomes.

use serde_json::Value;

use crate::Kind;

use super::error::ApiError;
use super::strategic;

/// Applies a patch to an object as it is stored.
pub(super) fn apply_to(kind: Kind, content_type: &str, old: &Value, body: &Value) -> Result<Value, ApiError> {
    let mut value = old.clone();
    match content_type {
        "application/merge-patch+json" => json_patch::merge(&mut value, body),
        "application/json-patch+json" => {
            let patch: json_patch::Patch = serde_json::from_value(body.clone())
                .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut value, &patch).map_err(|error| {
                ApiError::plain(
                    422,
                    "Invalid",
                    format!("the server rejected our request due to an error in our request: {error}"),
                )
            })?;
        }
        "application/strategic-merge-patch+json" => strategic::merge(kind, &mut value, body)?,
        _ => {
            let message = "the body of the request was in an unknown format - accepted media types include: \
                           application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, \
                           application/strategic-merge-patch+json";
            return Err(ApiError::plain(415, "UnsupportedMediaType", message));
        }
    }
    if !value.is_object() {
        return Err(ApiError::bad_request("the patch leaves no object"));
    }
    Ok(value)
}
