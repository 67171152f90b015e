//! The finalizers that keep claims while pods use them, and volumes while claims are bound to them.

use serde_json::{Value, json};

use super::index;
use crate::{Key, Kind, State};

const CLAIM: &str = "kubernetes.io/pvc-protection";
const VOLUME: &str = "kubernetes.io/pv-protection";

/// Protects a new claim; lets a terminating one go when no pod with a node uses it.
pub(super) fn sync_claim(state: &mut State, key: &Key) {
    let used = || index::pods_of(state, key).any(|(_, pod)| !pod.text("/spec/nodeName").is_empty());
    let used = used();
    sync(state, Kind::PersistentVolumeClaim, key, CLAIM, used);
}

/// Protects a new volume; lets a terminating one go when no claim is bound to it.
pub(super) fn sync_volume(state: &mut State, key: &Key) {
    let volume = state.store.get(Kind::PersistentVolume, key);
    let used = volume.is_some_and(|volume| volume.text("/status/phase") == "Bound");
    sync(state, Kind::PersistentVolume, key, VOLUME, used);
}

fn sync(state: &mut State, kind: Kind, key: &Key, finalizer: &str, used: bool) {
    let Some(object) = state.store.get(kind, key) else { return };
    let finalizers = object.at("/metadata/finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    let protected = finalizers.iter().any(|known| known == finalizer);
    let protect = if object.is_terminating() { protected && used } else { true };
    if protect == protected {
        return;
    }
    let others = finalizers.into_iter().filter(|known| known != finalizer);
    let wanted: Vec<_> = others.chain(protect.then(|| json!(finalizer))).collect();
    // The object was there a moment ago, and nothing happened since.
    drop(state.modify_value(kind, key, |object| object["metadata"]["finalizers"] = json!(wanted)));
}
