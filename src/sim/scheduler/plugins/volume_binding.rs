//! `VolumeBinding`: bound volumes must reach the node; claims that wait for their first consumer must find a volume
//! there, or a class that can make one there.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;

use super::{Plugin, Rejection};
use crate::scheduler::cache::NodeInfo;
use crate::scheduler::cycle::Cycle;
use crate::storage::binding::{self, SELECTED_NODE};
use crate::{Key, Kind, Object};

const PLUGIN: Plugin = Plugin::VolumeBinding;

/// A pod's claims: volumes of the bound ones, and those that wait for their first consumer.
#[derive(Debug, Default)]
pub(in crate::scheduler) struct Claims {
    pub(in crate::scheduler) bound: Vec<String>,
    /// With the bytes that each asks for, the smallest first, and the volumes that it could have, wherever they are.
    waiting: Vec<(i64, Key, Vec<String>)>,
}

/// What binding has to do for a node: volumes for claims by name, and claims to provision there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::scheduler) struct Decision {
    pub(in crate::scheduler) volumes: BTreeMap<Key, String>,
    pub(in crate::scheduler) provision: Vec<Key>,
}

impl Decision {
    pub(in crate::scheduler) fn is_empty(&self) -> bool {
        self.volumes.is_empty() && self.provision.is_empty()
    }
}

/// Sorts the pod's claims; refuses every node when one is missing or must be bound before.
pub(in crate::scheduler) fn pre_filter(cycle: &Cycle) -> Result<Claims, Rejection> {
    let mut claims = Claims::default();
    let mut unbound = false;
    for name in &cycle.pod.claims {
        let key = Key::new(&cycle.pod.key.namespace, name);
        let object = claim(cycle, &key)?;
        if binding::is_bound(object) {
            claims.bound.push(object.text("/spec/volumeName").to_owned());
        } else if binding::waits_for_consumer(cycle.store, object) {
            let candidates = binding::candidates(cycle.store, &key, object);
            claims.waiting.push((binding::requested(object), key, candidates));
        } else {
            unbound = true;
        }
    }
    claims.waiting.sort_by_key(|(size, ..)| *size);
    if unbound {
        return Err(Rejection::for_good(PLUGIN, "pod has unbound immediate PersistentVolumeClaims"));
    }
    Ok(claims)
}

/// A claim that is there and may be used (`podHasPVCs`).
fn claim<'a>(cycle: &Cycle<'a>, key: &Key) -> Result<&'a Object, Rejection> {
    let name = &key.name;
    let Some(object) = cycle.store.get(Kind::PersistentVolumeClaim, key) else {
        let volumes = cycle.spec.volumes.iter().flatten();
        let mut named = volumes.filter_map(|volume| Some(&volume.persistent_volume_claim.as_ref()?.claim_name));
        let reason = if named.any(|named| named == name) {
            format!("persistentvolumeclaim \"{name}\" not found")
        } else {
            format!("waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\"")
        };
        return Err(Rejection::for_good(PLUGIN, reason));
    };
    if object.text("/status/phase") == "Lost" {
        let volume = object.text("/spec/volumeName");
        let reason = format!("persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\"");
        return Err(Rejection::for_good(PLUGIN, reason));
    }
    if object.is_terminating() {
        return Err(Rejection::for_good(PLUGIN, format!("persistentvolumeclaim \"{name}\" is being deleted")));
    }
    Ok(object)
}

/// Both kinds of claims are looked at, and each that does not fit is told.
pub(in crate::scheduler) fn filter(cycle: &Cycle, claims: &Claims, node: &NodeInfo) -> Result<(), Rejection> {
    let mut reasons = Vec::new();
    for name in &claims.bound {
        let reason = match cycle.store.get(Kind::PersistentVolume, &Key::cluster(name)) {
            Some(volume) if binding::reaches(volume, &node.object) => continue,
            Some(_) => "node(s) didn't match PersistentVolume's node affinity",
            None => "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
        };
        reasons.push(reason.to_owned());
        break;
    }
    if let Err(rejection) = decide(cycle, claims, node) {
        reasons.extend(rejection.reasons);
    }
    if reasons.is_empty() { Ok(()) } else { Err(Rejection { plugin: PLUGIN, reasons, removing_helps: false }) }
}

/// How the waiting claims would be bound on this node.
pub(in crate::scheduler) fn decide(cycle: &Cycle, claims: &Claims, node: &NodeInfo) -> Result<Decision, Rejection> {
    let mut decision = Decision::default();
    let mut taken = BTreeSet::new();
    for (_, key, candidates) in &claims.waiting {
        let Some(object) = cycle.store.get(Kind::PersistentVolumeClaim, key) else { continue };
        let selected = object.annotation(SELECTED_NODE);
        if selected.is_some_and(|selected| selected != node.name()) {
            return Err(unavailable());
        }
        let found = if selected.is_some() { None } else { matching(cycle, key, object, candidates, &taken, node) };
        if let Some(volume) = found {
            taken.insert(volume.clone());
            decision.volumes.insert(key.clone(), volume);
            continue;
        }
        let spec = object.typed::<PersistentVolumeClaim>().spec.as_ref();
        let name = spec.and_then(|spec| spec.storage_class_name.as_deref()).unwrap_or_default();
        let class = cycle.store.get(Kind::StorageClass, &Key::cluster(name));
        let class = class.map(|class| class.typed::<StorageClass>());
        if !class.is_some_and(|class| binding::provisions(class) && binding::topology_allows(class, &node.object)) {
            return Err(unavailable());
        }
        decision.provision.push(key.clone());
    }
    Ok(decision)
}

/// The best volume that the node reaches; one that is reserved for the claim and out of reach leaves none.
fn matching(
    cycle: &Cycle,
    key: &Key,
    claim: &Object,
    candidates: &[String],
    taken: &BTreeSet<String>,
    node: &NodeInfo,
) -> Option<String> {
    for name in candidates.iter().filter(|name| !taken.contains(*name)) {
        let volume = cycle.store.get(Kind::PersistentVolume, &Key::cluster(name.as_str()))?;
        match (binding::reserved_for(volume, key, claim), binding::reaches(volume, &node.object)) {
            (_, true) => return Some(name.clone()),
            (true, false) => return None,
            (false, false) => {}
        }
    }
    None
}

fn unavailable() -> Rejection {
    Rejection::for_good(PLUGIN, "node(s) didn't find available persistent volumes to bind")
}
