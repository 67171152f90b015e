//! Who selects whom by labels, kept up to date with each change, so that no controller scans all pods.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use crate::labels;
use crate::{Change, ChangeType, Key, Kind, Object, State};

/// Namespace, label name, label value.
type Pair = (String, String, String);

/// Pods by label, and Services and budgets by a label that they ask for.
#[derive(Debug, Default)]
pub(super) struct Index {
    pods: BTreeMap<Pair, BTreeMap<String, Arc<Object>>>,
    selecting: BTreeMap<Pair, BTreeSet<(Kind, String)>>,
    /// Those that ask for no particular value: they have to look at each pod of their namespace.
    broad: BTreeMap<String, BTreeSet<(Kind, String)>>,
    /// Pods without a controller.
    orphans: BTreeSet<Key>,
}

impl Index {
    /// Follows a change of a pod, a Service or a PodDisruptionBudget.
    pub(super) fn follow(&mut self, change: &Change) {
        let new = (change.change != ChangeType::Deleted).then_some(&change.new);
        if change.kind == Kind::Pod {
            self.follow_pod(&change.key, change.old.as_ref(), new);
        } else if matches!(change.kind, Kind::Service | Kind::PodDisruptionBudget) {
            if let Some(old) = &change.old {
                self.unregister(change.kind, &change.key, old);
            }
            if let Some(new) = new {
                self.register(change.kind, &change.key, new);
            }
        }
    }

    fn follow_pod(&mut self, key: &Key, old: Option<&Arc<Object>>, new: Option<&Arc<Object>>) {
        if new.is_some_and(|pod| pod.controller_uid().is_none()) {
            self.orphans.insert(key.clone());
        } else {
            self.orphans.remove(key);
        }
        let before = old.and_then(|pod| pod.at("/metadata/labels"));
        let after = new.and_then(|pod| pod.at("/metadata/labels"));
        if before != after {
            for pair in pairs(&key.namespace, before) {
                if let Some(pods) = self.pods.get_mut(&pair) {
                    pods.remove(&key.name);
                    if pods.is_empty() {
                        self.pods.remove(&pair);
                    }
                }
            }
        }
        if let Some(pod) = new {
            for pair in pairs(&key.namespace, after) {
                let pods = self.pods.entry(pair).or_default();
                match pods.get_mut(&key.name) {
                    Some(known) => *known = pod.clone(),
                    None => drop(pods.insert(key.name.clone(), pod.clone())),
                }
            }
        }
    }

    fn register(&mut self, kind: Kind, key: &Key, object: &Object) {
        let entry = (kind, key.name.clone());
        match asked_by(kind, object) {
            Asked::Nothing => {}
            Asked::Anything => {
                self.broad.entry(key.namespace.clone()).or_default().insert(entry);
            }
            Asked::Label(name, value) => {
                self.selecting.entry((key.namespace.clone(), name, value)).or_default().insert(entry);
            }
        }
    }

    fn unregister(&mut self, kind: Kind, key: &Key, object: &Object) {
        let entry = (kind, key.name.clone());
        match asked_by(kind, object) {
            Asked::Nothing => {}
            Asked::Anything => {
                self.broad.entry(key.namespace.clone()).or_default().remove(&entry);
            }
            Asked::Label(name, value) => {
                self.selecting.entry((key.namespace.clone(), name, value)).or_default().remove(&entry);
            }
        }
    }

    /// Services and budgets that may select a pod; the caller still has to match them.
    pub(super) fn candidates(&self, namespace: &str, pod: &Object) -> BTreeSet<(Kind, String)> {
        let mut found: BTreeSet<_> = self.broad.get(namespace).cloned().unwrap_or_default();
        for pair in pairs(namespace, pod.at("/metadata/labels")) {
            found.extend(self.selecting.get(&pair).into_iter().flatten().cloned());
        }
        found
    }
}

/// What a Service or a budget asks for, as far as the index cares.
enum Asked {
    Nothing,
    Anything,
    Label(String, String),
}

