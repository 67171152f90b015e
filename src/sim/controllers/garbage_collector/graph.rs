//! Who names whom as owner, kept up to date with each change; and which changes give the collector work.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

use crate::controllers::queue;
use crate::{Change, ChangeType, Key, Kind, Object, State};

/// Dependents by the UID of their owner, controller or not.
#[derive(Debug, Default)]
pub(in crate::controllers) struct Graph {
    dependents: BTreeMap<String, BTreeSet<(Kind, Key)>>,
}

impl Graph {
    /// The objects that name this UID as an owner, ordered by kind and key.
    pub(super) fn dependents(&self, uid: &str) -> impl Iterator<Item = &(Kind, Key)> {
        self.dependents.get(uid).into_iter().flatten()
    }
}

/// `metadata.ownerReferences`; one that cannot be read is left out.
pub(super) fn owners(object: &Object) -> Vec<OwnerReference> {
    let references = object.at("/metadata/ownerReferences").and_then(Value::as_array);
    references.into_iter().flatten().filter_map(|one| serde_json::from_value(one.clone()).ok()).collect()
}

/// Whether an object carries a finalizer.
pub(super) fn has_finalizer(object: &Object, name: &str) -> bool {
    let finalizers = object.at("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().any(|finalizer| finalizer.as_str() == Some(name))
}

/// The object that an owner reference means, if it still exists under the same UID. `None` inside when its kind is
/// not known here: such an owner is taken for alive.
pub(super) fn resolve<'a>(state: &'a State, namespace: &str, owner: &OwnerReference) -> Resolved<'a> {
    let Some(kind) = Kind::by_name(&owner.api_version, &owner.kind) else { return Resolved::Unknown };
    let namespace = if kind.facts().namespaced { namespace } else { "" };
    match state.store.find(kind, namespace, &owner.name).filter(|object| object.uid() == owner.uid) {
        Some(object) => Resolved::Present(object),
        None => Resolved::Absent,
    }
}

/// What an owner reference leads to.
pub(super) enum Resolved<'a> {
    Present(&'a Object),
    Absent,
    Unknown,
}

/// Follows a change of any object.
pub(in crate::controllers) fn follow(state: &mut State, change: &Change) {
    let read = |object: Option<&Object>| object.map(owners).unwrap_or_default();
    let references = |object: &Object| object.at("/metadata/ownerReferences").cloned();
    let deleted = change.change == ChangeType::Deleted;
    let same = !deleted && change.old.as_ref().is_some_and(|old| references(old) == references(&change.new));
    if !same {
        let before = read(change.old.as_deref());
        let after = if deleted { Vec::new() } else { read(Some(change.new.as_ref())) };
        relink(state, change, &before, &after);
        if after.iter().any(|owner| !matches!(resolve(state, &change.key.namespace, owner), Resolved::Present(_))) {
            queue::enqueue_collection(state, change.kind, change.key.clone());
        }
        wake_waiting_owners(state, &change.key.namespace, &before);
    }
    if deleted {
        let orphans: Vec<_> = state.controllers.graph.dependents(change.new.uid()).cloned().collect();
        for (kind, key) in orphans {
            queue::enqueue_collection(state, kind, key);
        }
    } else if change.new.is_terminating() && !change.old.as_ref().is_some_and(|old| old.is_terminating()) {
        queue::enqueue_collection(state, change.kind, change.key.clone());
    }
}

fn relink(state: &mut State, change: &Change, before: &[OwnerReference], after: &[OwnerReference]) {
    let entry = (change.kind, change.key.clone());
    let dependents = &mut state.controllers.graph.dependents;
    for owner in before {
        if let Some(set) = dependents.get_mut(&owner.uid) {
            set.remove(&entry);
            if set.is_empty() {
                dependents.remove(&owner.uid);
            }
        }
    }
    for owner in after {
        dependents.entry(owner.uid.clone()).or_default().insert(entry.clone());
    }
}

/// An owner that is deleted in the foreground looks again when one of its dependents has gone.
fn wake_waiting_owners(state: &mut State, namespace: &str, before: &[OwnerReference]) {
    for owner in before {
        let Resolved::Present(object) = resolve(state, namespace, owner) else { continue };
        if object.is_terminating()
            && let Some(kind) = Kind::by_name(&owner.api_version, &owner.kind)
        {
            let key = Key::new(object.text("/metadata/namespace"), owner.name.clone());
            queue::enqueue_collection(state, kind, key);
        }
    }
}
