//! One attachment: the VolumeAttachment object and what the node's status says of it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::boot::NETWORK;
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

/// How far an attachment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Attaching,
    Attached,
    Detaching,
}

/// A volume at a node.
#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) phase: Phase,
    /// Since when no pod object of the node uses the volume.
    pub(super) unwanted_since: Option<Duration>,
    /// UIDs of the pods that have it mounted, as the attach/detach controller knows.
    pub(super) mounted_by: BTreeSet<String>,
}

/// What a pod's kubelet has mounted.
#[derive(Debug)]
pub(super) struct Mounted {
    pub(super) node: String,
    pub(super) volumes: BTreeSet<String>,
}

/// Sources that every node reaches without attaching anything.
const NOT_ATTACHED: [&str; 8] =
    ["local", "hostPath", "nfs", "cephfs", "glusterfs", "azureFile", "flexVolume", "quobyte"];

/// Whether a volume has to be attached to a node before it is mounted there.
pub(super) fn needs_attach(volume: &Object) -> bool {
    volume.at("/spec").is_some_and(|spec| NOT_ATTACHED.iter().all(|source| spec.get(source).is_none()))
}

/// Whether several nodes may have a volume at once (`IsMultiAttachAllowed`).
pub(super) fn allows_many(volume: &Object) -> bool {
    let modes = volume.at("/spec/accessModes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    modes.is_empty() || modes.iter().any(|mode| mode == "ReadWriteMany" || mode == "ReadOnlyMany")
}

fn driver(volume: Option<&Object>) -> String {
    let driver = volume.map(|volume| volume.text("/spec/csi/driver")).unwrap_or_default();
    if driver.is_empty() { NETWORK.to_owned() } else { driver.to_owned() }
}

/// Name of the object, the same each time that this volume is attached to this node.
fn name(volume: &str, node: &str) -> Key {
    let digest = Sha256::digest(format!("{volume}^{node}").as_bytes());
    digest.iter().fold(Key::cluster("csi-"), |mut key, byte| {
        for half in [byte >> 4, byte & 0xf] {
            key.name.extend(char::from_digit(u32::from(half), 16));
        }
        key
    })
}

/// Writes the object of an attachment that begins.
pub(super) fn create(state: &mut State, volume: &str, node: &str) {
    let driver = driver(state.store.get(Kind::PersistentVolume, &Key::cluster(volume)).map(AsRef::as_ref));
    let finalizer = format!("external-attacher/{}", driver.replace(['.', '/'], "-"));
    let object = json!({
        "metadata": { "name": name(volume, node).name, "finalizers": [finalizer] },
        "spec": { "attacher": driver, "nodeName": node, "source": { "persistentVolumeName": volume } },
        "status": { "attached": false },
    });
    // One that a person created is used as it is.
    drop(state.create(Kind::VolumeAttachment, object));
}

/// The volume is attached: the object and the node's status say so.
pub(super) fn confirm(state: &mut State, volume: &str, node: &str) {
    let key = name(volume, node);
    // A person may have removed the object or the node: the attachment stays as it is.
    drop(state.modify_value(Kind::VolumeAttachment, &key, |object| object["status"]["attached"] = json!(true)));
    let device = device(state, volume);
    drop(state.modify_value(Kind::Node, &Key::cluster(node), |node| {
        let known = node["status"]["volumesAttached"].take();
        let mut all = known.as_array().cloned().unwrap_or_default();
        all.retain(|each| each["name"] != device);
        all.push(json!({ "name": device, "devicePath": "" }));
        node["status"]["volumesAttached"] = json!(all);
    }));
}

/// The volume is being detached: no kubelet may mount it any more.
pub(super) fn withdraw(state: &mut State, volume: &str, node: &str) {
    let device = device(state, volume);
    // The node may be gone, and a person may have removed the object.
    drop(state.modify_value(Kind::Node, &Key::cluster(node), |node| {
        let Some(status) = node["status"].as_object_mut() else { return };
        if let Some(all) = status.get_mut("volumesAttached").and_then(Value::as_array_mut) {
            all.retain(|each| each["name"] != device);
            if all.is_empty() {
                status.remove("volumesAttached");
            }
        }
    }));
    drop(state.delete(Kind::VolumeAttachment, &name(volume, node), &DeleteOptions::default()));
}

/// The volume is detached: its object goes.
pub(super) fn remove(state: &mut State, volume: &str, node: &str) {
    state.remove(Kind::VolumeAttachment, &name(volume, node));
}

/// The name by which node statuses call a volume.
fn device(state: &State, volume: &str) -> String {
    let object = state.store.get(Kind::PersistentVolume, &Key::cluster(volume));
    let driver = driver(object.map(AsRef::as_ref));
    let handle = object.map(|object| object.text("/spec/csi/volumeHandle")).filter(|handle| !handle.is_empty());
    format!("kubernetes.io/csi/{driver}^{}", handle.unwrap_or(volume))
}
