//! Where each object of a fixture is written, and what it must not be: an object that leaves the target's namespace is
//! refused unless the scenario names the namespace or the kind. The one place that decides this; asks no cluster.
//!
//! What counts is the address that the API server is asked at, never what an object says of others: a `RoleBinding` may name
//! subjects of any namespace, since it grants nothing outside of its own. A kind that nobody knows gets an address in
//! a namespace, and there no API server keeps an object of the whole cluster.

use std::collections::BTreeMap;

use serde_json::Value;

use super::kinds::is_cluster_scoped;
use super::manifests::{is_list, mistake};
use super::{Rail, Scenario};

/// Namespaces on which the cluster itself depends.
pub const PROTECTED_NAMESPACES: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// How an object leaves the target's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// It is in this namespace, or is this namespace.
    Namespace(String),
    /// It is of this kind, which has no namespace.
    Kind(String),
}

/// An object that the scenario does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// How it leaves.
    pub way: Way,
    /// The object, for people: `ConfigMap other/web`.
    pub object: String,
    /// What the scenario would have to say.
    pub allow: String,
}

/// Knows the scope of every kind in the manifests of one scenario.
#[derive(Clone, Debug)]
pub struct Scopes<'a> {
    scenario: &'a Scenario,
    /// Group and kind of the definitions among the manifests, and whether they define objects without a namespace.
    defined: BTreeMap<(&'a str, &'a str), bool>,
}

impl<'a> Scopes<'a> {
    /// From all manifests of the scenario's fixture.
    #[must_use]
    pub fn new(scenario: &'a Scenario, manifests: impl IntoIterator<Item = &'a Value>) -> Self {
        let text = |object: &'a Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let mut defined = BTreeMap::new();
        for object in manifests.into_iter().flat_map(objects) {
            if text(object, "/kind") == Some("CustomResourceDefinition")
                && let Some(group) = text(object, "/spec/group")
                && let Some(kind) = text(object, "/spec/names/kind")
            {
                defined.insert((group, kind), text(object, "/spec/scope") == Some("Cluster"));
            }
        }
        Self { scenario, defined }
    }

    /// The namespace in which an object is written; none when it has none.
    #[must_use]
    pub fn namespace<'o>(&'o self, object: &'o Value) -> Option<&'o str> {
        let (group, kind) = kind_of(object);
        let cluster_scoped = self.known(group, kind).unwrap_or_else(|| self.names(group, kind));
        if cluster_scoped {
            return None;
        }
        let written = object.pointer("/metadata/namespace").and_then(Value::as_str).filter(|name| !name.is_empty());
        Some(written.unwrap_or(&self.scenario.target.namespace))
    }

    /// The namespace that an object belongs to: a namespace stands for what is in it.
    #[must_use]
    pub fn home<'o>(&'o self, object: &'o Value) -> Option<&'o str> {
        match kind_of(object) {
            ("", "Namespace") => object.pointer("/metadata/name").and_then(Value::as_str),
            _ => self.namespace(object),
        }
    }

    /// Whether only the cluster can tell if this kind has a namespace.
    #[must_use]
    pub fn is_custom(&self, object: &Value) -> bool {
        let (group, kind) = kind_of(object);
        self.known(group, kind).is_none()
    }

    /// Why an object is not allowed, if it is not.
    #[must_use]
    pub fn refusal(&self, object: &Value) -> Option<Refusal> {
        let (group, kind) = kind_of(object);
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let Some(home) = self.home(object) else {
            let refused = !self.names(group, kind);
            return refused.then(|| self.kind_refusal(kind, format!("{kind} {name}")));
        };
        let within = self.namespace(object).map_or_else(String::new, |namespace| format!("{namespace}/"));
        self.namespace_refusal(home, format!("{kind} {within}{name}"))
    }

    /// The refusal of an object without a namespace, whose kind the scenario does not name.
    #[must_use]
    pub fn kind_refusal(&self, kind: &str, object: String) -> Refusal {
        let allow = assignment("cluster_scoped", &self.scenario.fixture.cluster_scoped, kind);
        Refusal { way: Way::Kind(kind.to_owned()), object, allow }
    }

    fn namespace_refusal(&self, namespace: &str, object: String) -> Option<Refusal> {
        let Scenario { target, fixture, guard, .. } = self.scenario;
        let mut lacking = Vec::new();
        if namespace != target.namespace && !fixture.namespaces.iter().any(|name| name == namespace) {
            lacking.push(assignment("namespaces", &fixture.namespaces, namespace));
        }
        if PROTECTED_NAMESPACES.contains(&namespace) && !guard.allow.contains(&Rail::ProtectedNamespace) {
            lacking.push("`allow = [\"protected-namespace\"]` in [guard]".to_owned());
        }
        let refused = !lacking.is_empty();
        refused.then(|| Refusal { way: Way::Namespace(namespace.to_owned()), object, allow: lacking.join(" and ") })
    }

    fn known(&self, group: &str, kind: &str) -> Option<bool> {
        is_cluster_scoped(group, kind).or_else(|| self.defined.get(&(group, kind)).copied())
    }

    /// Whether the scenario allows objects of this kind without a namespace.
    fn names(&self, group: &str, kind: &str) -> bool {
        self.scenario.fixture.cluster_scoped.iter().any(|word| is_named(word, group, kind))
    }
}

/// Whether `StorageClass`, or `StorageClass.storage.k8s.io`, means this kind.
pub(super) fn is_named(word: &str, group: &str, kind: &str) -> bool {
    word.split_once('.').map_or(word == kind, |(word, within)| word == kind && within == group)
}

/// API group and kind.
pub(super) fn kind_of(object: &Value) -> (&str, &str) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let group = text("/apiVersion").split_once('/').map_or("", |(group, _)| group);
    (group, text("/kind"))
}

/// `` `namespaces = ["a", "b"]` in [fixture] ``: what is written already, and one more.
fn assignment(key: &str, written: &[String], more: &str) -> String {
    let words: Vec<String> =
        written.iter().map(String::as_str).chain([more]).map(|word| format!("\"{word}\"")).collect();
    format!("`{key} = [{}]` in [fixture]", words.join(", "))
}

/// The objects in a manifest: itself, or what its list holds.
#[must_use]
pub fn objects(manifest: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    let mut open = vec![manifest];
    while let Some(next) = open.pop() {
        match next["items"].as_array().filter(|_| is_list(next)) {
            Some(items) => open.extend(items.iter().rev()),
            None => all.push(next),
        }
    }
    all
}

/// Why an object has no address, if it has none.
#[must_use]
pub fn unaddressable(object: &Value) -> Option<String> {
    mistake(object, false).map(|(message, _)| message)
}
