//! How claims find volumes: the rules that the PV controller and the scheduler share.
//! Never decides when a claim is to be bound.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, TopologySelectorTerm};
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

use crate::labels;
use crate::scheduler::quantity::whole;
use crate::store::Store;
use crate::{Key, Kind, Object, State};

/// Where the scheduler says which node a claim's first consumer gets.
pub(crate) const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
/// Set when both sides of a binding are written.
pub(super) const BIND_COMPLETED: &str = "pv.kubernetes.io/bind-completed";
/// Set where the controller chose, not a person.
pub(super) const BOUND_BY_CONTROLLER: &str = "pv.kubernetes.io/bound-by-controller";
/// The provisioner of classes whose volumes a person creates.
pub(super) const NO_PROVISIONER: &str = "kubernetes.io/no-provisioner";

/// Whether a claim has its volume for good.
pub(crate) fn is_bound(claim: &Object) -> bool {
    !claim.text("/spec/volumeName").is_empty() && claim.annotation(BIND_COMPLETED).is_some()
}

/// Whether a claim's class binds only when a pod needs it.
pub(crate) fn waits_for_consumer(store: &Store, claim: &Object) -> bool {
    let class = claim.text("/spec/storageClassName");
    let unnamed = claim.text("/spec/volumeName").is_empty();
    let class = store.get(Kind::StorageClass, &Key::cluster(class));
    unnamed && class.is_some_and(|class| class.text("/volumeBindingMode") == "WaitForFirstConsumer")
}

/// Whether a class makes volumes by itself.
pub(crate) fn provisions(class: &StorageClass) -> bool {
    !class.provisioner.is_empty() && class.provisioner != NO_PROVISIONER
}

/// Whether a class may make volumes for a node.
pub(crate) fn topology_allows(class: &StorageClass, node: &Object) -> bool {
    let terms = class.allowed_topologies.as_deref().unwrap_or_default();
    let matches = |term: &TopologySelectorTerm| {
        let wanted = term.match_label_expressions.as_deref().unwrap_or_default();
        wanted.iter().all(|each| node.label(&each.key).is_some_and(|value| each.values.iter().any(|v| v == value)))
    };
    terms.is_empty() || terms.iter().any(matches)
}

/// Whether a volume's node affinity lets a node use it.
pub(crate) fn reaches(volume: &Object, node: &Object) -> bool {
    let spec = volume.typed::<PersistentVolume>().spec.as_ref();
    let affinity = spec.and_then(|spec| spec.node_affinity.as_ref());
    affinity.and_then(|affinity| affinity.required.as_ref()).is_none_or(|selector| labels::node_matches(selector, node))
}

/// The volume that fits a claim best: one that was reserved for it, else the smallest free one that is large enough
/// (`findMatchingVolume`). A node narrows the choice to volumes that it reaches.
pub(crate) fn best_volume(
    store: &Store,
    key: &Key,
    claim: &Object,
    node: Option<&Object>,
    taken: &BTreeSet<String>,
) -> Option<String> {
    let mut best: Option<(i64, &str)> = None;
    for (volume_key, object) in store.all(Kind::PersistentVolume) {
        if taken.contains(&volume_key.name) || object.is_terminating() {
            continue;
        }
        if node.is_some_and(|node| !reaches(object, node)) {
            continue;
        }
        if reserved_for(object, key, claim) {
            return Some(volume_key.name.clone());
        }
        let free = object.at("/spec/claimRef").is_none() && object.text("/status/phase") != "Released";
        if free && fits(claim, object) {
            let size = capacity(object);
            if best.is_none_or(|(smallest, _)| size < smallest) {
                best = Some((size, &volume_key.name));
            }
        }
    }
    best.map(|(_, name)| name.to_owned())
}

/// The volumes that a claim could have wherever they are, best first as in [`best_volume`]: for callers that ask for
/// one node after the other.
pub(crate) fn candidates(store: &Store, key: &Key, claim: &Object) -> Vec<String> {
    let living = store.all(Kind::PersistentVolume).filter(|(_, volume)| !volume.is_terminating());
    let mut found: Vec<_> = living
        .filter_map(|(volume_key, volume)| {
            let reserved = reserved_for(volume, key, claim);
            let free = || volume.at("/spec/claimRef").is_none() && volume.text("/status/phase") != "Released";
            (reserved || (free() && fits(claim, volume)))
                .then(|| (!reserved, capacity(volume), volume_key.name.clone()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, _, name)| name).collect()
}

/// Whether a volume's `claimRef` means this claim.
pub(super) fn reserved_for(volume: &Object, key: &Key, claim: &Object) -> bool {
    let uid = volume.text("/spec/claimRef/uid");
    volume.text("/spec/claimRef/namespace") == key.namespace
        && volume.text("/spec/claimRef/name") == key.name
        && (uid.is_empty() || uid == claim.uid())
}

/// Class, size, access modes, volume mode and labels.
fn fits(claim: &Object, volume: &Object) -> bool {
    let Some(wanted) = claim.typed::<PersistentVolumeClaim>().spec.as_ref() else { return false };
    let Some(offered) = volume.typed::<PersistentVolume>().spec.as_ref() else { return false };
    let modes = offered.access_modes.as_deref().unwrap_or_default();
    let class = |name: &Option<String>| name.clone().unwrap_or_default();
    class(&wanted.storage_class_name) == class(&offered.storage_class_name)
        && wanted.volume_mode == offered.volume_mode
        && wanted.access_modes.iter().flatten().all(|mode| modes.contains(mode))
        && wanted.selector.as_ref().is_none_or(|selector| labels::matches(selector, volume))
        && requested(wanted.resources.as_ref().and_then(|resources| resources.requests.as_ref())) <= capacity(volume)
}

type Amounts = std::collections::BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>;

fn requested(requests: Option<&Amounts>) -> i64 {
    requests.and_then(|requests| requests.get("storage")).and_then(|size| whole(&size.0)).unwrap_or_default()
}

fn capacity(volume: &Object) -> i64 {
    let spec = volume.typed::<PersistentVolume>().spec.as_ref();
    requested(spec.and_then(|spec| spec.capacity.as_ref()))
}

/// Keeps a volume for a claim (`claimRef`); the PV controller then binds both.
pub(crate) fn reserve_volume(state: &mut State, claim: &Key, volume: &str) {
    let Some(object) = state.store.get(Kind::PersistentVolumeClaim, claim) else { return };
    let reference = claim_reference(claim, object);
    // A volume that is gone meanwhile leaves the claim to the scheduler's next attempt.
    drop(state.modify_value(Kind::PersistentVolume, &Key::cluster(volume), |volume| {
        volume["spec"]["claimRef"] = reference;
        volume["metadata"]["annotations"][BOUND_BY_CONTROLLER] = json!("yes");
    }));
}

/// Tells provisioners for which node a claim is wanted.
pub(crate) fn select_node(state: &mut State, claim: &Key, node: &str) {
    // A claim that is gone meanwhile sends its pod back to the queue.
    drop(state.modify_value(Kind::PersistentVolumeClaim, claim, |claim| {
        claim["metadata"]["annotations"][SELECTED_NODE] = json!(node);
    }));
}

/// A reference to a claim, as `claimRef` holds it.
pub(super) fn claim_reference(key: &Key, claim: &Object) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": key.namespace, "name": key.name,
        "uid": claim.uid(), "resourceVersion": claim.text("/metadata/resourceVersion"),
    })
}
