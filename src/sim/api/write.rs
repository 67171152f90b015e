//! create, update and patch of one object.

use serde_json::{Value, json};

use crate::registry::Part;
use crate::{Key, Kind, State};

use super::apply::Applier;
use super::error::{ApiError, Cause};
use super::handle::{Call, Outcome};
use super::managed::Manager;
use super::route::Target;
use super::{apply, managed, patch};

/// Namespaces that exist in every cluster.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// POST to a collection.
pub(super) fn create(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let mut value = checked_body(target, call.json()?)?;
    place(target, &mut value)?;
    strict(state, call, target.kind, &value)?;
    store_new(state, call, target, value)
}

/// Stores a new object that a request describes.
fn store_new(state: &mut State, call: &Call, target: &Target, mut value: Value) -> Result<Outcome, ApiError> {
    place(target, &mut value)?;
    if value.pointer("/metadata/resourceVersion").and_then(Value::as_str).is_some_and(|version| !version.is_empty()) {
        return Err(ApiError::bad_request("resourceVersion should not be set on objects to be created"));
    }
    namespace_exists(state, target)?;
    let object = state.admit(target.kind, value, call.dry_run())?;
    Ok(Outcome::object(201, target, object.value()))
}

/// PUT of an object or its status.
pub(super) fn update(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let mut value = checked_body(target, call.json()?)?;
    place(target, &mut value)?;
    store_next(state, call, target, value)
}

/// Stores a new version of an object that a request describes, and notes who wrote what.
fn store_next(state: &mut State, call: &Call, target: &Target, mut value: Value) -> Result<Outcome, ApiError> {
    let key = target.key();
    shaped(target.kind, &value)?;
    strict(state, call, target.kind, &value)?;
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if name != key.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", key.name);
        return Err(ApiError::bad_request(message));
    }
    if let Some(old) = state.store.get(target.kind, &key).cloned() {
        let subresource = target.sub.as_deref().unwrap_or_default();
        let writer = Manager::new(target.kind, &call.manager(), "Update", subresource, &state.time());
        managed::track(target.kind, part(target), old.value(), &mut value, writer);
    }
    let object = state.update(target.kind, &key, value, part(target), call.dry_run())?;
    Ok(Outcome::object(200, target, object.value()))
}

/// PATCH of an object or its status.
pub(super) fn patch(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    if call.content_type == "application/apply-patch+yaml" {
        return apply(state, call, target);
    }
    let key = target.key();
    let old = state.store.get(target.kind, &key).cloned().ok_or_else(|| ApiError::not_found(target.kind, &key))?;
    let value = patch::apply_to(target.kind, &call.content_type, old.value(), &call.json()?)?;
    store_next(state, call, target, value)
}

/// Server-side apply: creates what is not there.
fn apply(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let mut config = checked_body(target, call.json()?)?;
    if config.pointer("/metadata/name").and_then(Value::as_str).is_none_or(str::is_empty) {
        let name = target.name.as_deref().unwrap_or_default();
        let message = format!("the name of the object ({name} based on URL) was undeterminable: name must be provided");
        return Err(ApiError::bad_request(message));
    }
    place(target, &mut config)?;
    let sent = config.clone();
    crate::registry::readable(target.kind, &mut config);
    apply::check_lists(target.kind, &sent)?;
    // Below a root that keeps what it does not know, the real server types nothing that is applied, and prunes in silence.
    if !state.keeps_unknown(target.kind, &config) {
        strict(state, call, target.kind, &sent)?;
    }
    let manager = call.query.get("fieldManager").ok_or_else(|| {
        let message =
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        ApiError::plain(422, "Invalid", message)
    })?;
    let time = state.time();
    let applier = Applier { manager, force: call.query.flag("force"), part: part(target), time: &time };
    let key = target.key();
    let Some(old) = state.store.get(target.kind, &key).cloned() else {
        if target.sub.is_some() {
            return Err(ApiError::not_found(target.kind, &key));
        }
        if let Some(uid) = config.pointer("/metadata/uid").and_then(Value::as_str).filter(|uid| !uid.is_empty()) {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(ApiError::conflict(target.kind, &key, &why));
        }
        let value = apply::create(target.kind, &config, &applier)?;
        return store_new(state, call, target, value);
    };
    let value = apply::apply(target.kind, old.value(), &config, &applier)?;
    let object = state.update(target.kind, &key, value, part(target), call.dry_run())?;
    Ok(Outcome::object(200, target, object.value()))
}

/// PUT of `namespaces/NAME/finalize`: only `spec.finalizers` counts.
pub(super) fn finalize(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    if target.kind != Kind::Namespace {
        return Err(ApiError::unknown_path());
    }
    let finalizers = call.json()?.pointer("/spec/finalizers").cloned().unwrap_or_else(|| json!([]));
    let key = target.key();
    let object = state.modify_value(Kind::Namespace, &key, |namespace| {
        if finalizers.as_array().is_some_and(|list| !list.is_empty()) {
            namespace["spec"]["finalizers"] = finalizers;
        } else if let Some(spec) = namespace.get_mut("spec").and_then(Value::as_object_mut) {
            spec.remove("finalizers");
        }
    })?;
    Ok(Outcome::object(200, target, object.value()))
}

fn part(target: &Target) -> Part {
    if target.sub.as_deref() == Some("status") { Part::Status } else { Part::Main }
}

