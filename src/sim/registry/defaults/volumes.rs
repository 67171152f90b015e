//! Volumes of pods, claims and persistent volumes.

use k8s_openapi::api::core::v1::{
    DownwardAPIVolumeFile, EmptyDirVolumeSource, PersistentVolume, PersistentVolumeClaim, TypedLocalObjectReference,
    TypedObjectReference, Volume,
};

use super::{unless_set, unless_text};

/// `0644`, as JSON writes it.
const FILE_MODE: i32 = 0o644;

/// A volume of a pod; one without a source is scratch space.
pub(super) fn volume(volume: &mut Volume) {
    let sourceless = serde_json::to_value(&*volume).is_ok_and(|value| value.as_object().is_some_and(|v| v.len() <= 1));
    if sourceless {
        volume.empty_dir = Some(EmptyDirVolumeSource::default());
    }
    if let Some(source) = &mut volume.config_map {
        unless_set(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.secret {
        unless_set(&mut source.default_mode, FILE_MODE);
    }
    if let Some(source) = &mut volume.projected {
        unless_set(&mut source.default_mode, FILE_MODE);
        for one in source.sources.iter_mut().flatten() {
            if let Some(token) = &mut one.service_account_token {
                unless_set(&mut token.expiration_seconds, 3600);
            }
            one.downward_api.iter_mut().flat_map(|api| api.items.iter_mut().flatten()).for_each(downward_file);
        }
    }
    if let Some(source) = &mut volume.downward_api {
        unless_set(&mut source.default_mode, FILE_MODE);
        source.items.iter_mut().flatten().for_each(downward_file);
    }
    if let Some(template) = volume.ephemeral.as_mut().and_then(|source| source.volume_claim_template.as_mut()) {
        unless_text(&mut template.spec.volume_mode, "Filesystem");
    }
    if let Some(source) = &mut volume.image {
        let reference = source.reference.as_deref().unwrap_or_default();
        unless_text(&mut source.pull_policy, super::pod::pull_policy(reference));
    }
    if let Some(source) = &mut volume.azure_disk {
        unless_text(&mut source.caching_mode, "ReadWrite");
        unless_text(&mut source.kind, "Shared");
    }
    if let Some(source) = &mut volume.host_path {
        unless_set(&mut source.type_, "");
    }
}

fn downward_file(file: &mut DownwardAPIVolumeFile) {
    if let Some(field) = &mut file.field_ref {
        unless_text(&mut field.api_version, "v1");
    }
}

/// A claim.
pub(in crate::registry) fn persistent_volume_claim(claim: &mut PersistentVolumeClaim) {
    claim_template(claim);
    let spec = claim.spec.get_or_insert_default();
    // What is neither a claim nor a snapshot is dropped (`EnforceDataSourceBackwardsCompatibility`).
    let is_known = |source: &TypedLocalObjectReference| {
        let group = source.api_group.as_deref().unwrap_or_default();
        matches!(
            (group, source.kind.as_str()),
            ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot")
        )
    };
    if spec.data_source.as_ref().is_some_and(|source| !is_known(source)) {
        spec.data_source = None;
    }
    // A source in another namespace needs a feature that is off by default: it is dropped (`DropDisabledFields`).
    let elsewhere = |source: &TypedObjectReference| source.namespace.as_ref().is_some_and(|name| !name.is_empty());
    if spec.data_source_ref.as_ref().is_some_and(elsewhere) {
        spec.data_source_ref = None;
    }
}

/// A claim, or what claims are made from.
pub(in crate::registry) fn claim_template(claim: &mut PersistentVolumeClaim) {
    unless_text(&mut claim.spec.get_or_insert_default().volume_mode, "Filesystem");
    unless_text(&mut claim.status.get_or_insert_default().phase, "Pending");
}

/// A volume of the cluster.
pub(in crate::registry) fn persistent_volume(volume: &mut PersistentVolume) {
    let spec = volume.spec.get_or_insert_default();
    unless_text(&mut spec.persistent_volume_reclaim_policy, "Retain");
    unless_text(&mut spec.volume_mode, "Filesystem");
    if let Some(path) = &mut spec.host_path {
        unless_set(&mut path.type_, "");
    }
    unless_text(&mut volume.status.get_or_insert_default().phase, "Pending");
}
