//! The label `role=leader|follower` on the pods, kept by the leader's side as operators do it: only while it reaches
//! the API, and never against a later leader (a planted two-leaders bug excepted).

use serde_json::{Value, json};

use super::{ProcessId, State};
use crate::{Key, Kind};

/// Labels the pods of a leader's store as far as they are not yet.
pub(super) fn label(state: &mut State, id: ProcessId) {
    let Some(replica) = state.apps.kv.replicas.get(&id) else { return };
    if replica.lead().is_none() || !state.reaches_control_plane(&replica.uid) {
        return;
    }
    let Some(group) = state.apps.kv.groups.get(&replica.group) else { return };
    if replica.term < group.labelled && !replica.config.bugs.two_leaders {
        return;
    }
    let news = replica.term > group.labelled;
    let mut wanted = Vec::new();
    for name in group.members.keys() {
        let Some(pod) = state.store.find(Kind::Pod, &replica.namespace, name) else { continue };
        let own = *name == replica.pod;
        if own && pod.uid() != replica.uid {
            continue;
        }
        let role = if own { "leader" } else { "follower" };
        let has = pod.label("role");
        if has != Some(role) && (own || news || has.is_none()) {
            wanted.push((Key::new(&replica.namespace, name), role));
        }
    }
    let (key, term) = (replica.group.clone(), replica.term);
    if let Some(group) = state.apps.kv.groups.get_mut(&key) {
        group.labelled = group.labelled.max(term);
    }
    for (pod, role) in wanted {
        // The pod was found a moment ago; should it be gone, there is nothing to label.
        let _ = state.modify_value(Kind::Pod, &pod, |pod| set_role(pod, role));
    }
}

fn set_role(pod: &mut Value, role: &str) {
    pod["metadata"]["labels"]["role"] = json!(role);
}
