//! What the kubelet asks: whether a pod's volumes can be mounted now, and what each mount path then holds.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{KeyToPath, PersistentVolume, Pod, PodSpec, ProjectedVolumeSource, Volume};
use serde_json::{Value, json};

use super::attachment::{self, Mounted};
use super::{Mountable, VolumeId, attach_detach, binding, index};
use crate::{Key, Kind, State};

/// Every namespace of a real cluster has this ConfigMap.
const ROOT_CA: &str = "kube-root-ca.crt";

/// The pod whose volumes are looked at.
#[derive(Clone, Copy)]
struct Place<'a> {
    namespace: &'a str,
    pod: &'a str,
    uid: &'a str,
    node: &'a str,
}

impl State {
    /// Whether the pod's volumes are bound and attached to its node (asked by the kubelet before it starts a pod).
    /// When they are, they count as mounted until [`State::unmounted`].
    pub fn mountable(&mut self, pod: &Pod) -> Mountable {
        let Some(spec) = &pod.spec else { return Mountable::Ready(BTreeMap::new()) };
        let volumes = spec.volumes.as_deref().unwrap_or_default();
        if volumes.is_empty() {
            return Mountable::Ready(BTreeMap::new());
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (namespace, name) = (text(&pod.metadata.namespace), text(&pod.metadata.name));
        let (uid, node) = (text(&pod.metadata.uid), text(&spec.node_name));
        let place = Place { namespace: &namespace, pod: &name, uid: &uid, node: &node };
        let mut sources = BTreeMap::new();
        for volume in volumes {
            match source(self, place, volume) {
                Ok(found) => sources.insert(volume.name.as_str(), found),
                Err(why) => return Mountable::Waiting(why),
            };
        }
        let attached: BTreeSet<String> =
            sources.values().filter_map(|found| attached_volume(self, found, &node)).collect();
        let mounts = mount_paths(spec, &sources);
        if !attached.is_empty() {
            for volume in &attached {
                if let Some(attachment) = self.storage.attachments.get_mut(&(volume.clone(), node.clone())) {
                    attachment.mounted_by.insert(uid.clone());
                }
            }
            self.storage.mounted.insert(uid, Mounted { node, volumes: attached });
        }
        Mountable::Ready(mounts)
    }

    /// The kubelet has unmounted this pod's volumes: its containers are gone (allows a detach).
    pub fn unmounted(&mut self, uid: &str) {
        attach_detach::unmounted(self, uid);
    }

    /// Throws away a pod's scratch directories.
    pub fn drop_scratch(&mut self, uid: &str) {
        let scratch = VolumeId::EmptyDir { pod: uid.to_owned(), name: String::new() };
        let after = self.storage.contents.range(scratch..).map(|(volume, _)| volume);
        let of_pod = |volume: &&VolumeId| matches!(volume, VolumeId::EmptyDir { pod, .. } if pod == uid);
        let gone: Vec<_> = after.take_while(of_pod).cloned().collect();
        for volume in gone {
            self.storage.contents.remove(&volume);
        }
    }
}

/// The name of a volume that is attached to the node.
fn attached_volume(state: &State, volume: &VolumeId, node: &str) -> Option<String> {
    match volume {
        VolumeId::Persistent(name) => attach_detach::is_attached_to(state, name, node).then(|| name.clone()),
        VolumeId::Local(_) | VolumeId::HostPath { .. } | VolumeId::EmptyDir { .. } | VolumeId::ReadOnly { .. } => None,
    }
}

fn mount_paths(spec: &PodSpec, sources: &BTreeMap<&str, VolumeId>) -> BTreeMap<String, VolumeId> {
    let mut mounts = BTreeMap::new();
    let containers = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    for mount in containers.flat_map(|container| container.volume_mounts.iter().flatten()) {
        if let Some(volume) = sources.get(mount.name.as_str()) {
            mounts.entry(mount.mount_path.clone()).or_insert_with(|| volume.clone());
        }
    }
    for (name, volume) in sources {
        if !mounts.values().any(|mounted| mounted == volume) {
            mounts.insert(format!("/volumes/{name}"), volume.clone());
        }
    }
    mounts
}

/// Where a volume's bytes are, or why it cannot be mounted.
fn source(state: &State, place: Place, volume: &Volume) -> Result<VolumeId, String> {
    let scratch = || VolumeId::EmptyDir { pod: place.uid.to_owned(), name: volume.name.clone() };
    let read_only = VolumeId::ReadOnly { pod: place.uid.to_owned(), name: volume.name.clone() };
    let failed = |why: String| format!("MountVolume.SetUp failed for volume \"{}\" : {why}", volume.name);
    if let Some(claim) = &volume.persistent_volume_claim {
        return claimed(state, place, &volume.name, &claim.claim_name);
    }
    if volume.ephemeral.is_some() {
        return claimed(state, place, &volume.name, &index::ephemeral_claim(place.pod, &volume.name));
    }
    if let Some(path) = &volume.host_path {
        return Ok(VolumeId::HostPath { node: place.node.to_owned(), path: path.path.clone() });
    }
    if let Some(map) = &volume.config_map {
        let items = map.items.as_deref().unwrap_or_default();
        present(state, Kind::ConfigMap, place, &map.name, map.optional, items).map_err(failed)?;
        return Ok(read_only);
    }
    if let Some(secret) = &volume.secret {
        let (name, items) =
            (secret.secret_name.as_deref().unwrap_or_default(), secret.items.as_deref().unwrap_or_default());
        present(state, Kind::Secret, place, name, secret.optional, items).map_err(failed)?;
        return Ok(read_only);
    }
    if let Some(projected) = &volume.projected {
        projections(state, place, projected).map_err(failed)?;
        return Ok(read_only);
    }
    if volume.downward_api.is_some() || volume.image.is_some() {
        return Ok(read_only);
    }
    if volume.empty_dir.is_some() || volume.csi.is_some() || volume.git_repo.is_some() {
        return Ok(scratch());
    }
    // What is left are shares of the network that pods name without a claim: the same source is the same place.
    let mut shared = json!(volume);
    if let Some(fields) = shared.as_object_mut() {
        fields.remove("name");
    }
    Ok(VolumeId::Persistent(shared.to_string()))
}

fn projections(state: &State, place: Place, projected: &ProjectedVolumeSource) -> Result<(), String> {
    for source in projected.sources.iter().flatten() {
        if let Some(map) = &source.config_map {
            let items = map.items.as_deref().unwrap_or_default();
            present(state, Kind::ConfigMap, place, &map.name, map.optional, items)?;
        }
        if let Some(secret) = &source.secret {
            let items = secret.items.as_deref().unwrap_or_default();
            present(state, Kind::Secret, place, &secret.name, secret.optional, items)?;
        }
    }
    Ok(())
}

/// Whether a ConfigMap or Secret is there with the keys that are mounted.
fn present(
    state: &State,
    kind: Kind,
    place: Place,
    name: &str,
    optional: Option<bool>,
    items: &[KeyToPath],
) -> Result<(), String> {
    if optional == Some(true) || (kind == Kind::ConfigMap && name == ROOT_CA) {
        return Ok(());
    }
    let (what, key) = if kind == Kind::Secret { ("secret", "secret") } else { ("configmap", "config") };
    let Some(object) = state.store.find(kind, place.namespace, name) else {
        return Err(format!("{what} \"{name}\" not found"));
    };
    let has = |wanted: &str| ["data", "binaryData"].iter().any(|part| object.value()[*part].get(wanted).is_some());
    match items.iter().find(|item| !has(&item.key)) {
        Some(item) => Err(format!("references non-existent {key} key: {}", item.key)),
        None => Ok(()),
    }
}

fn claimed(state: &State, place: Place, volume: &str, claim: &str) -> Result<VolumeId, String> {
    let Some(object) = state.store.find(Kind::PersistentVolumeClaim, place.namespace, claim) else {
        let why = format!("failed to fetch PVC from API server: persistentvolumeclaims \"{claim}\" not found");
        return Err(format!("error processing PVC {}/{claim}: {why}", place.namespace));
    };
    if !binding::is_bound(object) {
        return Err(format!("error processing PVC {}/{claim}: PVC is not bound", place.namespace));
    }
    let name = object.text("/spec/volumeName");
    let Some(persistent) = state.store.get(Kind::PersistentVolume, &Key::cluster(name)) else {
        let why = format!("failed to fetch PV {name} from API server: persistentvolumes \"{name}\" not found");
        return Err(format!("error processing PVC {}/{claim}: {why}", place.namespace));
    };
    let node = state.store.get(Kind::Node, &Key::cluster(place.node));
    if node.is_some_and(|node| !binding::reaches(persistent, node)) {
        return Err(format!(
            "MountVolume.NodeAffinity check failed for volume \"{name}\" : no matching NodeSelectorTerms"
        ));
    }
    if persistent.at("/spec/local").is_some_and(Value::is_object) {
        return Ok(VolumeId::Local(name.to_owned()));
    }
    let spec = persistent.typed::<PersistentVolume>().spec.as_ref();
    if let Some(path) = spec.and_then(|spec| spec.host_path.as_ref()) {
        return Ok(VolumeId::HostPath { node: place.node.to_owned(), path: path.path.clone() });
    }
    if attachment::needs_attach(persistent) && !attach_detach::is_attached_to(state, name, place.node) {
        return Err(format!(
            "unmounted volumes=[{volume}], unattached volumes=[{volume}], failed to process volumes=[]"
        ));
    }
    Ok(VolumeId::Persistent(name.to_owned()))
}
