//! The `/scale` subresource: `autoscaling/v1` Scale of a Deployment, ReplicaSet or StatefulSet.

use http::Method;
use serde_json::{Value, json};

use crate::registry::Part;
use crate::{Object, State};

use super::error::{ApiError, Cause};
use super::handle::{Call, Outcome};
use super::managed::Manager;
use super::route::Target;
use super::{managed, patch};

/// GET, PUT and PATCH of a scale.
pub(super) fn serve(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let (kind, key) = (target.kind, target.key());
    let object = state.store.get(kind, &key).cloned().ok_or_else(|| ApiError::not_found(kind, &key))?;
    let wanted = match call.method {
        Method::GET => return Ok(Outcome::json(200, &scale(&object))),
        Method::PUT => call.json()?,
        Method::PATCH => patch::apply_to(kind, &call.content_type, &scale(&object), &call.json()?)?,
        _ => return Err(ApiError::method_not_allowed()),
    };
    let replicas = wanted.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(ApiError::invalid(kind, &key.name, &[cause]));
    }
    let mut value = object.value().clone();
    value["spec"]["replicas"] = json!(replicas);
    if let Some(version) = wanted.pointer("/metadata/resourceVersion") {
        value["metadata"]["resourceVersion"] = version.clone();
    }
    let writer = Manager::new(kind, &call.manager(), "Update", "scale", &state.time());
    managed::track(kind, Part::Main, object.value(), &mut value, writer);
    let stored = state.update(kind, &key, value, Part::Main, call.dry_run())?;
    Ok(Outcome::json(200, &scale(&stored)))
}

fn scale(object: &Object) -> Value {
    let value = object.value();
    let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object.text("/metadata/name"), "namespace": object.text("/metadata/namespace"),
            "uid": object.uid(), "resourceVersion": object.text("/metadata/resourceVersion"),
            "creationTimestamp": object.text("/metadata/creationTimestamp"),
        },
        "spec": { "replicas": number("/spec/replicas") },
        "status": { "replicas": number("/status/replicas"), "selector": selector_text(&value["spec"]["selector"]) },
    })
}

/// A label selector as the query writes it.
fn selector_text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let mut parts: Vec<String> =
        labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let name = expression["key"].as_str().unwrap_or_default();
        let values: Vec<&str> =
            expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str() {
            Some("In") => format!("{name} in ({})", values.join(",")),
            Some("NotIn") => format!("{name} notin ({})", values.join(",")),
            Some("Exists") => name.to_owned(),
            _ => format!("!{name}"),
        });
    }
    parts.join(",")
}
