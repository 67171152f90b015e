//! Objects by kind and key, their resource versions, and the log of changes that watches read.
//! Never applies a rule of Kubernetes: admission, finalizers and graceful deletion are `registry`'s.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Kind;

/// Namespace and name; the namespace is empty for cluster-scoped kinds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace, empty when cluster-scoped.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
}

impl Key {
    /// A key in a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// A key of a cluster-scoped object.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self::new("", name)
    }
}

/// One version of one object: JSON as served, and a typed view decoded at most once.
#[derive(Debug)]
pub struct Object {
    value: Value,
    typed: OnceLock<Box<dyn Any + Send + Sync>>,
    glance: OnceLock<Glance>,
    labels: Arc<Labels>,
}

/// `metadata.labels`. Versions of one object share them as long as they stay the same.
type Labels = BTreeMap<String, String>;

fn labels_of(value: &Value) -> Option<&Map<String, Value>> {
    value.get("metadata")?.get("labels")?.as_object()
}

fn is_same(labels: &Labels, value: &Value) -> bool {
    let Some(read) = labels_of(value) else { return labels.is_empty() };
    labels.len() == read.len()
        && labels.iter().zip(read).all(|((name, value), (key, read))| name == key && read.as_str() == Some(value))
}

/// What is asked of each of thousands of pods again and again, read from the JSON at most once for each version.
#[derive(Clone, Copy, Debug)]
struct Glance {
    terminating: bool,
    finished: bool,
    ready: bool,
}

impl Object {
    /// Wraps a complete object.
    #[must_use]
    pub fn new(value: Value) -> Self {
        let labels = labels_of(&value).into_iter().flatten();
        let labels = labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        Self::with_labels(value, Arc::new(labels))
    }

    /// The version that follows another one.
    fn after(old: &Self, value: Value) -> Self {
        if is_same(&old.labels, &value) { Self::with_labels(value, old.labels.clone()) } else { Self::new(value) }
    }

    fn with_labels(value: Value, labels: Arc<Labels>) -> Self {
        Self { value, typed: OnceLock::new(), glance: OnceLock::new(), labels }
    }

    /// The object as JSON.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The object as a `k8s_openapi` type. Decoded once for each version; one type for each kind.
    ///
    /// # Panics
    /// When the JSON is not a `T`: `registry` checks this before anything is stored.
    #[must_use]
    pub fn typed<T: DeserializeOwned + Send + Sync + 'static>(&self) -> &T {
        self.typed
            .get_or_init(|| Box::new(T::deserialize(&self.value).expect("stored objects decode")))
            .downcast_ref::<T>()
            .expect("one type for each kind")
    }

    /// A part of the object at a JSON pointer without escapes. Unlike `Value::pointer` it allocates nothing, which
    /// counts where each of thousands of pods is looked at.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        pointer.split('/').skip(1).try_fold(&self.value, |value, token| match value {
            Value::Object(fields) => fields.get(token),
            Value::Array(items) => items.get(token.parse::<usize>().ok()?),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
        })
    }

    /// A string at a JSON pointer, empty when absent.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// `metadata.uid`.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    /// Whether `metadata.deletionTimestamp` is set.
    #[must_use]
    pub fn is_terminating(&self) -> bool {
        self.glance().terminating
    }

    /// Whether `status.phase` is an end: `Succeeded` or `Failed`.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.glance().finished
    }

    /// Whether the condition `Ready` is True.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.glance().ready
    }

    /// A condition of `status.conditions` by its type.
    #[must_use]
    pub fn condition(&self, kind: &str) -> Option<&Value> {
        let conditions = self.value.get("status")?.get("conditions")?.as_array()?;
        conditions.iter().find(|condition| condition.get("type").and_then(Value::as_str) == Some(kind))
    }

    fn glance(&self) -> Glance {
        *self.glance.get_or_init(|| Glance {
            terminating: self.at("/metadata/deletionTimestamp").is_some(),
            finished: matches!(self.text("/status/phase"), "Succeeded" | "Failed"),
            ready: self.condition("Ready").and_then(|ready| ready.get("status")?.as_str()) == Some("True"),
        })
    }

    /// A label's value.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// An annotation's value.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value.get("metadata")?.get("annotations")?.get(name)?.as_str()
    }

    /// UID of the owner reference with `controller: true`.
    #[must_use]
    pub fn controller_uid(&self) -> Option<&str> {
        let owners = self.value.get("metadata")?.get("ownerReferences")?.as_array()?;
        let owner = owners.iter().find(|o| o.get("controller").and_then(Value::as_bool) == Some(true))?;
        owner.get("uid")?.as_str()
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// Created.
    Added,
    /// Replaced by a newer version.
    Modified,
    /// Removed.
    Deleted,
}

