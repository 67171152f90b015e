//! A kubelet refuses pods that do not fit its node, whoever bound them: they fail at once and are never started.

use std::sync::Arc;

use serde_json::json;

use super::container;
use super::pod_worker::Stage;
use crate::scheduler::admission;
use crate::{Key, Kind, Object, State};

/// Refuses a pod that does not fit beside those that the kubelet runs. False when it fits.
pub(super) fn reject(state: &mut State, node: &str, key: &Key, pod: &Arc<Object>) -> bool {
    // A pod that has run before on this node is known to fit.
    if container::has_run(pod) {
        return false;
    }
    let Some(object) = state.store.get(Kind::Node, &Key::cluster(node)) else { return false };
    let uids = state.kubelet.kubelets.get(node).map(|kubelet| &kubelet.pods).into_iter().flatten();
    let workers = uids.filter_map(|uid| state.kubelet.workers.get(uid));
    let active = workers.filter(|worker| !matches!(worker.stage, Stage::Finished | Stage::Ended));
    // A pod whose object is gone counts no more, however long it takes to end.
    let known = active
        .filter(|worker| state.store.get(Kind::Pod, &worker.key).is_some_and(|pod| pod.uid() == worker.pod.uid()));
    let running: Vec<_> = known.map(|worker| (worker.key.clone(), worker.pod.clone())).collect();
    let Some(refusal) = admission::refusal(object, &running, (key, pod)) else { return false };
    let parts = ["Warning", &refusal.reason, "kubelet", &refusal.message];
    state.event_about(Kind::Pod, key, Some(pod), parts);
    let message = format!("Pod was rejected: {}", refusal.message);
    let started = json!(state.time());
    state.kubelet.writing = true;
    // The pod was there a moment ago.
    drop(state.modify_value(Kind::Pod, key, |pod| {
        let class = pod["status"]["qosClass"].clone();
        pod["status"] = json!({
            "phase": "Failed", "reason": refusal.reason, "message": message, "startTime": started, "qosClass": class,
        });
    }));
    state.kubelet.writing = false;
    true
}
