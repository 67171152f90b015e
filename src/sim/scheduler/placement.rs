//! Whether what a pod says of its node leaves it any node of the cluster. Looks at names and labels alone, never at room.

use k8s_openapi::api::core::v1::PodSpec;
use serde_json::Value;

use crate::{Kind, Object, State, labels};

/// The field of a pod's spec that no node satisfies, and what is wrong, for a person; `None` when there is a node, or when
/// the spec cannot be read.
#[must_use]
pub fn mistake(state: &State, spec: &Value) -> Option<(String, String)> {
    let spec: PodSpec = serde_json::from_value(spec.clone()).ok()?;
    let nodes: Vec<&Object> = state.store.all(Kind::Node).map(|(_, node)| node.as_ref()).collect();
    if let Some(name) = spec.node_name.filter(|name| !name.is_empty()) {
        let known = nodes.iter().any(|node| node.text("/metadata/name") == name);
        return (!known).then(|| ("nodeName".to_owned(), format!("the embedded cluster has no node `{name}`")));
    }
    let wanted = spec.node_selector.unwrap_or_default();
    for (key, value) in &wanted {
        if !nodes.iter().any(|node| node.label(key) == Some(value)) {
            let message = format!("no node of the embedded cluster has the label `{key}={value}`");
            return Some((format!("nodeSelector.{key}"), message));
        }
    }
    let selected = |node: &&&Object| wanted.iter().all(|(key, value)| node.label(key) == Some(value));
    if !nodes.iter().any(|node| selected(&node)) {
        return Some(("nodeSelector".to_owned(), "no node of the embedded cluster has all of these labels".to_owned()));
    }
    let required = spec
        .affinity
        .and_then(|affinity| affinity.node_affinity?.required_during_scheduling_ignored_during_execution)?;
    if nodes.iter().filter(selected).any(|node| labels::node_matches(&required, node)) {
        return None;
    }
    let field = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution".to_owned();
    Some((field, "no node of the embedded cluster satisfies this".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Settings;

    #[test]
    fn what_no_node_satisfies_is_told_with_its_field() {
        let mut state = State::new(Settings::default(), 1);
        state.boot();
        let affinity = |zone: &str| {
            let zone = json!({ "key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone] });
            json!({ "containers": [], "affinity": { "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [{ "matchExpressions": [zone] }] },
            } } })
        };
        for (spec, field) in [
            (json!({ "containers": [] }), None),
            (json!({ "containers": [], "nodeName": "worker-2" }), None),
            (json!({ "containers": [], "nodeName": "worker-9" }), Some("nodeName")),
            (json!({ "containers": [], "nodeSelector": { "kubernetes.io/os": "linux" } }), None),
            (json!({ "containers": [], "nodeSelector": { "disk": "ssd" } }), Some("nodeSelector.disk")),
            (
                json!({ "containers": [], "nodeSelector": {
                    "kubernetes.io/hostname": "worker-1", "topology.kubernetes.io/zone": "zone-2",
                } }),
                Some("nodeSelector"),
            ),
            (affinity("zone-3"), None),
            (affinity("zone-9"), Some("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")),
        ] {
            assert_eq!(mistake(&state, &spec).map(|(field, _)| field).as_deref(), field, "{spec}");
        }
    }
}
