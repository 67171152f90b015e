//! Which ReplicaSet belongs to the present template, its hash and its revision number.

use std::sync::Arc;

use serde_json::{Value, json};

use super::condition;
use super::replica_sets::{annotated, min_ready_seconds, new_size, size_annotations};
use super::rollout::Rollout;
use crate::controllers::control;
use crate::controllers::hash;
use crate::controllers::pod::key_of;
use crate::controllers::queue::TryAgain;
use crate::{Key, Kind, Object, State};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";
/// Annotations of a Deployment that its ReplicaSets do not inherit.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    super::replica_sets::DESIRED,
    super::replica_sets::MAX,
    "deprecated.deployment.rollback.to",
];

/// The template without what the server or this controller adds to it.
fn bare_template(object: &Object) -> Value {
    let mut template = object.at("/spec/template").cloned().unwrap_or(Value::Null);
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove(HASH);
        }
    }
    template
}

fn template_hash(deployment: &Object, collisions: Option<i32>) -> String {
    hash::of(&bare_template(deployment), collisions)
}

/// The oldest ReplicaSet with the Deployment's template: the same one, or one made for it under the same hash.
pub(super) fn find_new(deployment: &Object, sets: &[Arc<Object>], collisions: Option<i32>) -> Option<Arc<Object>> {
    let template = bare_template(deployment);
    let hash = template_hash(deployment, collisions);
    sets.iter().find(|set| set.label(HASH) == Some(hash.as_str()) || bare_template(set) == template).cloned()
}

pub(super) fn revision(set: &Object) -> i64 {
    annotated(set, REVISION).unwrap_or(0)
}

fn next_revision(rollout: &Rollout) -> i64 {
    rollout.old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1
}

/// Brings an existing new ReplicaSet's annotations and the Deployment's revision up to date.
pub(super) fn sync_existing(state: &mut State, rollout: &mut Rollout) {
    let Some(set) = rollout.new.clone() else { return };
    let number = revision(&set).max(next_revision(rollout));
    let min_ready = min_ready_seconds(rollout.spec());
    let inherited = inherited(&rollout.object);
    let _ = state.modify_value(Kind::ReplicaSet, &key_of(&set), |value| {
        annotate(value, &inherited, number);
        if min_ready > 0 || value["spec"].get("minReadySeconds").is_some() {
            value["spec"]["minReadySeconds"] = json!(min_ready);
        }
    });
    set_own_revision(state, rollout, number);
    condition::note_found(state, rollout, set.text("/metadata/name"));
    rollout.refresh(state);
}

fn inherited(deployment: &Object) -> Vec<(String, Value)> {
    let annotations = deployment.at("/metadata/annotations").and_then(Value::as_object);
    let copied = annotations.into_iter().flatten().filter(|(name, _)| !OWN.contains(&name.as_str()));
    copied.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn annotate(set: &mut Value, inherited: &[(String, Value)], number: i64) {
    let annotations = &mut set["metadata"]["annotations"];
    let before = annotations.get(REVISION).and_then(Value::as_str).map(ToOwned::to_owned);
    if let Some(before) = before.filter(|before| *before != number.to_string()) {
        // A rollback gives an old ReplicaSet a new number and keeps the numbers that it had.
        let history = match annotations.get(HISTORY).and_then(Value::as_str) {
            Some(history) if !history.is_empty() => format!("{history},{before}"),
            _ => before,
        };
        annotations[HISTORY] = json!(history);
    }
    annotations[REVISION] = json!(number.to_string());
    for (name, value) in inherited {
        annotations[name.as_str()] = value.clone();
    }
}

fn set_own_revision(state: &mut State, rollout: &mut Rollout, number: i64) {
    if annotated(&rollout.object, REVISION) == Some(number) {
        return;
    }
    let stored = state.modify_value(Kind::Deployment, &rollout.key, |value| {
        value["metadata"]["annotations"][REVISION] = json!(number.to_string());
    });
    if let Ok(stored) = stored {
        rollout.object = stored;
    }
}

/// Makes sure that there is a ReplicaSet for the present template (`getNewReplicaSet`).
///
/// # Errors
/// When it cannot be created, or when its name is taken by a stranger (then the hash changes with the next try).
pub(super) fn ensure_new(state: &mut State, rollout: &mut Rollout) -> Result<(), TryAgain> {
    if rollout.new.is_some() {
        sync_existing(state, rollout);
        return Ok(());
    }
    let number = next_revision(rollout);
    let set = new_replica_set(rollout, number);
    let replicas = set.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(0);
    let name = set.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Err(error) = state.create(Kind::ReplicaSet, set) {
        if error.reason == "AlreadyExists" {
            *rollout.status.collision_count.get_or_insert(0) += 1;
        } else {
            let message = format!("Failed to create new replica set \"{name}\": {}", error.message);
            condition::note_failed_create(state, rollout, &message);
            control::record(state, Kind::Deployment, &rollout.key, "Warning", "ReplicaSetCreateError", &message);
        }
        super::progress::store_status(state, rollout);
        return Err(TryAgain);
    }
    if replicas > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {replicas}");
        control::record(state, Kind::Deployment, &rollout.key, "Normal", "ScalingReplicaSet", &message);
    }
    set_own_revision(state, rollout, number);
    condition::note_created(state, rollout, &name);
    rollout.refresh(state);
    Ok(())
}

fn new_replica_set(rollout: &Rollout, number: i64) -> Value {
    let deployment = &rollout.object;
    let hash = template_hash(deployment, rollout.status.collision_count);
    let mut template = bare_template(deployment);
    template["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = deployment.at("/spec/selector").cloned().unwrap_or_else(|| json!({}));
    selector["matchLabels"][HASH] = json!(hash);
    let Key { namespace, name } = &rollout.key;
    let mut set = json!({
        "metadata": {
            "name": format!("{name}-{hash}"), "namespace": namespace,
            "labels": template["metadata"]["labels"], "annotations": {},
            "ownerReferences": [control::controller_reference(Kind::Deployment, deployment)],
        },
        "spec": { "replicas": new_size(rollout, 0), "selector": selector, "template": template },
    });
    let min_ready = min_ready_seconds(rollout.spec());
    if min_ready > 0 {
        set["spec"]["minReadySeconds"] = json!(min_ready);
    }
    annotate(&mut set, &inherited(deployment), number);
    for (name, text) in size_annotations(rollout) {
        set["metadata"]["annotations"][name] = json!(text);
    }
    set
}
