//! How claims find volumes: the rules that the PV controller and the scheduler share.
//! Never decides when a claim is to be bound.

use k8s_openapi::api::core::v1::{
    NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec,
    TopologySelectorTerm,
};
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

/// Whether a volume's node affinity lets a node use it (`CheckNodeAffinity`): the node's labels alone are looked at, so
/// that what a term says of its name keeps nobody out.
pub(crate) fn reaches(volume: &Object, node: &Object) -> bool {
    let spec = volume.typed::<PersistentVolume>().spec.as_ref();
    let affinity = spec.and_then(|spec| spec.node_affinity.as_ref());
    let Some(selector) = affinity.and_then(|affinity| affinity.required.as_ref()) else { return true };
    selector.node_selector_terms.iter().any(|term| {
        let by_name_alone = term.match_expressions.as_ref().is_none_or(Vec::is_empty)
            && term.match_fields.as_ref().is_some_and(|fields| !fields.is_empty());
        let of_labels = NodeSelectorTerm { match_fields: None, ..term.clone() };
        by_name_alone || labels::node_matches_term(&of_labels, node)
    })
}

/// The volume that the volume controller gives a claim (`findByClaim`): among volumes with the fewest access modes, one
/// that is reserved for it, else the smallest free one that is large enough.
pub(super) fn best_volume(store: &Store, key: &Key, claim: &Object) -> Option<String> {
    ranked(store, key, claim).into_iter().next().map(|found| found.name)
}

/// The volume that the volume controller gives a claim whose class waits for the first consumer: a reserved one or none.
pub(super) fn reserved_volume(store: &Store, key: &Key, claim: &Object) -> Option<String> {
    ranked(store, key, claim).into_iter().find(|found| found.reserved).map(|found| found.name)
}

/// A volume that a claim could have. Sorts as the volume controller chooses.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    modes: usize,
    free: bool,
    capacity: i64,
    name: String,
    reserved: bool,
}

fn ranked(store: &Store, key: &Key, claim: &Object) -> Vec<Candidate> {
    let all = store.all(Kind::PersistentVolume).filter_map(|(volume_key, volume)| {
        let reserved = reserved_for(volume, key, claim);
        let fits = if reserved {
            reserved_fits(claim, volume) && has_modes(claim, volume)
        } else {
            is_free(volume) && fits(claim, volume)
        };
        let name = volume_key.name.clone();
        let (modes, capacity) = (modes(volume).len(), capacity(volume));
        fits.then_some(Candidate { modes, free: !reserved, capacity, name, reserved })
    });
    let mut found: Vec<_> = all.collect();
    found.sort();
    found
}

/// The volumes that the scheduler may give a claim, wherever they are (`FindMatchingVolume` with a node): of the claim's
/// class, reserved ones first, whatever their access modes, then free ones from the smallest on.
pub(crate) fn candidates(store: &Store, key: &Key, claim: &Object) -> Vec<String> {
    let class = claim.text("/spec/storageClassName");
    let volumes = store.all(Kind::PersistentVolume);
    let of_class = volumes.filter(|(_, volume)| volume.text("/spec/storageClassName") == class);
    let mut found: Vec<_> = of_class
        .filter_map(|(volume_key, volume)| {
            let reserved = reserved_for(volume, key, claim);
            let fits = if reserved { reserved_fits(claim, volume) } else { is_free(volume) && fits(claim, volume) };
            fits.then(|| (!reserved, capacity(volume), volume_key.name.clone()))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(.., name)| name).collect()
}

fn is_free(volume: &Object) -> bool {
    volume.at("/spec/claimRef").is_none_or(Value::is_null) && volume.text("/status/phase") != "Released"
}

/// How much a claim asks for, in bytes.
pub(crate) fn requested(claim: &Object) -> i64 {
    claim_spec(claim).map(size).unwrap_or_default()
}

/// Whether a volume that is reserved for a claim can be its. Class and access modes are not looked at.
fn reserved_fits(claim: &Object, volume: &Object) -> bool {
    requested(claim) <= capacity(volume) && !volume.is_terminating() && same_mode(claim, volume)
}

const OTHER_CLASS: &str = "storageClassName does not match";

/// Why a claim cannot have the volume that it names, in the controller's words (`checkVolumeSatisfyClaim`).
pub(super) fn mismatch(claim: &Object, volume: &Object) -> Option<&'static str> {
    let (Some(wanted), Some(offered)) = (claim_spec(claim), volume_spec(volume)) else { return None };
    if volume.is_terminating() {
        return Some("the volume is marked for deletion");
    }
    if capacity(volume) < size(wanted) {
        return Some("requested PV is too small");
    }
    let class = |name: &Option<String>| name.clone().unwrap_or_default();
    if class(&wanted.storage_class_name) != class(&offered.storage_class_name) {
        return Some(OTHER_CLASS);
    }
    if class(&wanted.volume_attributes_class_name) != class(&offered.volume_attributes_class_name) {
        return Some("volumeAttributesClassName does not match");
    }
    if !same_mode(claim, volume) {
        return Some("incompatible volumeMode");
    }
    (!has_modes(claim, volume)).then_some("incompatible accessMode")
}

/// Whether both are file systems, or both block devices.
pub(super) fn same_mode(claim: &Object, volume: &Object) -> bool {
    let mode = |mode: Option<String>| mode.unwrap_or_else(|| "Filesystem".to_owned());
    let wanted = claim_spec(claim).and_then(|spec| spec.volume_mode.clone());
    let offered = volume_spec(volume).and_then(|spec| spec.volume_mode.clone());
    mode(wanted) == mode(offered)
}

fn has_modes(claim: &Object, volume: &Object) -> bool {
    let offered = modes(volume);
    claim_spec(claim).is_none_or(|spec| spec.access_modes.iter().flatten().all(|mode| offered.contains(mode)))
}

fn modes(volume: &Object) -> &[String] {
    volume_spec(volume).and_then(|spec| spec.access_modes.as_deref()).unwrap_or_default()
}

fn claim_spec(claim: &Object) -> Option<&PersistentVolumeClaimSpec> {
    claim.typed::<PersistentVolumeClaim>().spec.as_ref()
}

fn volume_spec(volume: &Object) -> Option<&PersistentVolumeSpec> {
    volume.typed::<PersistentVolume>().spec.as_ref()
}

/// Whether a volume's `claimRef` means this claim.
pub(crate) fn reserved_for(volume: &Object, key: &Key, claim: &Object) -> bool {
    let uid = volume.text("/spec/claimRef/uid");
    volume.text("/spec/claimRef/namespace") == key.namespace
        && volume.text("/spec/claimRef/name") == key.name
        && (uid.is_empty() || uid == claim.uid())
}

/// Class, size, access modes, volume mode and labels.
fn fits(claim: &Object, volume: &Object) -> bool {
    let selector = claim_spec(claim).and_then(|spec| spec.selector.as_ref());
    mismatch(claim, volume).is_none() && selector.is_none_or(|selector| labels::matches(selector, volume))
}

type Amounts = std::collections::BTreeMap<String, k8s_openapi::apimachinery::pkg::api::resource::Quantity>;

fn storage(amounts: Option<&Amounts>) -> i64 {
    amounts.and_then(|amounts| amounts.get("storage")).and_then(|size| whole(&size.0)).unwrap_or_default()
}

fn size(claim: &PersistentVolumeClaimSpec) -> i64 {
    storage(claim.resources.as_ref().and_then(|resources| resources.requests.as_ref()))
}

fn capacity(volume: &Object) -> i64 {
    storage(volume_spec(volume).and_then(|spec| spec.capacity.as_ref()))
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
