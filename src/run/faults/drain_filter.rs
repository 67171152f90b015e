//! Which pods of a node a drain evicts, by the rules of `kubectl drain` (`k8s.io/kubectl/pkg/drain/filters.go`).

use k8s_openapi::api::core::v1::Pod;

use crate::plan::{MANAGED_BY, MANAGER, controller, is_finished, pod_target};

/// What the scenario allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Evict pods with emptyDir volumes, whose content is then lost.
    pub(super) delete_emptydir_data: bool,
    /// Evict pods that nothing will replace.
    pub(super) force: bool,
}

/// What happens to a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is evicted.
    Evict,
    /// It stays: a DaemonSet's pod would come back at once, a mirror pod cannot be deleted through the API.
    Stay,
    /// The drain must not begin.
    Refuse(String),
}

/// Decides over one pod.
pub(super) fn fate(pod: &Pod, rules: Rules) -> Fate {
    let annotations = pod.metadata.annotations.as_ref();
    if annotations.is_some_and(|annotations| annotations.contains_key("kubernetes.io/config.mirror")) {
        return Fate::Stay;
    }
    // Driftproof's own pod is not part of what is drained; if its node goes, another one takes its place.
    if is_agent(pod) {
        return Fate::Stay;
    }
    // A pod that has ended loses nothing, whatever it was.
    if is_finished(pod) {
        return Fate::Evict;
    }
    let owner = controller(&pod.metadata);
    if matches!(owner, Some(("DaemonSet", _, _))) {
        return Fate::Stay;
    }
    let name = pod_target(pod);
    if owner.is_none() && !rules.force {
        return Fate::Refuse(format!(
            "pod {name} belongs to no controller, nothing would replace it; set force = true to evict it"
        ));
    }
    if has_empty_dir(pod) && !rules.delete_emptydir_data {
        return Fate::Refuse(format!(
            "pod {name} has an emptyDir volume, whose content would be lost; set delete_emptydir_data = true to evict it"
        ));
    }
    Fate::Evict
}

fn is_agent(pod: &Pod) -> bool {
    let label = |key: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    label("app.kubernetes.io/name") == Some("driftproof-agent") && label(MANAGED_BY) == Some(MANAGER)
}

fn has_empty_dir(pod: &Pod) -> bool {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).any(|volume| volume.empty_dir.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(owner: Option<&str>, phase: &str, mirror: bool, empty_dir: bool) -> Pod {
        let owners = owner.map(
            |kind| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "u", "controller": true }]),
        );
        let annotations = if mirror { json!({ "kubernetes.io/config.mirror": "x" }) } else { json!({}) };
        let volumes = if empty_dir { json!([{ "name": "tmp", "emptyDir": {} }]) } else { json!([]) };
        serde_json::from_value(json!({
            "metadata": { "name": "web-1", "namespace": "shop", "annotations": annotations, "ownerReferences": owners },
            "spec": { "containers": [], "volumes": volumes },
            "status": { "phase": phase },
        }))
        .unwrap()
    }

    #[test]
    fn pods_are_filtered_as_kubectl_drain_does() {
        let strict = Rules { delete_emptydir_data: false, force: false };
        let loose = Rules { delete_emptydir_data: true, force: true };
        for (what, pod, under_strict, under_loose) in [
            ("replicated", pod(Some("ReplicaSet"), "Running", false, false), "evict", "evict"),
            ("daemon", pod(Some("DaemonSet"), "Running", false, true), "stay", "stay"),
            ("mirror", pod(Some("Node"), "Running", true, false), "stay", "stay"),
            ("bare", pod(None, "Running", false, false), "refuse", "evict"),
            ("emptyDir", pod(Some("ReplicaSet"), "Running", false, true), "refuse", "evict"),
            ("finished and bare", pod(None, "Succeeded", false, true), "evict", "evict"),
        ] {
            let word = |rules| match fate(&pod, rules) {
                Fate::Evict => "evict",
                Fate::Stay => "stay",
                Fate::Refuse(_) => "refuse",
            };
            assert_eq!((word(strict), word(loose)), (under_strict, under_loose), "{what}");
        }
    }
}
