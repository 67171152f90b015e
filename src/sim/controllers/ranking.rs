//! Which pods a scale-down takes first: the order of the real `ActivePodsWithRanks`.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;

use super::pod;
use crate::Object;

/// The `excess` pods to delete. `crowd` is the number of related active pods for each node.
pub(super) fn to_delete(
    active: &[Arc<Object>],
    excess: usize,
    crowd: &BTreeMap<String, usize>,
    now: Timestamp,
) -> Vec<Arc<Object>> {
    let mut ranked = active.to_vec();
    ranked.sort_by_cached_key(|pod| rank(pod, crowd, now));
    ranked.truncate(excess);
    ranked
}

/// Smaller is deleted earlier: unassigned, pending, not ready, cheap to delete, doubled up on a node, ready for a
/// shorter time, restarted more often, younger. Ages count in powers of two (`LogarithmicScaleDown`), so that a
/// scale-down does not always take the youngest; then chance decides, as UIDs do in the real one.
fn rank(pod: &Object, crowd: &BTreeMap<String, usize>, now: Timestamp) -> impl Ord + use<> {
    let node = pod.text("/spec/nodeName");
    let phase = match pod::phase(pod) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let ready = pod::is_ready(pod);
    let cost: i32 =
        pod.annotation("controller.kubernetes.io/pod-deletion-cost").and_then(|cost| cost.parse().ok()).unwrap_or(0);
    let ready_age = if ready { age(pod::ready_since(pod), now) } else { 0 };
    let chance = pod.uid().rsplit('-').next().unwrap_or_default().to_owned();
    (
        (!node.is_empty(), phase, ready, cost),
        (Reverse(crowd.get(node).copied().unwrap_or(0)), ready_age),
        (Reverse(pod::restarts(pod)), age(pod::created_at(pod), now)),
        chance,
    )
}

/// The age as a power of two of nanoseconds, -1 for none.
fn age(since: Option<Timestamp>, now: Timestamp) -> i64 {
    let Some(since) = since else { return -1 };
    let age = now.duration_since(since).as_nanos();
    if age <= 0 { -1 } else { i64::from(age.ilog2()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, node: &str, phase: &str, ready_since: &str, restarts: i64) -> Arc<Object> {
        let conditions = if ready_since.is_empty() {
            json!([{ "type": "Ready", "status": "False" }])
        } else {
            json!([{ "type": "Ready", "status": "True", "lastTransitionTime": ready_since }])
        };
        let node: Value = if node.is_empty() { Value::Null } else { json!(node) };
        Arc::new(Object::new(json!({
            "metadata": { "name": name, "uid": format!("x-{name}"), "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "nodeName": node },
            "status": { "phase": phase, "conditions": conditions,
                        "containerStatuses": [{ "restartCount": restarts }] },
        })))
    }

    #[test]
    fn the_least_useful_pods_go_first() {
        let early = "2026-01-01T00:00:01Z";
        let late = "2026-01-01T09:59:00Z";
        let mut pods = vec![
            pod("old-alone", "n1", "Running", early, 0),
            pod("restarted-alone", "n5", "Running", early, 3),
            pod("young-alone", "n2", "Running", late, 0),
            pod("doubled", "n3", "Running", early, 0),
            pod("not-ready", "n4", "Running", "", 0),
            pod("pending", "n4", "Pending", "", 0),
            pod("unassigned", "", "Pending", "", 0),
        ];
        let mut costly = pod("cheap", "n1", "Running", early, 0).value().clone();
        costly["metadata"]["annotations"] = json!({ "controller.kubernetes.io/pod-deletion-cost": "-5" });
        pods.push(Arc::new(Object::new(costly)));
        let crowd = [("n1".to_owned(), 1), ("n2".to_owned(), 1), ("n3".to_owned(), 2), ("n5".to_owned(), 1)].into();
        let now = "2026-01-01T10:00:00Z".parse().expect("a time");
        let order: Vec<_> =
            to_delete(&pods, 8, &crowd, now).iter().map(|pod| pod.text("/metadata/name").to_owned()).collect();
        let expected =
            ["unassigned", "pending", "not-ready", "cheap", "doubled", "young-alone", "restarted-alone", "old-alone"];
        assert_eq!(order, expected);
        assert_eq!(to_delete(&pods, 2, &crowd, now).len(), 2);
    }
}
