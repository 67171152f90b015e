//! Authorisation: everything is allowed except what the settings deny.

use serde_json::{Value, json};

use crate::{Settings, State};

use super::USER;
use super::error::ApiError;
use super::handle::{Call, Outcome};
use super::route::Target;

fn denied(settings: &Settings, verb: &str, resource: &str) -> bool {
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern == text;
    settings.denied.iter().any(|(v, r)| fits(v, verb) && fits(r, resource))
}

/// 403 when the settings take this verb away.
pub(super) fn check(state: &State, verb: &str, target: &Target) -> Result<(), ApiError> {
    let resource = target.resource();
    if !denied(&state.settings, verb, &resource) {
        return Ok(());
    }
    let facts = target.kind.facts();
    let scope = target
        .namespace
        .as_ref()
        .map_or_else(|| "at the cluster scope".to_owned(), |namespace| format!("in the namespace \"{namespace}\""));
    let name = target.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let message = format!(
        "{}{name} is forbidden: User \"{USER}\" cannot {verb} resource \"{resource}\" in API group \"{}\" {scope}",
        facts.resource(),
        facts.group
    );
    let mut details = json!({ "kind": facts.plural });
    if let Some(name) = &target.name {
        details["name"] = json!(name);
    }
    if !facts.group.is_empty() {
        details["group"] = json!(facts.group);
    }
    Err(ApiError { details, ..ApiError::plain(403, "Forbidden", message) })
}

/// POST of a `SelfSubjectAccessReview`: it comes back with its status.
pub(super) fn review(state: &State, call: &Call) -> Result<Outcome, ApiError> {
    if call.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = call.json()?;
    if !review.is_object() {
        return Err(ApiError::bad_request("the body of the request is not an object"));
    }
    let text = |field: &str| {
        let pointer = format!("/spec/resourceAttributes/{field}");
        review.pointer(&pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let (verb, mut resource, sub) = (text("verb"), text("resource"), text("subresource"));
    if !sub.is_empty() {
        resource = format!("{resource}/{sub}");
    }
    let allowed = !denied(&state.settings, &verb, &resource);
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["kind"] = json!("SelfSubjectAccessReview");
    review["status"] = json!({ "allowed": allowed });
    if !allowed {
        review["status"]["reason"] = json!("taken away by the settings of the embedded cluster");
    }
    Ok(Outcome::json(201, &review))
}

/// POST of a `SelfSubjectRulesReview`: everything may be done; rules cannot say what the settings take away from that, so
/// that the list is incomplete then, as of an authoriser that cannot enumerate.
pub(super) fn rules(state: &State, call: &Call) -> Result<Outcome, ApiError> {
    if call.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut review = call.json()?;
    if review.pointer("/spec/namespace").and_then(Value::as_str).unwrap_or_default().is_empty() {
        return Err(ApiError::bad_request("no namespace on request"));
    }
    let complete = state.settings.denied.is_empty();
    let all = json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]);
    review["apiVersion"] = json!("authorization.k8s.io/v1");
    review["kind"] = json!("SelfSubjectRulesReview");
    review["status"] = json!({
        "resourceRules": if complete { all } else { json!([]) }, "nonResourceRules": [], "incomplete": !complete,
    });
    if !complete {
        review["status"]["evaluationError"] = json!("the settings of the embedded cluster take rights away");
    }
    Ok(Outcome::json(201, &review))
}
