//! Whether labels match, for selectors as people write them and as Kubernetes objects hold them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};

use crate::scenario::Requirement;

/// Labels of an object; absent ones are none.
pub type Labels = BTreeMap<String, String>;

/// Whether the labels satisfy every requirement.
#[must_use]
pub fn matches(requirements: &[Requirement], labels: Option<&Labels>) -> bool {
    requirements.iter().all(|requirement| {
        let value = |key: &String| labels.and_then(|labels| labels.get(key));
        match requirement {
            Requirement::In(key, values) => value(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Absent(key) => value(key).is_none(),
        }
    })
}

/// Whether the labels satisfy the selector of a Kubernetes object. An empty selector matches everything.
#[must_use]
pub fn selects(selector: &LabelSelector, labels: Option<&Labels>) -> bool {
    matches(&from_object(selector), labels)
}

/// The requirements of a Kubernetes object's selector. An operator that nobody knows matches nothing.
#[must_use]
pub(super) fn from_object(selector: &LabelSelector) -> Vec<Requirement> {
    let equal = selector.match_labels.iter().flatten();
    let equal = equal.map(|(key, value)| Requirement::In(key.clone(), vec![value.clone()]));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let (key, values) = (expression.key.clone(), expression.values.clone().unwrap_or_default());
        match expression.operator.as_str() {
            "In" => Requirement::In(key, values),
            "NotIn" => Requirement::NotIn(key, values),
            "Exists" => Requirement::Exists(key),
            "DoesNotExist" => Requirement::Absent(key),
            _ => Requirement::In(key, Vec::new()),
        }
    });
    equal.chain(expressions).collect()
}

/// The selector of a Kubernetes object that says the same.
#[must_use]
pub(super) fn to_object(requirements: &[Requirement]) -> LabelSelector {
    let mut selector = LabelSelector::default();
    for requirement in requirements {
        if let Requirement::In(key, values) = requirement
            && let [value] = values.as_slice()
            && !selector.match_labels.as_ref().is_some_and(|labels| labels.contains_key(key))
        {
            selector.match_labels.get_or_insert_default().insert(key.clone(), value.clone());
        } else {
            selector.match_expressions.get_or_insert_default().push(expression(requirement));
        }
    }
    selector
}

/// The requirement that holds exactly where this one does not.
#[must_use]
pub(super) fn negated(requirement: &Requirement) -> Requirement {
    match requirement.clone() {
        Requirement::In(key, values) => Requirement::NotIn(key, values),
        Requirement::NotIn(key, values) => Requirement::In(key, values),
        Requirement::Exists(key) => Requirement::Absent(key),
        Requirement::Absent(key) => Requirement::Exists(key),
    }
}

fn expression(requirement: &Requirement) -> LabelSelectorRequirement {
    let (key, operator, values) = match requirement.clone() {
        Requirement::In(key, values) => (key, "In", Some(values)),
        Requirement::NotIn(key, values) => (key, "NotIn", Some(values)),
        Requirement::Exists(key) => (key, "Exists", None),
        Requirement::Absent(key) => (key, "DoesNotExist", None),
    };
    LabelSelectorRequirement { key, operator: operator.to_owned(), values }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Selector;

    fn read(text: &str) -> Vec<Requirement> {
        text.parse::<Selector>().unwrap().requirements().unwrap()
    }

    #[test]
    fn matching_follows_kubectl() {
        let labels = Labels::from([("app".to_owned(), "web".to_owned()), ("tier".to_owned(), "front".to_owned())]);
        for (selector, expected) in [
            ("app=web", true),
            ("app!=web", false),
            ("zone!=a", true),
            ("app in (web,db)", true),
            ("app notin (web,db)", false),
            ("zone notin (a)", true),
            ("app", true),
            ("!app", false),
            ("!zone", true),
            ("app=web,tier=back", false),
        ] {
            let requirements = read(selector);
            assert_eq!(matches(&requirements, Some(&labels)), expected, "{selector}");
            assert_eq!(selects(&to_object(&requirements), Some(&labels)), expected, "{selector} as an object");
            if let [one] = requirements.as_slice() {
                assert_eq!(matches(&[negated(one)], Some(&labels)), !expected, "not {selector}");
            }
        }
        assert!(selects(&LabelSelector::default(), None), "an empty selector matches everything");
    }
}
