//! The ReplicaSets of a Deployment: which ones are its own, their sizes, and changing a size.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::rollout::Rollout;
use crate::controllers::control;
use crate::controllers::pod::key_of;
use crate::labels;
use crate::{Kind, Object, State};

pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// The ReplicaSets that a Deployment controls, oldest first.
pub(super) fn owned(state: &State, deployment: &Object) -> Vec<Arc<Object>> {
    let mut sets: Vec<_> = state
        .store
        .owned_by(deployment.uid())
        .filter(|(kind, ..)| *kind == Kind::ReplicaSet)
        .map(|(_, _, set)| set.clone())
        .collect();
    sets.sort_by_cached_key(|set| (set.text("/metadata/creationTimestamp").to_owned(), key_of(set)));
    sets
}

/// Makes matching ReplicaSets without a controller the Deployment's own.
pub(super) fn adopt_orphans(state: &mut State, deployment: &Object, wanted: &LabelSelector) {
    if deployment.is_terminating() {
        return;
    }
    let orphans: Vec<_> = state
        .store
        .in_namespace(Kind::ReplicaSet, deployment.text("/metadata/namespace"))
        .filter(|(_, set)| set.controller_uid().is_none() && !set.is_terminating() && labels::matches(wanted, set))
        .map(|(_, set)| set.clone())
        .collect();
    for orphan in orphans {
        control::adopt(state, Kind::Deployment, deployment, Kind::ReplicaSet, &orphan);
    }
}

fn number(object: &Object, pointer: &str) -> i32 {
    let number = object.at(pointer).and_then(Value::as_i64).unwrap_or(0);
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// `spec.replicas` of a ReplicaSet.
pub(super) fn size(set: &Object) -> i32 {
    number(set, "/spec/replicas")
}

/// A count of a ReplicaSet's status.
pub(super) fn counted(set: &Object, field: &str) -> i32 {
    number(set, &format!("/status/{field}"))
}

/// A number in an annotation.
pub(super) fn annotated(object: &Object, name: &str) -> Option<i64> {
    object.annotation(name)?.parse().ok()
}

/// The annotations by which a later sync sees that the Deployment itself was scaled meanwhile.
pub(super) fn size_annotations(rollout: &Rollout) -> [(&'static str, String); 2] {
    let replicas = rollout.replicas();
    let (surge, _) = rollout.limits();
    [(DESIRED, replicas.to_string()), (MAX, (replicas + surge).to_string())]
}

/// Sets a ReplicaSet's size and its annotations; records an event when the size changed. Tells whether it did.
pub(super) fn resize(state: &mut State, rollout: &Rollout, set: &Object, replicas: i32) -> bool {
    let before = size(set);
    let key = key_of(set);
    let annotations = size_annotations(rollout);
    let changed = state.modify_value(Kind::ReplicaSet, &key, |value| {
        value["spec"]["replicas"] = json!(replicas);
        for (name, text) in annotations {
            value["metadata"]["annotations"][name] = json!(text);
        }
    });
    if changed.is_err() || before == replicas {
        return false;
    }
    let direction = if replicas > before { "up" } else { "down" };
    let message = format!("Scaled {direction} replica set {} from {before} to {replicas}", key.name);
    control::record(state, Kind::Deployment, &rollout.key, "Normal", "ScalingReplicaSet", &message);
    true
}

/// How large the new ReplicaSet may be now (`NewRSNewReplicas`).
pub(super) fn new_size(rollout: &Rollout, present: i32) -> i32 {
    let wanted = rollout.replicas();
    if !rollout.is_rolling() {
        return wanted;
    }
    let (surge, _) = rollout.limits();
    let room = wanted + surge - rollout.all().map(|set| size(set)).sum::<i32>();
    if room <= 0 { present } else { present + room.min(wanted - present) }
}

/// `spec.minReadySeconds`, 0 when absent.
pub(super) fn min_ready_seconds(spec: Option<&DeploymentSpec>) -> i32 {
    spec.and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
}
