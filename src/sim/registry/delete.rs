//! Deleting one object: preconditions, finalizers, propagation and a pod's grace.
//! Who removes or lets go of dependents is the garbage collector's affair.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::{Key, Kind, Object, State};

use super::strategy;
use super::write::held;

/// Finalizers by which an object waits for the garbage collector.
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// How an object is to be deleted.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// `gracePeriodSeconds`; the pod's own when absent, 0 removes at once.
    pub grace_seconds: Option<u64>,
    /// `preconditions.uid`.
    pub uid: Option<String>,
    /// `preconditions.resourceVersion`.
    pub resource_version: Option<String>,
    /// `propagationPolicy`: `Background` (default), `Foreground` or `Orphan`.
    pub propagation: Option<String>,
}

impl State {
    /// Deletes an object: at once, or by marking it when it has finalizers or is a pod that runs on a node.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when a precondition does not hold.
    pub fn delete(&mut self, kind: Kind, key: &Key, options: &DeleteOptions) -> Result<Arc<Object>, ApiError> {
        let old = self.store.get(kind, key).cloned().ok_or_else(|| ApiError::not_found(kind, key))?;
        preconditions(kind, key, &old, options)?;
        let grace = grace(kind, &old, options);
        let earlier = old.value().pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64);
        if old.is_terminating() && earlier.is_none_or(|earlier| earlier <= grace) && grace > 0 {
            return Ok(old);
        }
        let value = self.marked(kind, &old, grace, options);
        if held(kind, &value) {
            if value == *old.value() {
                return Ok(old);
            }
            return Ok(self.write(kind, key, value));
        }
        if kind == Kind::Pod && value != *old.value() {
            // A grace of 0 is written too, before the object goes: watches see both (`updateForGracefulDeletion`).
            self.write(kind, key, value);
        }
        Ok(self.remove(kind, key).unwrap_or(old))
    }

    /// Removes an object whatever its finalizers or grace say. Returns its last state.
    pub fn remove(&mut self, kind: Kind, key: &Key) -> Option<Arc<Object>> {
        let change = self.store.remove(kind, key)?;
        self.announce(&change);
        self.undefine(kind, change.new.value());
        self.count_quotas(kind, &key.namespace);
        Some(change.new.clone())
    }

    fn marked(&self, kind: Kind, old: &Object, grace: u64, options: &DeleteOptions) -> Value {
        let mut value = old.value().clone();
        if let Some(policy) = &options.propagation {
            propagate(&mut value, policy);
        }
        if kind == Kind::Namespace {
            value["status"]["phase"] = json!("Terminating");
        }
        if !old.is_terminating() && strategy::has_generation(kind) {
            // The first mark bumps the generation, so that controllers look again (`rest.BeforeDelete`).
            value["metadata"]["generation"] = json!(value["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        if !old.is_terminating() || kind == Kind::Pod {
            let end = self.time().0.as_second() + i64::try_from(grace).unwrap_or(0);
            let known = old.value().pointer("/metadata/deletionTimestamp").cloned();
            // An end that lies in the past already is not moved.
            let time = if grace == 0 { known } else { None };
            let time = time.or_else(|| Timestamp::from_second(end).ok().map(|end| json!(end)));
            value["metadata"]["deletionTimestamp"] = json!(time);
            value["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        }
        value
    }
}

/// A policy that is said decides which of the garbage collector's finalizers the object has while it goes.
fn propagate(value: &mut Value, policy: &str) {
    let known = value.pointer("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut finalizers: Vec<Value> =
        known.iter().filter(|finalizer| **finalizer != ORPHAN && **finalizer != FOREGROUND).cloned().collect();
    match policy {
        "Orphan" => finalizers.push(json!(ORPHAN)),
        "Foreground" => finalizers.push(json!(FOREGROUND)),
        _ => {}
    }
    if !finalizers.is_empty() {
        value["metadata"]["finalizers"] = json!(finalizers);
    } else if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("finalizers");
    }
}

fn preconditions(kind: Kind, key: &Key, old: &Object, options: &DeleteOptions) -> Result<(), ApiError> {
    let check = |what: &str, wanted: Option<&str>, found: &str| match wanted.filter(|wanted| *wanted != found) {
        Some(wanted) => {
            let why = format!("Precondition failed: {what} in precondition: {wanted}, {what} in object meta: {found}");
            Err(ApiError::conflict(kind, key, &why))
        }
        None => Ok(()),
    };
    check("UID", options.uid.as_deref(), old.uid())?;
    check("ResourceVersion", options.resource_version.as_deref(), old.text("/metadata/resourceVersion"))
}

/// Seconds that a pod gets: none when no kubelet has it or when it ended already (`podStrategy.CheckGracefulDelete`).
fn grace(kind: Kind, old: &Object, options: &DeleteOptions) -> u64 {
    let bound = !old.text("/spec/nodeName").is_empty();
    let ended = matches!(old.text("/status/phase"), "Succeeded" | "Failed");
    if kind != Kind::Pod || !bound || ended {
        return 0;
    }
    let own = old.value().pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
    options.grace_seconds.or(own).unwrap_or(30)
}
