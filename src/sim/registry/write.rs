//! Changing one object: by a component that knows what it does, or by a request that is checked.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, Object, State};

use super::strategy::Part;
use super::{decode, strategy, validate};

impl State {
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

    /// Stores a request's version of an object: checks the version that it was made from, keeps what the request may
    /// not write, fills in defaults and validates. A dry run stores nothing and returns what would be stored.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when the object changed meanwhile; `Invalid` with the refused fields.
    pub fn update(
        &mut self,
        kind: Kind,
        key: &Key,
        value: Value,
        part: Part,
        dry_run: bool,
    ) -> Result<Arc<Object>, ApiError> {
        let old = self.store.get(kind, key).cloned().ok_or_else(|| ApiError::not_found(kind, key))?;
        let said = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(uid) = said("/metadata/uid").filter(|uid| *uid != old.uid()) {
            let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {}", old.uid());
            return Err(ApiError::conflict(kind, key, &why));
        }
        match said("/metadata/resourceVersion") {
            Some(version) if version != old.text("/metadata/resourceVersion") => {
                let why = "the object has been modified; please apply your changes to the latest version and try again";
                return Err(ApiError::conflict(kind, key, why));
            }
            None if strategy::needs_version(kind) => {
                let cause =
                    Cause::invalid("metadata.resourceVersion", &json!("0x0"), "must be specified for an update");
                return Err(ApiError::invalid(kind, &key.name, &[cause]));
            }
            Some(_) | None => {}
        }
        let mut value = strategy::before_update(kind, part, old.value(), value);
        let wrong = self.shape_custom_update(kind, part, old.value(), &mut value)?;
        let value = decode::normal(kind, value)?;
        let mut causes = validate::update(kind, part, old.value(), &value);
        causes.extend(wrong);
        if !causes.is_empty() {
            return Err(ApiError::invalid(kind, &key.name, &causes));
        }
        if dry_run { Ok(Arc::new(Object::new(value))) } else { Ok(self.replace(kind, key, &old, value)) }
    }

    fn replace(&mut self, kind: Kind, key: &Key, old: &Arc<Object>, mut value: Value) -> Arc<Object> {
        if value == *old.value() {
            return old.clone();
        }
        if strategy::has_generation(kind) && !strategy::same_spec(kind, old.value(), &value) {
            let generation = old.value()["metadata"]["generation"].as_u64().unwrap_or(0) + 1;
            value["metadata"]["generation"] = json!(generation);
        }
        let stored = self.write(kind, key, value);
        if old.is_terminating() && !held(kind, stored.value()) {
            return self.remove(kind, key).unwrap_or(stored);
        }
        stored
    }

    /// Stores a version of an object and tells every room.
    pub(super) fn write(&mut self, kind: Kind, key: &Key, value: Value) -> Arc<Object> {
        let change = self.store.put(kind, key, value);
        self.announce(&change);
        self.count_quotas(kind, &key.namespace);
        change.new.clone()
    }
}

/// Whether something still keeps a terminating object: finalizers, or a pod's kubelet that has not let go.
pub(super) fn held(kind: Kind, value: &Value) -> bool {
    let filled = |pointer: &str| value.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    let graceful = value.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64) != Some(0);
    filled("/metadata/finalizers")
        || (kind == Kind::Namespace && filled("/spec/finalizers"))
        || (kind == Kind::Pod && graceful)
}
