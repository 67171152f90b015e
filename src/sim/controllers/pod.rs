//! What controllers ask of a pod: is it active, ready, available. Reads the JSON, so that nothing is decoded for it.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{Key, Object};

/// Namespace and name of an object.
pub(super) fn key_of(object: &Object) -> Key {
    Key::new(object.text("/metadata/namespace"), object.text("/metadata/name"))
}

/// Whether the Ready condition is True.
pub(super) fn is_ready(pod: &Object) -> bool {
    pod.is_ready()
}

/// When the Ready condition last changed.
pub(super) fn ready_since(pod: &Object) -> Option<Timestamp> {
    pod.condition("Ready")?.get("lastTransitionTime")?.as_str()?.parse().ok()
}

/// When the pod was created.
pub(super) fn created_at(object: &Object) -> Option<Timestamp> {
    object.text("/metadata/creationTimestamp").parse().ok()
}

/// Since when, or from when on, a pod that stays ready counts as available; `None` when it is not ready.
pub(super) fn available_from(pod: &Object, min_ready_seconds: i32) -> Option<Timestamp> {
    if !is_ready(pod) {
        return None;
    }
    if min_ready_seconds <= 0 {
        return Some(Timestamp::MIN);
    }
    ready_since(pod)?.checked_add(SignedDuration::from_secs(i64::from(min_ready_seconds))).ok()
}

/// Whether a pod has been ready for `minReadySeconds`.
pub(super) fn is_available(pod: &Object, min_ready_seconds: i32, now: Timestamp) -> bool {
    available_from(pod, min_ready_seconds).is_some_and(|from| from <= now)
}

/// `status.phase`; a pod without one is Pending.
pub(super) fn phase(pod: &Object) -> &str {
    let phase = pod.text("/status/phase");
    if phase.is_empty() { "Pending" } else { phase }
}

/// Whether a pod has ended for good.
pub(super) fn is_finished(pod: &Object) -> bool {
    pod.is_finished()
}

/// Whether a pod counts towards its owner's replicas: neither ended nor being deleted.
pub(super) fn is_active(pod: &Object) -> bool {
    !is_finished(pod) && !pod.is_terminating()
}

/// The largest restart count of its containers.
pub(super) fn restarts(pod: &Object) -> i64 {
    let statuses = pod.at("/status/containerStatuses").and_then(Value::as_array);
    statuses.into_iter().flatten().filter_map(|status| status.get("restartCount")?.as_i64()).max().unwrap_or(0)
}