/// One change, as watches and controllers see it.
#[derive(Clone, Debug)]
pub struct Change {
    /// Resource version of the change; strictly increasing over all kinds.
    pub version: u64,
    /// What happened.
    pub change: ChangeType,
    /// Kind of the object.
    pub kind: Kind,
    /// Key of the object.
    pub key: Key,
    /// The version before; `None` when added.
    pub old: Option<Arc<Object>>,
    /// The new version; for a deletion the last state with the deletion's resource version.
    pub new: Arc<Object>,
}

/// Objects of one kind.
type ByKey = BTreeMap<Key, Arc<Object>>;

/// Puts an object in the place of its last version.
fn set(objects: &mut ByKey, key: &Key, object: &Arc<Object>) {
    match objects.get_mut(key) {
        Some(known) => *known = object.clone(),
        None => drop(objects.insert(key.clone(), object.clone())),
    }
}

/// All objects.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<Kind, ByKey>,
    version: u64,
    log: VecDeque<Arc<Change>>,
    compacted: u64,
    /// By the UID of the controller.
    owned: BTreeMap<String, BTreeMap<Kind, ByKey>>,
    /// By the name of the node.
    pods_on: BTreeMap<String, ByKey>,
}

/// Changes kept for watches that start from an older version; older ones are answered with 410.
const LOG_LIMIT: usize = 8_000;

impl Store {
    /// The newest resource version.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Watches may start from this version or later; an earlier one is `410 Gone`.
    #[must_use]
    pub fn compacted(&self) -> u64 {
        self.compacted
    }

    /// One object.
    #[must_use]
    pub fn get(&self, kind: Kind, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(&kind)?.get(key)
    }

    /// One object by its parts.
    #[must_use]
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<&Arc<Object>> {
        self.get(kind, &Key::new(namespace, name))
    }

