//! The PersistentVolume controller: binds claims and volumes to each other and reclaims volumes whose claim has gone.
//! Never looks for a node: a claim that waits for its first consumer waits for the scheduler's word.

use std::sync::Arc;

use serde_json::{Value, json};

use super::binding::{self, BIND_COMPLETED, BOUND_BY_CONTROLLER, SELECTED_NODE};
use super::provisioner::PROVISIONED_BY;
use super::watch::{claim_of, enqueue, retry_unbound};
use super::{Work, attach_detach, index, protection, provisioner};
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

const COMPONENT: &str = "persistentvolume-controller";

/// Compares a claim with what it should be bound to.
pub(super) fn sync_claim(state: &mut State, key: &Key) {
    protection::sync_claim(state, key);
    let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, key).cloned() else { return };
    if binding::is_bound(&claim) {
        sync_bound(state, key, &claim);
    } else if !claim.is_terminating() {
        sync_unbound(state, key, &claim);
    }
}

/// Records an Event of a claim.
pub(super) fn claim_event(state: &mut State, key: &Key, level: &str, reason: &str, message: &str) {
    state.event(Kind::PersistentVolumeClaim, key, level, reason, COMPONENT, message);
}

fn sync_bound(state: &mut State, key: &Key, claim: &Arc<Object>) {
    let volume = claim.text("/spec/volumeName").to_owned();
    if state.store.get(Kind::PersistentVolume, &Key::cluster(&volume)).is_some() {
        sync_bound_pair(state, key, claim, &volume);
    } else if claim.text("/status/phase") != "Lost" {
        set_phase(state, Kind::PersistentVolumeClaim, key, "Lost");
        let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
        claim_event(state, key, "Warning", "ClaimLost", message);
    }
}

fn sync_bound_pair(state: &mut State, key: &Key, claim: &Object, name: &str) {
    let Some(volume) = state.store.get(Kind::PersistentVolume, &Key::cluster(name)) else { return };
    let free = volume.at("/spec/claimRef").is_none_or(Value::is_null);
    let phase = claim.text("/status/phase");
    if free || binding::reserved_for(volume, key, claim) {
        if phase != "Bound" {
            bind(state, key, name);
        }
    } else if phase != "Lost" {
        set_phase(state, Kind::PersistentVolumeClaim, key, "Lost");
        let message = "Two claims are bound to the same volume, this one is bound incorrectly";
        claim_event(state, key, "Warning", "ClaimMisbound", message);
    }
}

fn sync_unbound(state: &mut State, key: &Key, claim: &Arc<Object>) {
    let named = claim.text("/spec/volumeName").to_owned();
    if !named.is_empty() {
        return sync_named(state, key, claim, &named);
    }
    let waits = binding::waits_for_consumer(&state.store, claim);
    let found = if waits {
        binding::reserved_volume(&state.store, key, claim)
    } else {
        binding::best_volume(&state.store, key, claim)
    };
    match found {
        Some(volume) => bind(state, key, &volume),
        // Only the scheduler chooses: a pod that has its node already waits for ever, as in a real cluster.
        None if waits && claim.annotation(SELECTED_NODE).is_none() => tell_of_consumers(state, key),
        None => provisioner::start(state, key, claim),
    }
}

/// A claim that names its volume gets it or none: when it fits, or when the volume names the claim as well.
fn sync_named(state: &mut State, key: &Key, claim: &Object, named: &str) {
    let Some(volume) = state.store.get(Kind::PersistentVolume, &Key::cluster(named)) else { return };
    let free = volume.at("/spec/claimRef").is_none_or(Value::is_null);
    if !free && !binding::reserved_for(volume, key, claim) {
        let message = format!("volume \"{named}\" already bound to a different claim.");
        return claim_event(state, key, "Warning", "FailedBinding", &message);
    }
    if free && let Some(why) = binding::mismatch(claim, volume) {
        let message = format!("Cannot bind to requested volume \"{named}\": {why}");
        return claim_event(state, key, "Warning", "VolumeMismatch", &message);
    }
    bind(state, key, named);
}

/// Tells what a claim waits for that is bound with its first consumer.
fn tell_of_consumers(state: &mut State, key: &Key) {
    let waiting = index::pods_of(state, key).filter(|(_, pod)| pod.text("/spec/nodeName").is_empty());
    let names: Vec<_> = waiting.filter(|(_, pod)| !index::has_ended(pod)).map(|(pod, _)| pod.name).collect();
    if names.is_empty() {
        let message = "waiting for first consumer to be created before binding";
        return claim_event(state, key, "Normal", "WaitForFirstConsumer", message);
    }
    let plural = if names.len() == 1 { "" } else { "s" };
    let message = format!("waiting for pod{plural} {} to be scheduled", names.join(","));
    claim_event(state, key, "Normal", "WaitForPodScheduled", &message);
}