/// The body must be an object of the kind that the URL names.
fn checked_body(target: &Target, value: Value) -> Result<Value, ApiError> {
    let facts = target.kind.facts();
    if !value.is_object() {
        return Err(ApiError::bad_request("the body of the request is not an object"));
    }
    shaped(target.kind, &value)?;
    let said = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (said("apiVersion"), said("kind"));
    let expected =
        if facts.group.is_empty() { target.version.clone() } else { format!("{}/{}", facts.group, target.version) };
    if !version.is_empty() && version != expected {
        let message =
            format!("the API version in the data ({version}) does not match the expected API version ({expected})");
        return Err(ApiError::bad_request(message));
    }
    if !kind.is_empty() && kind != facts.kind {
        let message = format!(
            "{kind} in version \"{}\" cannot be handled as a {}: no kind \"{kind}\" is served here",
            facts.version, facts.kind
        );
        return Err(ApiError::bad_request(message));
    }
    Ok(convert(target, value))
}

/// The parts that are read before an object is decoded must be what they are: objects or texts, or not there.
fn shaped(kind: Kind, value: &Value) -> Result<(), ApiError> {
    let facts = kind.facts();
    for field in ["metadata", "spec", "status"] {
        let part = value.get(field).unwrap_or(&Value::Null);
        // Definitions of other kinds may use the words as they like.
        let is_ours = field == "metadata" || !matches!(kind, Kind::Stored(_));
        if is_ours && !part.is_object() && !part.is_null() {
            let message = format!(
                "{0} in version \"{1}\" cannot be handled as a {0}: json: cannot unmarshal into Go struct field {0}.{field}",
                facts.kind, facts.version
            );
            return Err(ApiError::bad_request(message));
        }
    }
    // What is put in its place below must be a text as well.
    for (pointer, field) in
        [("/apiVersion", "apiVersion"), ("/kind", "kind"), ("/metadata/namespace", "ObjectMeta.metadata.namespace")]
    {
        if value.pointer(pointer).is_some_and(|text| !text.is_string() && !text.is_null()) {
            let message = format!(
                "{0} in version \"{1}\" cannot be handled as a {0}: json: cannot unmarshal into Go struct field {field} of type string",
                facts.kind, facts.version
            );
            return Err(ApiError::bad_request(message));
        }
    }
    Ok(())
}

/// From the version that was asked for to the one that is stored. Only `autoscaling/v1` is written differently.
fn convert(target: &Target, mut value: Value) -> Value {
    // Those of custom kinds are read by the schema of the version that was asked for.
    if let Kind::Stored(facts) = target.kind {
        value["apiVersion"] = json!(if facts.group.is_empty() {
            target.version.clone()
        } else {
            format!("{}/{}", facts.group, target.version)
        });
        return value;
    }
    if target.version == target.kind.facts().version {
        return value;
    }
    value["apiVersion"] = json!(target.kind.facts().api_version());
    if target.kind == Kind::HorizontalPodAutoscaler
        && let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut)
        && let Some(percent) = spec.remove("targetCPUUtilizationPercentage").filter(|percent| !percent.is_null())
    {
        let target = json!({ "type": "Utilization", "averageUtilization": percent });
        spec.insert(
            "metrics".to_owned(),
            json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]),
        );
    }
    value
}

/// The namespace of the URL becomes the object's; another one in the body is refused.
fn place(target: &Target, value: &mut Value) -> Result<(), ApiError> {
    let said = value.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default();
    let namespace = target.namespace.as_deref().unwrap_or_default();
    if !target.kind.facts().namespaced {
        // What has no namespace loses what it says of one.
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("namespace");
        }
    } else if !said.is_empty() && said != namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(ApiError::bad_request(message));
    }
    if !namespace.is_empty() {
        value["metadata"]["namespace"] = json!(namespace);
    }
    if let Some(name) = &target.name
        && value.pointer("/metadata/name").is_none()
    {
        value["metadata"]["name"] = json!(name);
    }
    let blank = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).is_none_or(str::is_empty);
    if target.kind == Kind::LimitRange && target.name.is_none() && blank("/metadata/name") {
        return Ok(());
    }
    if blank("/metadata/name") && blank("/metadata/generateName") {
        let cause = Cause::required("metadata.name", "name or generateName is required");
        return Err(ApiError::invalid(target.kind, "", &[cause]));
    }
    Ok(())
}

fn namespace_exists(state: &State, target: &Target) -> Result<(), ApiError> {
    let Some(namespace) = &target.namespace else { return Ok(()) };
    let key = Key::cluster(namespace);
    if SYSTEM_NAMESPACES.contains(&namespace.as_str()) || state.store.get(Kind::Namespace, &key).is_some() {
        return Ok(());
    }
    Err(ApiError::not_found(Kind::Namespace, &key))
}

/// `fieldValidation=Strict`, which kubectl asks for: fields that the kind does not have are refused.
fn strict(state: &State, call: &Call, kind: Kind, value: &Value) -> Result<(), ApiError> {
    if call.query.get("fieldValidation") != Some("Strict") {
        return Ok(());
    }
    let unknown = state.unknown_fields(kind, value)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let facts = kind.facts();
    let fields = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{0} in version \"{1}\" cannot be handled as a {0}: strict decoding error: {fields}",
        facts.kind, facts.version
    );
    Err(ApiError::bad_request(message))
}
