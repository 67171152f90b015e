//! Makes volumes for claims, as an external provisioner does, and claims for `ephemeral` volumes of pods.
//! Any provisioner's name is served, so that manifests may bring the classes of their real cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use k8s_openapi::api::storage::v1::StorageClass;
use serde_json::{Value, json};

use super::binding::{self, SELECTED_NODE};
use super::pv_controller::claim_event;
use super::{Work, index};
use crate::{Event, Key, Kind, Object, State};

/// Names who made a volume.
pub(super) const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
/// Names who should make a claim's volume.
const STORAGE_PROVISIONER: &str = "volume.kubernetes.io/storage-provisioner";
const ZONE: &str = "topology.kubernetes.io/zone";
/// Making a volume.
const DURATION: Duration = Duration::from_millis(500);
/// Provisioners whose volumes are reached from one zone only, without being asked to.
const ZONAL: [&str; 3] = ["disk.csi.azure.com", "ebs.csi.aws.com", "pd.csi.storage.gke.io"];

/// Begins to make a volume for a claim, or says why none can be made.
pub(super) fn start(state: &mut State, key: &Key, claim: &Object) {
    let name = claim.text("/spec/storageClassName");
    if name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        return claim_event(state, key, "Normal", "FailedBinding", message);
    }
    let Some(class) = state.store.get(Kind::StorageClass, &Key::cluster(name)) else {
        let message = format!("storageclass.storage.k8s.io \"{name}\" not found");
        return claim_event(state, key, "Warning", "ProvisioningFailed", &message);
    };
    let class = class.typed::<StorageClass>();
    let provisioner = class.provisioner.clone();
    if !binding::provisions(class) {
        let message = format!("no volume plugin matched name: {provisioner}");
        return claim_event(state, key, "Warning", "ProvisioningFailed", &message);
    }
    if !state.storage.provisioning.insert(key.clone()) {
        return;
    }
    // The claim was there a moment ago, and nothing happened since.
    drop(state.modify_value(Kind::PersistentVolumeClaim, key, |claim| {
        claim["metadata"]["annotations"][STORAGE_PROVISIONER] = json!(provisioner);
    }));
    let message = format!(
        "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the \
         system administrator. If volume creation is delayed, please verify that the provisioner is running and \
         correctly registered."
    );
    claim_event(state, key, "Normal", "ExternalProvisioning", &message);
    state.after(DURATION, Event::Storage(Work::Provisioned(key.clone())));
}

/// The volume is there: it is written into the API, reserved for its claim.
pub(super) fn provisioned(state: &mut State, key: &Key) {
    state.storage.provisioning.remove(key);
    let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, key).cloned() else { return };
    if claim.is_terminating() || !claim.text("/spec/volumeName").is_empty() {
        return;
    }
    let class = state.store.get(Kind::StorageClass, &Key::cluster(claim.text("/spec/storageClassName"))).cloned();
    let Some(class) = class else { return };
    let class = class.typed::<StorageClass>();
    let selected = claim.annotation(SELECTED_NODE);
    let node = selected.and_then(|node| state.store.get(Kind::Node, &Key::cluster(node))).cloned();
    if selected.is_some() && node.is_none() {
        // The node has gone: the scheduler has to choose again.
        drop(state.modify_value(Kind::PersistentVolumeClaim, key, |claim| {
            if let Some(annotations) = claim["metadata"]["annotations"].as_object_mut() {
                annotations.remove(SELECTED_NODE);
            }
        }));
        return;
    }
    let topology = topology(state, class, node.as_ref());
    let volume = volume(key, &claim, class, topology);
    let name = volume["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    // It exists already only when it was made for the same claim before.
    drop(state.create(Kind::PersistentVolume, volume));
    let message = format!("Successfully provisioned volume {name}");
    let kind = Kind::PersistentVolumeClaim;
    state.event(kind, key, "Normal", "ProvisioningSucceeded", &class.provisioner, &message);
}

