//! Label selectors against an object's labels. Never looks into the store.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use crate::sim::Object;

/// Whether an object's labels satisfy a selector; an empty selector is satisfied by everything.
pub(super) fn matches(selector: &LabelSelector, object: &Object) -> bool {
    selector.match_labels.as_ref().is_none_or(|labels| matches_labels(labels, object))
        && selector.match_expressions.iter().flatten().all(|requirement| matches_requirement(requirement, object))
}

/// Whether an object carries all these labels.
pub(super) fn matches_labels(labels: &BTreeMap<String, String>, object: &Object) -> bool {
    labels.iter().all(|(name, value)| object.label(name) == Some(value.as_str()))
}

/// Whether a selector asks for nothing.
pub(super) fn is_empty(selector: &LabelSelector) -> bool {
    selector.match_labels.as_ref().is_none_or(BTreeMap::is_empty)
        && selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
}

fn matches_requirement(requirement: &LabelSelectorRequirement, object: &Object) -> bool {
    let value = object.label(&requirement.key);
    let listed = || value.is_some_and(|value| requirement.values.iter().flatten().any(|wanted| wanted == value));
    match requirement.operator.as_str() {
        "In" => listed(),
        "NotIn" => !listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // Validation lets no other operator through; one that slipped in selects nothing.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
