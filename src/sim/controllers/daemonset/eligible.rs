//! Which nodes a DaemonSet's pod belongs on: node selector, node affinity and taints (`NodeShouldRunDaemonPod`).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint};

use crate::labels;

/// What shall become of a node's daemon pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One shall run here.
    Run,
    /// One that is here may stay, a new one would not be made: a `NoSchedule` taint came later.
    Stay,
    /// None shall be here.
    Leave,
}

/// Judges a node for a pod that already has the automatic tolerations.
pub(super) fn judge(pod: &PodSpec, node: &Node) -> Place {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    if pod.node_name.as_deref().is_some_and(|wanted| !wanted.is_empty() && wanted != name) || !fits_affinity(pod, node)
    {
        return Place::Leave;
    }
    let spec = node.spec.as_ref();
    let taints = spec.and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let tolerations = pod.tolerations.as_deref().unwrap_or_default();
    let untolerated = |taint: &&Taint| !tolerations.iter().any(|toleration| labels::tolerates(toleration, taint));
    let blocking: Vec<_> =
        taints.iter().filter(|taint| taint.effect != "PreferNoSchedule").filter(untolerated).collect();
    if blocking.is_empty() {
        Place::Run
    } else if blocking.iter().any(|taint| taint.effect == "NoExecute") {
        Place::Leave
    } else {
        Place::Stay
    }
}

fn fits_affinity(pod: &PodSpec, node: &Node) -> bool {
    let unlabelled = BTreeMap::new();
    let labels = node.metadata.labels.as_ref().unwrap_or(&unlabelled);
    let selected = pod.node_selector.iter().flatten().all(|(name, value)| labels.get(name) == Some(value));
    let required = pod
        .affinity
        .as_ref()
        .and_then(|affinity| affinity.node_affinity.as_ref())
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    let name = node.metadata.name.as_deref().unwrap_or_default();
    selected && required.is_none_or(|required| required.node_selector_terms.iter().any(|term| fits(term, labels, name)))
}

/// A term holds when all its requirements do; an empty one holds nowhere.
fn fits(term: &NodeSelectorTerm, labels: &BTreeMap<String, String>, name: &str) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    (!expressions.is_empty() || !fields.is_empty())
        && expressions.iter().all(|one| holds(one, labels.get(&one.key).map(String::as_str)))
        && fields.iter().all(|one| holds(one, Some(name).filter(|_| one.key == "metadata.name")))
}

fn holds(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let values = requirement.values.as_deref().unwrap_or_default();
    let listed = value.is_some_and(|value| values.iter().any(|wanted| wanted == value));
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let compare = |holds: fn(i64, i64) -> bool| {
        number(value).zip(number(values.first().map(String::as_str))).is_some_and(|(is, bound)| holds(is, bound))
    };
    match requirement.operator.as_str() {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(|is, bound| is > bound),
        "Lt" => compare(|is, bound| is < bound),
        // Validation lets no other operator through; one that slipped in selects nothing.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn taints_and_labels_decide() {
        let node = |taints: Value| -> Node {
            serde_json::from_value(json!({
                "metadata": { "name": "n1", "labels": { "gpu": "yes", "rank": "5" } }, "spec": { "taints": taints },
            }))
            .expect("a node")
        };
        let taint = |key: &str, effect: &str| json!([{ "key": key, "value": "x", "effect": effect }]);
        let affinity = |expression: Value| {
            json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{ "matchExpressions": [expression] }] } } } })
        };
        let table = [
            (json!({}), json!([]), Place::Run),
            (json!({ "nodeSelector": { "gpu": "yes" } }), json!([]), Place::Run),
            (json!({ "nodeSelector": { "gpu": "no" } }), json!([]), Place::Leave),
            (json!({}), taint("a", "NoSchedule"), Place::Stay),
            (json!({}), taint("a", "NoExecute"), Place::Leave),
            (json!({}), taint("a", "PreferNoSchedule"), Place::Run),
            (json!({ "tolerations": [{ "key": "a", "operator": "Exists" }] }), taint("a", "NoExecute"), Place::Run),
            (json!({ "tolerations": [{ "key": "a", "value": "y" }] }), taint("a", "NoExecute"), Place::Leave),
            (json!({ "tolerations": [{ "operator": "Exists" }] }), taint("b", "NoSchedule"), Place::Run),
            (affinity(json!({ "key": "rank", "operator": "Gt", "values": ["4"] })), json!([]), Place::Run),
            (affinity(json!({ "key": "rank", "operator": "Lt", "values": ["4"] })), json!([]), Place::Leave),
            (json!({ "nodeName": "n2" }), json!([]), Place::Leave),
        ];
        for (pod, taints, expected) in table {
            let mut spec = pod.clone();
            spec["containers"] = json!([]);
            let spec: PodSpec = serde_json::from_value(spec).expect("a pod");
            assert_eq!(judge(&spec, &node(taints.clone())), expected, "{pod} on {taints}");
        }
    }
}