fn volume(key: &Key, claim: &Object, class: &StorageClass, topology: BTreeMap<String, String>) -> Value {
    let name = format!("pvc-{}", claim.uid());
    let spec = claim.typed::<PersistentVolumeClaim>().spec.clone().unwrap_or_default();
    let size = spec.resources.and_then(|resources| resources.requests).and_then(|all| all.get("storage").cloned());
    let mut volume = json!({
        "metadata": { "name": name, "annotations": { PROVISIONED_BY: class.provisioner } },
        "spec": {
            "accessModes": spec.access_modes, "capacity": { "storage": size.unwrap_or_default() },
            "claimRef": binding::claim_reference(key, claim),
            "csi": { "driver": class.provisioner, "volumeHandle": name },
            "mountOptions": class.mount_options, "persistentVolumeReclaimPolicy": class.reclaim_policy,
            "storageClassName": spec.storage_class_name, "volumeMode": spec.volume_mode,
        },
    });
    if !topology.is_empty() {
        let expression = |(key, value)| json!({ "key": key, "operator": "In", "values": [value] });
        let expressions: Vec<_> = topology.into_iter().map(expression).collect();
        volume["spec"]["nodeAffinity"] =
            json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": expressions }] } });
    }
    volume
}

/// The labels that a node must have to reach a new volume: those of the selected node, else of a place drawn from those
/// that the class allows. Empty when the volume is reached from everywhere.
fn topology(state: &mut State, class: &StorageClass, node: Option<&Arc<Object>>) -> BTreeMap<String, String> {
    let terms = class.allowed_topologies.iter().flatten();
    let mut keys: BTreeSet<&str> =
        terms.flat_map(|term| term.match_label_expressions.iter().flatten()).map(|each| each.key.as_str()).collect();
    let asked = class.parameters.as_ref().and_then(|all| all.get("zonal")).is_some_and(|zonal| zonal == "true");
    if keys.is_empty() && (asked || ZONAL.contains(&class.provisioner.as_str())) {
        keys.insert(ZONE);
    }
    if keys.is_empty() {
        return BTreeMap::new();
    }
    let labels = |node: &Object| -> BTreeMap<String, String> {
        keys.iter().filter_map(|key| Some(((*key).to_owned(), node.label(key)?.to_owned()))).collect()
    };
    if let Some(node) = node {
        return labels(node);
    }
    let nodes = state.store.all(Kind::Node).filter(|(_, node)| binding::topology_allows(class, node));
    let places: BTreeSet<_> = nodes.map(|(_, node)| labels(node)).collect();
    let drawn = state.draw(0, places.len() as u64);
    places.into_iter().nth(usize::try_from(drawn).unwrap_or_default()).unwrap_or_default()
}

/// Creates the claims that a pod's `ephemeral` volumes describe; the pod owns them.
pub(super) fn ephemeral(state: &mut State, key: &Key) {
    let Some(pod) = state.store.get(Kind::Pod, key).cloned() else { return };
    let owner = json!([{
        "apiVersion": "v1", "kind": "Pod", "name": key.name, "uid": pod.uid(), "controller": true,
        "blockOwnerDeletion": true,
    }]);
    for volume in pod.typed::<Pod>().spec.iter().flat_map(|spec| spec.volumes.iter().flatten()) {
        let template = volume.ephemeral.as_ref().and_then(|ephemeral| ephemeral.volume_claim_template.as_ref());
        let Some(template) = template else { continue };
        let metadata = template.metadata.clone().unwrap_or_default();
        let claim = json!({
            "metadata": {
                "namespace": key.namespace, "name": index::ephemeral_claim(&key.name, &volume.name),
                "labels": metadata.labels, "annotations": metadata.annotations, "ownerReferences": owner,
            },
            "spec": template.spec,
        });
        // A claim of this name that exists is used as it is.
        drop(state.create(Kind::PersistentVolumeClaim, claim));
    }
}
