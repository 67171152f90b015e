//! A Job's pods: how they are made, and the finalizer that keeps each until it is counted.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use crate::controllers::pod::key_of;
use crate::controllers::{control, index};
use crate::{Key, Kind, Object, State};

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// A pod of a Job.
pub(super) fn build(job: &Object) -> Value {
    let template = job.at("/spec/template").cloned().unwrap_or_else(|| json!({}));
    let mut pod = control::pod_from_template(Kind::Job, job, &template);
    let name = job.text("/metadata/name");
    pod["metadata"]["generateName"] = json!(format!("{name}-"));
    for (label, value) in [
        (JOB_NAME, name),
        ("job-name", name),
        ("batch.kubernetes.io/controller-uid", job.uid()),
        ("controller-uid", job.uid()),
    ] {
        pod["metadata"]["labels"][label] = json!(value);
    }
    let mut finalizers = pod["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
    finalizers.push(json!(TRACKING));
    pod["metadata"]["finalizers"] = json!(finalizers);
    pod
}

/// The pods that a Job controls, ordered by name.
pub(super) fn owned(state: &State, job: &Object) -> Vec<Arc<Object>> {
    let owned = state.store.owned_by(job.uid()).filter(|(kind, ..)| *kind == Kind::Pod);
    owned.map(|(_, _, pod)| pod.clone()).collect()
}

/// Whether a pod has not been counted yet.
pub(super) fn is_tracked(pod: &Object) -> bool {
    let finalizers = pod.at("/metadata/finalizers").and_then(Value::as_array);
    finalizers.into_iter().flatten().any(|finalizer| finalizer.as_str() == Some(TRACKING))
}

/// Lets a pod go: it is counted, or nobody will count it.
pub(super) fn untrack(state: &mut State, pod: &Object) {
    if !is_tracked(pod) {
        return;
    }
    let _ = state.modify_value(Kind::Pod, &key_of(pod), |value| {
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        let Some(finalizers) = metadata.get_mut("finalizers").and_then(Value::as_array_mut) else { return };
        finalizers.retain(|finalizer| finalizer.as_str() != Some(TRACKING));
        if finalizers.is_empty() {
            metadata.remove("finalizers");
        }
    });
}

/// Lets the pods of a Job go that is no more (`syncOrphanPod`).
pub(super) fn untrack_orphans(state: &mut State, job: &Key) {
    let labels = [(JOB_NAME.to_owned(), job.name.clone())].into();
    let selector = LabelSelector { match_labels: Some(labels), match_expressions: None };
    for pod in index::pods_selected(state, &job.namespace, &selector) {
        untrack(state, &pod);
    }
}