fn asked_by(kind: Kind, object: &Object) -> Asked {
    let pointer = if kind == Kind::Service { "/spec/selector" } else { "/spec/selector/matchLabels" };
    let first = object.at(pointer).and_then(Value::as_object).and_then(|labels| labels.iter().next());
    match first {
        Some((name, value)) => Asked::Label(name.clone(), value.as_str().unwrap_or_default().to_owned()),
        None if kind == Kind::Service || object.at("/spec/selector").is_none() => Asked::Nothing,
        None => Asked::Anything,
    }
}

fn pairs<'a>(namespace: &'a str, labels: Option<&'a Value>) -> impl Iterator<Item = Pair> + 'a {
    labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (namespace.to_owned(), name.clone(), value.as_str().unwrap_or_default().to_owned()))
}

/// Pods of a namespace that a selector selects, ordered by name.
pub(super) fn pods_selected(state: &State, namespace: &str, wanted: &LabelSelector) -> Vec<Arc<Object>> {
    match wanted.match_labels.as_ref().filter(|labels| !labels.is_empty()) {
        Some(labels) => {
            let labelled = pods_labelled(state, namespace, labels).map(|(_, pod)| pod);
            labelled.filter(|pod| labels::matches(wanted, pod)).cloned().collect()
        }
        None => state
            .store
            .in_namespace(Kind::Pod, namespace)
            .filter(|(_, pod)| labels::matches(wanted, pod))
            .map(|(_, pod)| pod.clone())
            .collect(),
    }
}

/// Pods of a namespace that carry these labels, at least one, with their names and ordered by them.
pub(super) fn pods_labelled<'a>(
    state: &'a State,
    namespace: &str,
    labels: &'a BTreeMap<String, String>,
) -> impl Iterator<Item = (&'a str, &'a Arc<Object>)> {
    let index = &state.controllers.index.pods;
    let with = |(name, value): (&String, &String)| index.get(&(namespace.to_owned(), name.clone(), value.clone()));
    let narrowest = labels.iter().map(with).min_by_key(|pods| pods.map_or(0, BTreeMap::len)).flatten();
    let exact = labels.len() == 1;
    let pods = narrowest.into_iter().flatten().filter(move |(_, pod)| exact || labels::has_labels(labels, pod));
    pods.map(|(name, pod)| (name.as_str(), pod))
}

/// Pods of a namespace that no controller owns, ordered by name.
pub(super) fn orphans<'a>(state: &'a State, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Object>> {
    let from = Key::new(namespace, "");
    let orphans = state.controllers.index.orphans.range(from..).take_while(move |key| key.namespace == namespace);
    orphans.filter_map(|key| state.store.get(Kind::Pod, key))
}

/// Services and budgets that select a pod.
pub(super) fn selecting(state: &State, namespace: &str, pod: &Object) -> Vec<(Kind, Key)> {
    let candidates = state.controllers.index.candidates(namespace, pod);
    let selects = |(kind, name): &(Kind, String)| {
        let Some(object) = state.store.find(*kind, namespace, name) else { return false };
        if *kind == Kind::Service {
            let spec = object.typed::<Service>().spec.as_ref();
            spec.and_then(|spec| spec.selector.as_ref()).is_some_and(|labels| labels::has_labels(labels, pod))
        } else {
            let spec = object.typed::<PodDisruptionBudget>().spec.as_ref();
            spec.and_then(|spec| spec.selector.as_ref()).is_some_and(|wanted| labels::matches(wanted, pod))
        }
    };
    candidates.into_iter().filter(selects).map(|(kind, name)| (kind, Key::new(namespace, name))).collect()
}

/// The EndpointSlices of a Service, ordered by name.
pub(super) fn slices_of(state: &State, service: &Key) -> Vec<Arc<Object>> {
    let Some(object) = state.store.get(Kind::Service, service) else { return Vec::new() };
    let mut slices: Vec<_> = state
        .store
        .owned_by(object.uid())
        .filter(|(kind, ..)| *kind == Kind::EndpointSlice)
        .map(|(_, _, slice)| slice.clone())
        .collect();
    slices.retain(|slice| slice.label("kubernetes.io/service-name") == Some(service.name.as_str()));
    slices
}
