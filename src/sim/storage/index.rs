//! Which pods use which claims, configuration maps and secrets, so that no change looks at all pods.
//! Reads the JSON, so that nothing is decoded for pods without such volumes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Change, ChangeType, Key, Kind, Object, State};

/// Pods by what their volumes need.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<(Kind, Key), BTreeSet<Key>>);

impl Users {
    /// Takes in a change of a pod. Its volumes never change while it lives.
    pub(super) fn follow(&mut self, change: &Change) {
        let pod = &change.key;
        match change.change {
            ChangeType::Added => {
                for need in needs(pod, &change.new) {
                    self.0.entry(need).or_default().insert(pod.clone());
                }
            }
            ChangeType::Modified => {}
            ChangeType::Deleted => {
                for need in needs(pod, &change.new) {
                    if let Some(pods) = self.0.get_mut(&need) {
                        pods.remove(pod);
                        if pods.is_empty() {
                            self.0.remove(&need);
                        }
                    }
                }
            }
        }
    }

    /// The pods that need an object, ordered by key.
    pub(super) fn of(&self, kind: Kind, key: &Key) -> Vec<Key> {
        self.0.get(&(kind, key.clone())).into_iter().flatten().cloned().collect()
    }
}

/// The pods that use a claim, ordered by key.
pub(super) fn pods_of<'a>(state: &'a State, claim: &Key) -> impl Iterator<Item = (Key, &'a Object)> {
    let pods = state.storage.users.of(Kind::PersistentVolumeClaim, claim);
    pods.into_iter().filter_map(|key| {
        let pod = state.store.get(Kind::Pod, &key)?;
        Some((key, pod.as_ref()))
    })
}

/// Whether a pod will not run again.
pub(super) fn has_ended(pod: &Object) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// The claims of a pod.
pub(super) fn claims(key: &Key, pod: &Object) -> Vec<Key> {
    let claims = needs(key, pod).into_iter().filter(|(kind, _)| *kind == Kind::PersistentVolumeClaim);
    claims.map(|(_, claim)| claim).collect()
}

/// Whether a pod has volumes with claims of its own.
pub(super) fn has_ephemeral(pod: &Object) -> bool {
    volumes(pod).iter().any(|volume| volume.get("ephemeral").is_some())
}

fn volumes(pod: &Object) -> &[Value] {
    pod.at("/spec/volumes").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn needs(key: &Key, pod: &Object) -> Vec<(Kind, Key)> {
    let mut needs = Vec::new();
    for volume in volumes(pod) {
        let mut need = |kind: Kind, name: Option<&Value>| {
            if let Some(name) = name.and_then(Value::as_str) {
                needs.push((kind, Key::new(&key.namespace, name)));
            }
        };
        need(Kind::PersistentVolumeClaim, volume.pointer("/persistentVolumeClaim/claimName"));
        need(Kind::ConfigMap, volume.pointer("/configMap/name"));
        need(Kind::Secret, volume.pointer("/secret/secretName"));
        for source in volume.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten() {
            need(Kind::ConfigMap, source.pointer("/configMap/name"));
            need(Kind::Secret, source.pointer("/secret/name"));
        }
        if let Some(name) = volume.get("name").filter(|_| volume.get("ephemeral").is_some()) {
            let claim = ephemeral_claim(&key.name, name.as_str().unwrap_or_default());
            needs.push((Kind::PersistentVolumeClaim, Key::new(&key.namespace, claim)));
        }
    }
    needs
}

/// Name of the claim that a pod's `ephemeral` volume has.
pub(super) fn ephemeral_claim(pod: &str, volume: &str) -> String {
    format!("{pod}-{volume}")
}
