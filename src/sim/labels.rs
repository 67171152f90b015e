//! Label selectors, node selectors and tolerations against labels and taints. Never looks into the store.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Taint, Toleration};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use crate::Object;

/// Whether an object's labels satisfy a selector; an empty selector is satisfied by everything.
pub(crate) fn matches(selector: &LabelSelector, object: &Object) -> bool {
    let labels = selector.match_labels.iter().flatten();
    labels.into_iter().all(|(name, value)| object.label(name) == Some(value.as_str()))
        && selector.match_expressions.iter().flatten().all(|wanted| {
            requirement(&wanted.operator, wanted.values.as_deref().unwrap_or_default(), object.label(&wanted.key))
        })
}

/// Whether a selector asks for nothing.
pub(crate) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

/// Whether an object carries all these labels.
pub(crate) fn has_labels(labels: &BTreeMap<String, String>, object: &Object) -> bool {
    labels.iter().all(|(name, value)| object.label(name) == Some(value.as_str()))
}

/// Whether a node satisfies a node selector: one of its terms, each a conjunction. No term matches nothing.
pub(crate) fn node_matches(selector: &NodeSelector, node: &Object) -> bool {
    selector.node_selector_terms.iter().any(|term| node_matches_term(term, node))
}

/// Whether a node satisfies one term; an empty term is satisfied by nothing.
pub(crate) fn node_matches_term(term: &NodeSelectorTerm, node: &Object) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    if expressions.is_empty() && fields.is_empty() {
        return false;
    }
    let holds = |wanted: &NodeSelectorRequirement, value: Option<&str>| {
        requirement(&wanted.operator, wanted.values.as_deref().unwrap_or_default(), value)
    };
    expressions.iter().all(|wanted| holds(wanted, node.label(&wanted.key)))
        && fields.iter().all(|wanted| {
            // `metadata.name` is the only field that the API allows.
            let value = (wanted.key == "metadata.name").then(|| node.text("/metadata/name"));
            holds(wanted, value)
        })
}

fn requirement(operator: &str, values: &[String], value: Option<&str>) -> bool {
    let listed = || value.is_some_and(|value| values.iter().any(|wanted| wanted == value));
    let compare = |holds: fn(i64, i64) -> bool| {
        let number = value.and_then(|value| value.parse().ok());
        let bound = values.first().and_then(|value| value.parse().ok());
        number.zip(bound).is_some_and(|(number, bound)| holds(number, bound))
    };
    match operator {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => compare(|number, bound| number > bound),
        "Lt" => compare(|number, bound| number < bound),
        // Validation lets no other operator through; one that slipped in selects nothing.
        _ => false,
    }
}

/// Whether a toleration covers a taint (`Toleration.ToleratesTaint`).
pub(crate) fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if filled(&toleration.effect).is_some_and(|effect| effect != taint.effect) {
        return false;
    }
    if filled(&toleration.key).is_some_and(|key| key != taint.key) {
        return false;
    }
    match toleration.operator.as_deref() {
        Some("Exists") => true,
        None | Some("" | "Equal") => {
            filled(&toleration.key).is_some()
                && toleration.value.as_deref().unwrap_or_default() == taint.value.as_deref().unwrap_or_default()
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn expressions_follow_the_api() {
        let pod = Object::new(json!({ "metadata": { "labels": { "app": "web", "tier": "front" } } }));
        let table = [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "web" } }), true),
            (json!({ "matchLabels": { "app": "web", "tier": "back" } }), false),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["db", "web"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "NotIn", "values": ["web"] }] }), false),
            (json!({ "matchExpressions": [{ "key": "none", "operator": "NotIn", "values": ["web"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "Exists" }] }), true),
            (json!({ "matchExpressions": [{ "key": "tier", "operator": "DoesNotExist" }] }), false),
        ];
        for (selector, expected) in table {
            let parsed: LabelSelector = serde_json::from_value(selector.clone()).expect("a selector");
            assert_eq!(matches(&parsed, &pod), expected, "{selector}");
        }
    }

    #[test]
    fn node_selectors_follow_the_api() {
        let labels = json!({ "zone": "a", "size": "8" });
        let node = Object::new(json!({ "metadata": { "name": "n1", "labels": labels } }));
        let expression = |key: &str, operator: &str, values: Value| json!([{ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }]);
        for (terms, expected) in [
            (json!([]), false),
            (json!([{}]), false),
            (expression("zone", "In", json!(["a", "b"])), true),
            (expression("zone", "NotIn", json!(["a"])), false),
            (expression("none", "NotIn", json!(["a"])), true),
            (expression("zone", "Exists", json!([])), true),
            (expression("zone", "DoesNotExist", json!([])), false),
            (expression("size", "Gt", json!(["7"])), true),
            (expression("size", "Lt", json!(["8"])), false),
            (json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n1"] }] }]), true),
            (json!([{ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": ["n2"] }] }]), false),
        ] {
            let selector: NodeSelector =
                serde_json::from_value(json!({ "nodeSelectorTerms": terms.clone() })).expect("a selector");
            assert_eq!(node_matches(&selector, &node), expected, "{terms}");
        }
    }

    #[test]
    fn tolerations_follow_the_api() {
        let taint: Taint =
            serde_json::from_value(json!({ "key": "gpu", "value": "yes", "effect": "NoSchedule" })).expect("a taint");
        for (toleration, expected) in [
            (json!({ "operator": "Exists" }), true),
            (json!({ "key": "gpu", "operator": "Exists" }), true),
            (json!({ "key": "gpu", "operator": "Exists", "effect": "NoExecute" }), false),
            (json!({ "key": "gpu", "value": "yes" }), true),
            (json!({ "key": "gpu", "value": "no" }), false),
            (json!({ "key": "cpu", "operator": "Exists" }), false),
            (json!({}), false),
        ] {
            let parsed: Toleration = serde_json::from_value(toleration.clone()).expect("a toleration");
            assert_eq!(tolerates(&parsed, &taint), expected, "{toleration}");
        }
    }
}
