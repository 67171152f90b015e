//! Creating, changing and deleting one object.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sim::api::error::ApiError;
use crate::sim::{Key, Kind, Object, State};

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
    /// Creates an object: sets name (from `generateName`), UID, creation time and generation.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken.
    pub fn create(&mut self, kind: Kind, mut value: Value) -> Result<Arc<Object>, ApiError> {
        let facts = kind.facts();
        value["apiVersion"] = json!(facts.api_version());
        value["kind"] = json!(facts.kind);
        if value.pointer("/metadata/name").is_none()
            && let Some(prefix) = value.pointer("/metadata/generateName").and_then(Value::as_str)
        {
            let name = format!("{prefix}{}", self.suffix(5));
            value["metadata"]["name"] = json!(name);
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = Key::new(text("/metadata/namespace"), text("/metadata/name"));
        if self.store.get(kind, &key).is_some() {
            return Err(ApiError::already_exists(kind, &key));
        }
        value["metadata"]["uid"] = json!(self.next_uid());
        value["metadata"]["creationTimestamp"] = json!(self.time());
        value["metadata"]["generation"] = json!(1);
        Ok(self.write(kind, &key, value))
    }

    /// Changes an object through its typed view and stores it when it differs. Returns the stored version.
    /// The generation grows when `spec` changed. Removes the object when its last finalizer went while terminating.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn modify<T>(&mut self, kind: Kind, key: &Key, change: impl FnOnce(&mut T)) -> Result<Arc<Object>, ApiError>
    where
        T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let old = self.store.get(kind, key).cloned().ok_or_else(|| ApiError::not_found(kind, key))?;
        let mut typed = old.typed::<T>().clone();
        change(&mut typed);
        let value = serde_json::to_value(&typed).map_err(|error| ApiError::internal(&error))?;
        Ok(self.replace(kind, key, &old, value))
    }

    /// Changes an object as JSON; else as [`State::modify`].
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub fn modify_value(
        &mut self,
        kind: Kind,
        key: &Key,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Object>, ApiError> {
        let old = self.store.get(kind, key).cloned().ok_or_else(|| ApiError::not_found(kind, key))?;
        let mut value = old.value().clone();
        change(&mut value);
        Ok(self.replace(kind, key, &old, value))
    }

    fn replace(&mut self, kind: Kind, key: &Key, old: &Arc<Object>, mut value: Value) -> Arc<Object> {
        if value == *old.value() {
            return old.clone();
        }
        if value.get("spec") != old.value().get("spec") {
            let generation = old.value()["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            value["metadata"]["generation"] = json!(generation);
        }
        let finalizers = value.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
        let graceful = kind == Kind::Pod && old.value()["metadata"]["deletionGracePeriodSeconds"].as_u64() != Some(0);
        if old.is_terminating() && !finalizers && !graceful {
            self.write(kind, key, value);
            return self.remove(kind, key).unwrap_or_else(|| old.clone());
        }
        self.write(kind, key, value)
    }

    /// Deletes an object: at once, or by marking it when it has finalizers or is a pod that runs on a node.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when a precondition does not hold.
    pub fn delete(&mut self, kind: Kind, key: &Key, options: &DeleteOptions) -> Result<Arc<Object>, ApiError> {
        let old = self.store.get(kind, key).cloned().ok_or_else(|| ApiError::not_found(kind, key))?;
        if options.uid.as_deref().is_some_and(|uid| uid != old.uid()) {
            return Err(ApiError::conflict(kind, key, "the UID in the precondition does not match"));
        }
        let version = old.text("/metadata/resourceVersion");
        if options.resource_version.as_deref().is_some_and(|wanted| wanted != version) {
            return Err(ApiError::conflict(kind, key, "the resourceVersion in the precondition does not match"));
        }
        let own_grace =
            old.value().pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64).unwrap_or(30);
        let grace = if kind == Kind::Pod { options.grace_seconds.unwrap_or(own_grace) } else { 0 };
        let bound = kind == Kind::Pod && !old.text("/spec/nodeName").is_empty();
        let finalizers =
            old.value().pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
        if !finalizers && (grace == 0 || !bound) {
            return Ok(self.remove(kind, key).unwrap_or(old));
        }
        let mut value = old.value().clone();
        let earlier = value["metadata"]["deletionGracePeriodSeconds"].as_u64();
        if earlier.is_some_and(|earlier| earlier <= grace) {
            return Ok(old);
        }
        value["metadata"]["deletionGracePeriodSeconds"] = json!(grace);
        let end = self.time().0.as_second() + i64::try_from(grace).unwrap_or(0);
        value["metadata"]["deletionTimestamp"] = json!(k8s_openapi::jiff::Timestamp::from_second(end).ok());
        Ok(self.write(kind, key, value))
    }

    /// Removes an object whatever its finalizers or grace say. Returns its last state.
    pub fn remove(&mut self, kind: Kind, key: &Key) -> Option<Arc<Object>> {
        let change = self.store.remove(kind, key)?;
        self.announce(&change);
        Some(change.new.clone())
    }

    fn write(&mut self, kind: Kind, key: &Key, value: Value) -> Arc<Object> {
        let change = self.store.put(kind, key, value);
        self.announce(&change);
        change.new.clone()
    }
}
