//! What happens to one object that may be garbage, or that waits for its own dependents.

use std::sync::Arc;

use serde_json::Value;

use super::graph::{Resolved, has_finalizer, owners, resolve};
use crate::controllers::control;
use crate::controllers::pod::key_of;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Looks at one object.
pub(in crate::controllers) fn collect(state: &mut State, kind: Kind, key: &Key) {
    let Some(object) = state.store.get(kind, key).cloned() else { return };
    if !object.is_terminating() {
        collect_dependent(state, kind, &object);
    } else if has_finalizer(&object, ORPHAN) {
        release_dependents(state, &object);
        remove_finalizer(state, kind, key, ORPHAN);
    } else if has_finalizer(&object, FOREGROUND) {
        delete_dependents_first(state, kind, &object);
    }
}

fn dependents(state: &State, owner: &Object) -> Vec<(Kind, Arc<Object>)> {
    let dependents = state.controllers.graph.dependents(owner.uid());
    dependents.filter_map(|(kind, key)| Some((*kind, state.store.get(*kind, key)?.clone()))).collect()
}

fn release_dependents(state: &mut State, owner: &Object) {
    for (kind, dependent) in dependents(state, owner) {
        control::release(state, kind, &dependent, owner.uid());
    }
}

/// Removes the `foregroundDeletion` finalizer when no blocking dependent is left, else sees to it that they go.
fn delete_dependents_first(state: &mut State, kind: Kind, owner: &Object) {
    let blocks = |dependent: &Object| {
        owners(dependent).iter().any(|one| one.uid == owner.uid() && one.block_owner_deletion == Some(true))
    };
    let dependents = dependents(state, owner);
    if !dependents.iter().any(|(_, dependent)| blocks(dependent)) {
        remove_finalizer(state, kind, &key_of(owner), FOREGROUND);
        return;
    }
    for (kind, dependent) in dependents.iter().filter(|(_, dependent)| !dependent.is_terminating()) {
        collect_dependent(state, *kind, dependent);
    }
}

fn remove_finalizer(state: &mut State, kind: Kind, key: &Key, name: &str) {
    let _ = state.modify_value(kind, key, |value| {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) else { return };
        finalizers.retain(|finalizer| finalizer.as_str() != Some(name));
        if finalizers.is_empty() {
            metadata.remove("finalizers");
        }
    });
}

/// Deletes an object whose owners are all gone or wait for it; forgets single owners that are gone.
fn collect_dependent(state: &mut State, kind: Kind, object: &Object) {
    let namespace = object.text("/metadata/namespace");
    let (mut solid, mut waiting, mut gone) = (0, Vec::new(), Vec::new());
    for owner in owners(object) {
        match resolve(state, namespace, &owner) {
            Resolved::Absent => gone.push(owner.uid),
            Resolved::Present(found) if found.is_terminating() && has_finalizer(found, FOREGROUND) => {
                waiting.push(owner.uid);
            }
            Resolved::Present(_) | Resolved::Unknown => solid += 1,
        }
    }
    if solid > 0 {
        for uid in gone.iter().chain(&waiting) {
            control::release(state, kind, object, uid);
        }
    } else if !waiting.is_empty() && !dependents(state, object).is_empty() {
        delete(state, kind, object, "Foreground");
    } else if !waiting.is_empty() || !gone.is_empty() {
        let policy = if has_finalizer(object, ORPHAN) {
            "Orphan"
        } else if has_finalizer(object, FOREGROUND) {
            "Foreground"
        } else {
            "Background"
        };
        delete(state, kind, object, policy);
    }
}

fn delete(state: &mut State, kind: Kind, object: &Object, policy: &str) {
    let options = DeleteOptions {
        uid: Some(object.uid().to_owned()),
        propagation: Some(policy.to_owned()),
        ..DeleteOptions::default()
    };
    // It is gone already, or another one took its name: then there is nothing to do.
    let _ = state.delete(kind, &key_of(object), &options);
}