/// Writes both sides of a binding, the volume's first, so that no two claims get one volume.
fn bind(state: &mut State, key: &Key, name: &str) {
    let volume_key = Key::cluster(name);
    let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, key) else { return };
    let reference = binding::claim_reference(key, claim);
    let changed = state.modify_value(Kind::PersistentVolume, &volume_key, |volume| {
        if volume["spec"]["claimRef"].is_null() {
            volume["metadata"]["annotations"][BOUND_BY_CONTROLLER] = json!("yes");
        }
        if volume["spec"]["claimRef"]["uid"] != reference["uid"] {
            volume["spec"]["claimRef"] = reference;
        }
        volume["status"]["phase"] = json!("Bound");
    });
    let Ok(volume) = changed else { return };
    let spec = |field: &str| volume.at("/spec").and_then(|spec| spec.get(field)).cloned().unwrap_or_default();
    let (modes, capacity) = (spec("accessModes"), spec("capacity"));
    // The claim was there a moment ago, and nothing happened since.
    drop(state.modify_value(Kind::PersistentVolumeClaim, key, |claim| {
        if claim["spec"]["volumeName"] != name {
            claim["spec"]["volumeName"] = json!(name);
            claim["metadata"]["annotations"][BOUND_BY_CONTROLLER] = json!("yes");
        }
        claim["metadata"]["annotations"][BIND_COMPLETED] = json!("yes");
        claim["status"] = json!({ "phase": "Bound", "accessModes": modes, "capacity": capacity });
    }));
}

fn set_phase(state: &mut State, kind: Kind, key: &Key, phase: &str) {
    // An object that is gone has no phase.
    drop(state.modify_value(kind, key, |object| object["status"]["phase"] = json!(phase)));
}

/// Compares a volume with its claim.
pub(super) fn sync_volume(state: &mut State, name: &str) {
    let key = Key::cluster(name);
    protection::sync_volume(state, &key);
    let Some(volume) = state.store.get(Kind::PersistentVolume, &key).cloned() else { return };
    let phase = volume.text("/status/phase");
    if volume.at("/spec/claimRef").is_none_or(Value::is_null) {
        if phase != "Available" {
            set_phase(state, Kind::PersistentVolume, &key, "Available");
            retry_unbound(state);
        }
        return;
    }
    let claim_key = claim_of(&volume);
    let uid = volume.text("/spec/claimRef/uid");
    let claim = state.store.get(Kind::PersistentVolumeClaim, &claim_key).cloned();
    match claim.filter(|claim| uid.is_empty() || claim.uid() == uid) {
        Some(claim) => sync_claimed(state, &volume, &key, &claim_key, &claim),
        None if uid.is_empty() => {
            if phase != "Available" {
                set_phase(state, Kind::PersistentVolume, &key, "Available");
            }
        }
        None => release(state, &key, &volume),
    }
}

fn sync_claimed(state: &mut State, volume: &Object, key: &Key, claim_key: &Key, claim: &Object) {
    let named = claim.text("/spec/volumeName");
    if named.is_empty() || named == key.name {
        if named.is_empty() && !binding::same_mode(claim, volume) {
            let text = |name: &str| format!("Cannot bind PersistentVolume{name} due to incompatible volumeMode.");
            let message = text(&format!(" to requested PersistentVolumeClaim \"{}\"", claim_key.name));
            state.event(Kind::PersistentVolume, key, "Warning", "VolumeMismatch", COMPONENT, &message);
            let message = text(&format!(" \"{}\" to requested PersistentVolumeClaim", key.name));
            claim_event(state, claim_key, "Warning", "VolumeMismatch", &message);
        } else if !binding::is_bound(claim) {
            enqueue(state, Work::Claim(claim_key.clone()));
        } else if volume.text("/status/phase") != "Bound" {
            set_phase(state, Kind::PersistentVolume, key, "Bound");
        }
    } else if volume.annotation(PROVISIONED_BY).is_some() {
        release(state, key, volume);
    } else if volume.annotation(BOUND_BY_CONTROLLER).is_some() {
        // The claim took another volume: this one is free again.
        drop(state.modify_value(Kind::PersistentVolume, key, |volume| volume["spec"]["claimRef"] = Value::Null));
    }
}

/// The claim has gone: the volume is kept or deleted as its reclaim policy says.
fn release(state: &mut State, key: &Key, volume: &Object) {
    if !matches!(volume.text("/status/phase"), "Released" | "Failed") {
        set_phase(state, Kind::PersistentVolume, key, "Released");
    }
    // A volume that is attached cannot be deleted: the detach comes back here.
    if volume.text("/spec/persistentVolumeReclaimPolicy") != "Delete" || attach_detach::is_attached(state, &key.name) {
        return;
    }
    if volume.annotation(PROVISIONED_BY).is_some() {
        // It was there a moment ago, and nothing happened since.
        drop(state.delete(Kind::PersistentVolume, key, &DeleteOptions::default()));
    } else if volume.text("/status/phase") != "Failed" {
        set_phase(state, Kind::PersistentVolume, key, "Failed");
        let message = format!(
            "error getting deleter volume plugin for volume \"{}\": no deletable volume plugin matched",
            key.name
        );
        state.event(Kind::PersistentVolume, key, "Warning", "VolumeFailedDelete", COMPONENT, &message);
    }
}
