//! delete and deletecollection, with options from the body and from the query.

use serde_json::{Value, json};

use crate::registry::DeleteOptions;
use crate::{Key, Kind, State};

use super::error::ApiError;
use super::handle::{Call, Outcome};
use super::list;
use super::route::Target;

/// DELETE of one object.
pub(super) fn delete(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let (options, dry_run) = options(call)?;
    let (kind, key) = (target.kind, target.key());
    let before = state.store.get(kind, &key).cloned().ok_or_else(|| ApiError::not_found(kind, &key))?;
    if dry_run {
        return Ok(Outcome::json(200, before.value()));
    }
    let object = state.delete(kind, &key, &options)?;
    // The strategies with `ReturnDeletedObject`; the others answer a Status once the object is gone.
    let returned = matches!(
        kind,
        Kind::Pod | Kind::Service | Kind::PersistentVolume | Kind::PersistentVolumeClaim | Kind::ServiceAccount
    );
    if returned || state.store.get(kind, &key).is_some() {
        return Ok(Outcome::json(200, object.value()));
    }
    let facts = kind.facts();
    let mut details = json!({ "name": key.name, "kind": facts.plural, "uid": before.uid() });
    if !facts.group.is_empty() {
        details["group"] = json!(facts.group);
    }
    let status =
        json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details });
    Ok(Outcome::json(200, &status))
}

/// DELETE of a collection, narrowed by selectors.
pub(super) fn delete_collection(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let (options, dry_run) = options(call)?;
    let filter = list::filter(call, target)?;
    let keys: Vec<Key> = state
        .store
        .all(target.kind)
        .filter(|(key, object)| filter.matches(key, object.value()))
        .map(|(key, _)| key.clone())
        .collect();
    let mut items: Vec<Value> = Vec::new();
    for key in keys {
        let object = match state.store.get(target.kind, &key).cloned() {
            Some(object) if dry_run => object,
            Some(_) => state.delete(target.kind, &key, &options)?,
            None => continue,
        };
        items.push(object.value().clone());
    }
    let facts = target.kind.facts();
    let list = json!({
        "kind": format!("{}List", facts.kind), "apiVersion": facts.api_version(),
        "metadata": { "resourceVersion": state.store.version().to_string() }, "items": items,
    });
    Ok(Outcome::json(200, &list))
}

fn options(call: &Call) -> Result<(DeleteOptions, bool), ApiError> {
    let body = call.json_or_null()?;
    let (mut options, dry_run) = read_options(&body)?;
    let seconds = call.query.get("gracePeriodSeconds").map(str::parse).transpose();
    let seconds = seconds.map_err(|error| ApiError::bad_request(format!("gracePeriodSeconds: {error}")))?;
    options.grace_seconds = options.grace_seconds.or(seconds);
    if options.propagation.is_none() {
        options.propagation = call.query.get("propagationPolicy").map(str::to_owned);
    }
    check_propagation(&options)?;
    Ok((options, dry_run || call.dry_run()))
}

/// Reads a `metav1.DeleteOptions` and whether it is a dry run.
pub(super) fn read_options(body: &Value) -> Result<(DeleteOptions, bool), ApiError> {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let dry_run = body.get("dryRun").and_then(Value::as_array).is_some_and(|stages| stages.contains(&json!("All")));
    let mut options = DeleteOptions {
        // A negative grace period means the shortest one.
        grace_seconds: body.get("gracePeriodSeconds").and_then(Value::as_i64).map(|s| u64::try_from(s).unwrap_or(1)),
        uid: text("/preconditions/uid"),
        resource_version: text("/preconditions/resourceVersion"),
        propagation: text("/propagationPolicy"),
    };
    if options.propagation.is_none() && body.get("orphanDependents") == Some(&json!(true)) {
        options.propagation = Some("Orphan".to_owned());
    }
    check_propagation(&options)?;
    Ok((options, dry_run))
}

fn check_propagation(options: &DeleteOptions) -> Result<(), ApiError> {
    match options.propagation.as_deref() {
        None | Some("Background" | "Foreground" | "Orphan") => Ok(()),
        Some(other) => Err(ApiError::plain(
            422,
            "Invalid",
            format!(
                "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"{other}\": supported \
                 values: \"Background\", \"Foreground\", \"Orphan\""
            ),
        )),
    }
}
