//! A Job's pods: how they are made, and the finalizer that keeps each until it is counted.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::indexes::INDEX;
use crate::controllers::pod::key_of;
use crate::controllers::{control, index};
use crate::{Key, Kind, Object, State};

const TRACKING: &str = "batch.kubernetes.io/job-tracking";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// Annotation with the number of failures of a pod's index before it.
const FAILURES: &str = "batch.kubernetes.io/job-index-failure-count";
const IGNORED: &str = "batch.kubernetes.io/job-index-ignored-failure-count";

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

/// A pod of an Indexed Job. Its failures before it are counted when the Job limits them by index.
pub(super) fn build_indexed(job: &Object, index: u32, before: Option<(u32, u32)>) -> Value {
    let mut pod = build(job);
    let name = job.text("/metadata/name");
    pod["metadata"]["generateName"] = json!(format!("{name}-{index}-"));
    pod["metadata"]["annotations"][INDEX] = json!(index.to_string());
    pod["metadata"]["labels"][INDEX] = json!(index.to_string());
    pod["spec"]["hostname"] = json!(format!("{name}-{index}"));
    if let Some((failures, ignored)) = before {
        pod["metadata"]["annotations"][FAILURES] = json!(failures.to_string());
        if ignored > 0 {
            pod["metadata"]["annotations"][IGNORED] = json!(ignored.to_string());
        }
    }
    let path = format!("metadata.labels['{INDEX}']");
    for list in ["containers", "initContainers"] {
        for container in pod["spec"][list].as_array_mut().into_iter().flatten() {
            let variable =
                json!({ "name": "JOB_COMPLETION_INDEX", "valueFrom": { "fieldRef": { "fieldPath": path } } });
            match container["env"].as_array_mut() {
                Some(known) if known.iter().any(|known| known["name"] == variable["name"]) => {}
                Some(known) => known.push(variable),
                None => container["env"] = json!([variable]),
            }
        }
    }
    pod
}

/// How often its index had failed before a pod, as far as failures count.
pub(super) fn failures(pod: &Object) -> u32 {
    pod.annotation(FAILURES).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// How often its index had failed before a pod without being counted.
pub(super) fn ignored_failures(pod: &Object) -> u32 {
    pod.annotation(IGNORED).and_then(|text| text.parse().ok()).unwrap_or(0)
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
