//! The PersistentVolumeClaims of a StatefulSet's pods: `<template>-<pod>`, kept or deleted as the retention policy says.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::replica;
use super::set::Set;
use crate::controllers::control;
use crate::{Key, Kind, Object, State};

/// Name of the claim template and the claim's own name, for each template.
fn names(set: &Set, ordinal: i64) -> Vec<(String, String)> {
    let templates = set.spec().and_then(|spec| spec.volume_claim_templates.as_ref());
    let names = templates.into_iter().flatten().filter_map(|template| template.metadata.name.clone());
    names
        .map(|template| {
            let claim = format!("{template}-{}-{ordinal}", set.key.name);
            (template, claim)
        })
        .collect()
}

/// Adds the claims to a pod's volumes, in place of volumes of the same name.
pub(super) fn mount(set: &Set, ordinal: i64, pod: &mut Value) {
    let claims = names(set, ordinal);
    if claims.is_empty() {
        return;
    }
    let present = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let kept = present.into_iter().filter(|volume| !claims.iter().any(|(template, _)| volume["name"] == **template));
    let mounted =
        claims.iter().map(|(name, claim)| json!({ "name": name, "persistentVolumeClaim": { "claimName": claim } }));
    pod["spec"]["volumes"] = mounted.chain(kept).collect();
}

/// Creates the claims of an ordinal that do not exist.
///
/// # Errors
/// Why the pod cannot be made yet: a claim is refused, or an old one is still being deleted.
pub(super) fn ensure(state: &mut State, set: &Set, ordinal: i64) -> Result<(), String> {
    for (index, (_, name)) in names(set, ordinal).into_iter().enumerate() {
        let key = Key::new(set.key.namespace.clone(), name.clone());
        if let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, &key) {
            if claim.is_terminating() {
                return Err(format!("pvc {name} is being deleted"));
            }
            continue;
        }
        let template = format!("/spec/volumeClaimTemplates/{index}");
        let mut claim = set.object.at(&template).cloned().unwrap_or_else(|| json!({}));
        claim["metadata"]["name"] = json!(name);
        claim["metadata"]["namespace"] = json!(set.key.namespace);
        let selected = set.object.at("/spec/selector/matchLabels").and_then(Value::as_object);
        for (label, value) in selected.into_iter().flatten() {
            claim["metadata"]["labels"][label.as_str()] = value.clone();
        }
        if let Some(fields) = claim.as_object_mut() {
            fields.remove("status");
        }
        state.create(Kind::PersistentVolumeClaim, claim).map_err(|error| error.message)?;
        let what = format!("create Claim {name} Pod {}-{ordinal}", set.key.name);
        replica::record(state, set, "Normal", "SuccessfulCreate", &what, "success");
    }
    Ok(())
}

/// Who takes a claim along when it goes, by `persistentVolumeClaimRetentionPolicy`.
struct Owners {
    set: bool,
    pod: bool,
}

fn wanted_owners(set: &Set, ordinal: i64) -> Owners {
    let policy = set.spec().and_then(|spec| spec.persistent_volume_claim_retention_policy.as_ref());
    let deletes = |when: Option<&String>| when.is_some_and(|when| when == "Delete");
    let with_set = policy.is_some_and(|policy| deletes(policy.when_deleted.as_ref()));
    let with_scale = policy.is_some_and(|policy| deletes(policy.when_scaled.as_ref()));
    let condemned = !set.ordinals().contains(&ordinal);
    Owners { set: with_set && !(with_scale && condemned), pod: with_scale && condemned }
}

/// Keeps the owner references of claims in line with the retention policy; the garbage collector does the rest.
pub(super) fn keep_owners(state: &mut State, set: &Set, pods: &BTreeMap<i64, Arc<Object>>) {
    for (ordinal, pod) in pods {
        let wanted = wanted_owners(set, *ordinal);
        for (_, name) in names(set, *ordinal) {
            let key = Key::new(set.key.namespace.clone(), name);
            let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, &key).cloned() else { continue };
            keep_owner(state, &claim, Kind::StatefulSet, &set.object, wanted.set);
            let Some(claim) = state.store.get(Kind::PersistentVolumeClaim, &key).cloned() else { continue };
            keep_owner(state, &claim, Kind::Pod, pod, wanted.pod);
        }
    }
}

fn keep_owner(state: &mut State, claim: &Object, kind: Kind, owner: &Object, wanted: bool) {
    let owners = claim.at("/metadata/ownerReferences").and_then(Value::as_array);
    let present = owners.into_iter().flatten().any(|one| one["uid"] == owner.uid());
    if wanted && !present {
        control::add_owner(state, kind, owner, Kind::PersistentVolumeClaim, claim);
    } else if present && !wanted {
        control::release(state, Kind::PersistentVolumeClaim, claim, owner.uid());
    }
}
