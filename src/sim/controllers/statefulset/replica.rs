//! One pod of a StatefulSet: its name, what it is made of, making and deleting it.

use k8s_openapi::api::apps::v1::RollingUpdateStatefulSetStrategy;
use serde_json::{Value, json};

use super::claims;
use super::set::Set;
use crate::controllers::history::{self, REVISION_HASH};
use crate::controllers::queue::TryAgain;
use crate::controllers::{control, pod};
use crate::{Kind, Object, State};

/// The ordinal in a pod's name when it is a name of this set's.
pub(super) fn ordinal(set: &str, pod: &str) -> Option<i64> {
    let digits = pod.strip_prefix(set)?.strip_prefix('-')?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// Whether a pod runs and passes its readiness probe.
pub(super) fn is_running_and_ready(pod: &Object) -> bool {
    pod::phase(pod) == "Running" && pod::is_ready(pod)
}

/// The `partition` of a rolling update: pods below it keep the current revision.
pub(super) fn partition(set: &Set) -> Option<i64> {
    let strategy = set.spec().and_then(|spec| spec.update_strategy.as_ref());
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("OnDelete") {
        return None;
    }
    let rolling: Option<&RollingUpdateStatefulSetStrategy> =
        strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    Some(rolling.and_then(|rolling| rolling.partition).map_or(0, i64::from))
}

/// A pod that is made again below the partition gets the current revision, any other the updated one.
fn revision(set: &Set, ordinal: i64) -> &Object {
    let start = set.ordinals().start;
    match partition(set) {
        Some(partition) if ordinal < start + partition => &set.current,
        Some(_) | None => &set.updated,
    }
}

/// The pod with this ordinal.
fn build(set: &Set, ordinal: i64) -> Value {
    let revision = revision(set, ordinal);
    let mut pod = control::pod_from_template(Kind::StatefulSet, &set.object, &history::template(revision));
    let name = format!("{}-{ordinal}", set.key.name);
    let labels = &mut pod["metadata"]["labels"];
    labels[REVISION_HASH] = json!(revision.text("/metadata/name"));
    labels["statefulset.kubernetes.io/pod-name"] = json!(name);
    labels["apps.kubernetes.io/pod-index"] = json!(ordinal.to_string());
    pod["metadata"]["name"] = json!(name);
    let service = set.spec().and_then(|spec| spec.service_name.clone()).unwrap_or_default();
    pod["spec"]["hostname"] = json!(name);
    if !service.is_empty() {
        pod["spec"]["subdomain"] = json!(service);
    }
    claims::mount(set, ordinal, &mut pod);
    pod
}

/// Creates the claims and the pod of an ordinal.
pub(super) fn create(state: &mut State, set: &Set, ordinal: i64) -> Result<(), TryAgain> {
    let name = format!("{}-{ordinal}", set.key.name);
    let created = claims::ensure(state, set, ordinal)
        .and_then(|()| state.create(Kind::Pod, build(set, ordinal)).map(drop).map_err(|error| error.message));
    match created {
        Ok(()) => {
            record(state, set, "Normal", "SuccessfulCreate", &format!("create Pod {name}"), "successful");
            Ok(())
        }
        Err(error) => {
            let outcome = format!("failed error: {error}");
            record(state, set, "Warning", "FailedCreate", &format!("create Pod {name}"), &outcome);
            Err(TryAgain)
        }
    }
}

/// Deletes a pod that ended; its name is free again when the object is gone.
pub(super) fn recreate(state: &mut State, set: &Set, pod: &Object) {
    let failed = pod::phase(pod) == "Failed";
    let (event_type, reason, what) = if failed {
        ("Warning", "RecreatingFailedPod", "failed")
    } else {
        ("Normal", "RecreatingTerminatedPod", "terminated")
    };
    let (namespace, name) = (&set.key.namespace, &set.key.name);
    let message = format!("StatefulSet {namespace}/{name} is recreating {what} Pod {}", pod.text("/metadata/name"));
    control::record(state, Kind::StatefulSet, &set.key, event_type, reason, &message);
    delete(state, set, pod);
}

/// Deletes a pod gracefully.
pub(super) fn delete(state: &mut State, set: &Set, pod: &Object) {
    if control::delete_exactly(state, Kind::Pod, pod) {
        let what = format!("delete Pod {}", pod.text("/metadata/name"));
        record(state, set, "Normal", "SuccessfulDelete", &what, "successful");
    }
}

/// Records an event in the words of the real controller: `create Pod db-0 in StatefulSet db successful`.
pub(super) fn record(state: &mut State, set: &Set, event_type: &str, reason: &str, what: &str, outcome: &str) {
    let message = format!("{what} in StatefulSet {} {outcome}", set.key.name);
    control::record(state, Kind::StatefulSet, &set.key, event_type, reason, &message);
}
