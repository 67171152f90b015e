//! Writes pod statuses to the API, one write for each step that can be seen.
//! Never writes for a kubelet that cannot reach the API, nor to another pod of the same name.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::pod_status;
use crate::{Kind, State};

/// Writes a pod's status when it differs from what the API has.
pub(super) fn report(state: &mut State, uid: &str) {
    let Some(worker) = state.kubelet.workers.get(uid) else { return };
    if !worker.known || !state.can_report(&worker.node) {
        return;
    }
    let Some(object) = state.store.get(Kind::Pod, &worker.key).filter(|pod| pod.uid() == uid) else { return };
    let old = object.typed::<Pod>();
    let host = state.kubelet.machines.get(&worker.node).map(|machine| machine.ip.clone()).unwrap_or_default();
    let status = pod_status::render(worker, old, &host, state.now);
    if old.status.as_ref() == Some(&status) {
        return;
    }
    let key = worker.key.clone();
    state.kubelet.writing = true;
    // The pod was there a line ago.
    drop(state.modify_value(Kind::Pod, &key, |pod| pod["status"] = json!(status)));
    state.kubelet.writing = false;
}
