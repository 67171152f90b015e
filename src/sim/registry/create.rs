//! Creating one object: for controllers as they say, for requests after the checks of admission.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::error::{ApiError, Cause};
use crate::{Key, Kind, Object, State};

use super::{decode, strategy, validate};

/// How often a taken generated name is drawn again.
const NAME_ATTEMPTS: usize = 8;

impl State {
    /// Creates an object: sets name (from `generateName`), UID, creation time, generation and defaults.
    /// A status that is given is kept, so that a component may create what already lives.
    ///
    /// # Errors
    /// `AlreadyExists` when the name is taken, `BadRequest` when the JSON does not fit the kind, `Forbidden` in a
    /// namespace that terminates.
    pub fn create(&mut self, kind: Kind, value: Value) -> Result<Arc<Object>, ApiError> {
        let (key, value) = self.new_object(kind, value)?;
        if is_checked(kind) {
            self.check_new(kind, &key, &value, Vec::new())?;
        }
        Ok(self.write(kind, &key, value))
    }

    /// Creates an object for a request: what only the server may set is dropped, and the rest is validated.
    /// A dry run stores nothing and returns what would be stored.
    ///
    /// # Errors
    /// As [`State::create`]; `Invalid` with the refused fields.
    pub fn admit(&mut self, kind: Kind, mut value: Value, dry_run: bool) -> Result<Arc<Object>, ApiError> {
        if !strategy::has_generation(kind)
            && value.pointer("/metadata/generation").and_then(Value::as_i64).is_some_and(|generation| generation < 0)
        {
            let cause = Cause::invalid(
                "metadata.generation",
                &value["metadata"]["generation"],
                "must be greater than or equal to 0",
            );
            let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            return Err(ApiError::invalid(kind, name, &[cause]));
        }
        strategy::before_create(kind, &mut value);
        let wrong = self.shape_custom(kind, &mut value)?;
        let (key, value) = self.new_object(kind, value)?;
        self.check_new(kind, &key, &value, wrong)?;
        if dry_run { Ok(Arc::new(Object::new(value))) } else { Ok(self.write(kind, &key, value)) }
    }

    /// Refuses what the API server refuses: by itself, beside what is known to be wrong, then because of other objects.
    fn check_new(&self, kind: Kind, key: &Key, value: &Value, wrong: Vec<Cause>) -> Result<(), ApiError> {
        let mut causes = validate::create(kind, value);
        causes.extend(wrong);
        if !causes.is_empty() {
            return Err(ApiError::invalid(kind, &key.name, &causes));
        }
        self.admissible(kind, key, value)
    }

    fn new_object(&mut self, kind: Kind, mut value: Value) -> Result<(Key, Value), ApiError> {
        let key = self.name_object(kind, &mut value);
        self.not_terminating(kind, &key)?;
        if self.store.get(kind, &key).is_some() {
            return Err(ApiError::already_exists(kind, &key));
        }
        let mut value = decode::normal(kind, value)?;
        self.admission(kind, &key, &mut value)?;
        value["metadata"]["uid"] = json!(self.next_uid());
        value["metadata"]["creationTimestamp"] = json!(self.time());
        if strategy::has_generation(kind) {
            value["metadata"]["generation"] = json!(1);
        }
        Ok((key, value))
    }

    fn name_object(&mut self, kind: Kind, value: &mut Value) -> Key {
        let text = |value: &Value, pointer: &str| {
            value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let namespace = text(value, "/metadata/namespace");
        let given = text(value, "/metadata/name");
        if !given.is_empty() {
            return Key::new(namespace, given);
        }
        let prefix = text(value, "/metadata/generateName");
        if kind == Kind::LimitRange && prefix.is_empty() {
            let key = Key::new(namespace, self.next_uid());
            value["metadata"]["name"] = json!(key.name);
            return key;
        }
        let mut key = Key::new(namespace, format!("{prefix}{}", self.suffix(5)));
        for _ in 1..NAME_ATTEMPTS {
            if self.store.get(kind, &key).is_none() {
                break;
            }
            key.name = format!("{prefix}{}", self.suffix(5));
        }
        value["metadata"]["name"] = json!(key.name);
        key
    }

    fn not_terminating(&self, kind: Kind, key: &Key) -> Result<(), ApiError> {
        let namespace = self.store.get(Kind::Namespace, &Key::cluster(&key.namespace));
        if !namespace.is_some_and(|namespace| namespace.is_terminating()) {
            return Ok(());
        }
        let why = format!("unable to create new content in namespace {} because it is being terminated", key.namespace);
        let mut error = ApiError::forbidden(kind, key, &why);
        error.details["causes"] = json!([{
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {} is being terminated", key.namespace),
        }]);
        Err(error)
    }
}

/// The kinds whose objects are checked although a component of the cluster makes them: those that it makes from what a user
/// wrote. Of its own (events, leases, slices) it knows what they hold.
fn is_checked(kind: Kind) -> bool {
    matches!(kind, Kind::Pod | Kind::ReplicaSet | Kind::ControllerRevision | Kind::PersistentVolumeClaim)
}