    /// The kinds that objects were ever stored of, in a fixed order.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.objects.keys().copied()
    }

    /// All objects of a kind, ordered by namespace and name.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Arc<Object>)> {
        self.objects.get(&kind).into_iter().flatten()
    }

    /// All objects of a kind in one namespace, ordered by name.
    pub fn in_namespace<'a>(
        &'a self,
        kind: Kind,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Key, &'a Arc<Object>)> {
        let from = Key::new(namespace, "");
        self.objects
            .get(&kind)
            .into_iter()
            .flat_map(move |objects| objects.range(from.clone()..))
            .take_while(move |(key, _)| key.namespace == namespace)
    }

    /// Objects whose controller owner reference has this UID, ordered by kind and key.
    pub fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = (Kind, &'a Key, &'a Arc<Object>)> {
        let kinds = self.owned.get(uid).into_iter().flatten();
        kinds.flat_map(|(kind, objects)| objects.iter().map(|(key, object)| (*kind, key, object)))
    }

    /// Pods bound to a node, ordered by namespace and name.
    pub fn pods_on<'a>(&'a self, node: &str) -> impl Iterator<Item = (&'a Key, &'a Arc<Object>)> {
        self.pods_on.get(node).into_iter().flatten()
    }

    /// Changes after a resource version, oldest first. `None` when that version is already compacted.
    #[must_use]
    pub fn since(&self, version: u64) -> Option<impl Iterator<Item = &Arc<Change>>> {
        if version < self.compacted {
            return None;
        }
        let start = self.log.partition_point(|change| change.version <= version);
        Some(self.log.range(start..))
    }

    /// Forgets all changes: watches and pages that go on from an older version are answered with 410, as after a
    /// compaction or a restart of etcd.
    pub fn compact(&mut self) {
        self.log.clear();
        self.compacted = self.version;
    }

    /// Stores a new version of an object (its `metadata.resourceVersion` is set here) and logs the change.
    pub fn put(&mut self, kind: Kind, key: &Key, mut value: Value) -> Arc<Change> {
        self.version += 1;
        value["metadata"]["resourceVersion"] = Value::String(self.version.to_string());
        let objects = self.objects.entry(kind).or_default();
        let old = objects.get(key).cloned();
        let new = Arc::new(match &old {
            Some(old) => Object::after(old, value),
            None => Object::new(value),
        });
        set(objects, key, &new);
        self.reindex(kind, key, old.as_deref(), &new);
        let change = if old.is_some() { ChangeType::Modified } else { ChangeType::Added };
        self.log(Change { version: self.version, change, kind, key: key.clone(), old, new })
    }

    /// Removes an object and logs the change. `None` when there is none.
    pub fn remove(&mut self, kind: Kind, key: &Key) -> Option<Arc<Change>> {
        let old = self.objects.get_mut(&kind)?.remove(key)?;
        self.unindex(kind, key, &old);
        self.version += 1;
        let mut value = old.value().clone();
        value["metadata"]["resourceVersion"] = Value::String(self.version.to_string());
        let new = Arc::new(Object::after(&old, value));
        let change = ChangeType::Deleted;
        Some(self.log(Change { version: self.version, change, kind, key: key.clone(), old: Some(old), new }))
    }

    fn log(&mut self, change: Change) -> Arc<Change> {
        let change = Arc::new(change);
        self.log.push_back(change.clone());
        if self.log.len() > LOG_LIMIT
            && let Some(dropped) = self.log.pop_front()
        {
            self.compacted = dropped.version;
        }
        change
    }

    fn reindex(&mut self, kind: Kind, key: &Key, old: Option<&Object>, new: &Arc<Object>) {
        let stays = |old: &Object| {
            old.controller_uid() == new.controller_uid()
                && (kind != Kind::Pod || old.text("/spec/nodeName") == new.text("/spec/nodeName"))
        };
        if let Some(old) = old.filter(|old| !stays(old)) {
            self.unindex(kind, key, old);
        }
        if let Some(owner) = new.controller_uid() {
            if let Some(kinds) = self.owned.get_mut(owner) {
                set(kinds.entry(kind).or_default(), key, new);
            } else {
                let objects = BTreeMap::from([(key.clone(), new.clone())]);
                self.owned.insert(owner.to_owned(), BTreeMap::from([(kind, objects)]));
            }
        }
        if kind == Kind::Pod {
            let node = new.text("/spec/nodeName");
            if let Some(pods) = self.pods_on.get_mut(node) {
                set(pods, key, new);
            } else if !node.is_empty() {
                self.pods_on.insert(node.to_owned(), BTreeMap::from([(key.clone(), new.clone())]));
            }
        }
    }

    fn unindex(&mut self, kind: Kind, key: &Key, object: &Object) {
        if let Some(owner) = object.controller_uid()
            && let Some(kinds) = self.owned.get_mut(owner)
        {
            if let Some(objects) = kinds.get_mut(&kind) {
                objects.remove(key);
            }
            kinds.retain(|_, objects| !objects.is_empty());
            if kinds.is_empty() {
                self.owned.remove(owner);
            }
        }
        if kind == Kind::Pod
            && let Some(pods) = self.pods_on.get_mut(object.text("/spec/nodeName"))
        {
            pods.remove(key);
        }
    }
}
