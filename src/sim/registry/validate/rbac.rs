//! Roles and their bindings (pkg/apis/rbac/validation).

use super::field::Field;
use super::{meta, words};

const GROUP: &str = "rbac.authorization.k8s.io";

/// A `Role` or a `ClusterRole`.
pub(super) fn role(role: &Field<'_>, namespaced: bool) {
    for rule in role.at("rules").items() {
        if rule.at("verbs").is_empty() {
            rule.at("verbs").required("verbs must contain at least one value");
        }
        let urls = rule.at("nonResourceURLs");
        let lists = ["apiGroups", "resources", "resourceNames"].map(|list| rule.at(list));
        if !urls.is_empty() {
            if namespaced {
                urls.invalid("namespaced rules cannot apply to non-resource URLs");
            }
            if lists.iter().any(|list| !list.is_empty()) {
                urls.invalid("rules cannot apply to both regular resources and non-resource URLs");
            }
            continue;
        }
        if lists[0].is_empty() {
            lists[0].required("resource rules must supply at least one api group");
        }
        if lists[1].is_empty() {
            lists[1].required("resource rules must supply at least one resource");
        }
    }
    let aggregation = role.at("aggregationRule");
    if aggregation.is_set() && !namespaced {
        let selectors = aggregation.at("clusterRoleSelectors");
        if selectors.is_empty() {
            selectors.required("at least one clusterRoleSelector required if aggregationRule is non-nil");
        }
        selectors.items().for_each(|selector| meta::selector(&selector));
    }
}

/// A `RoleBinding` or a `ClusterRoleBinding`.
pub(super) fn binding(binding: &Field<'_>, namespaced: bool) {
    let reference = binding.at("roleRef");
    if reference.at("apiGroup").text() != GROUP {
        reference.at("apiGroup").unsupported(&[GROUP]);
    }
    let kinds: &[&str] = if namespaced { &["ClusterRole", "Role"] } else { &["ClusterRole"] };
    if !kinds.contains(&reference.at("kind").text()) {
        reference.at("kind").unsupported(kinds);
    }
    reference.at("name").given_by(words::path_segment);
    for subject in binding.at("subjects").items() {
        let (name, group) = (subject.at("name"), subject.at("apiGroup"));
        name.is_given();
        match subject.at("kind").text() {
            "ServiceAccount" => {
                name.text_by_if_any(words::subdomain);
                if !group.text().is_empty() {
                    group.unsupported(&[""]);
                }
                if !namespaced && subject.at("namespace").text().is_empty() {
                    subject.at("namespace").required("");
                }
            }
            "User" | "Group" => {
                if group.text() != GROUP {
                    group.unsupported(&[GROUP]);
                }
            }
            _ => subject.at("kind").unsupported(&["Group", "ServiceAccount", "User"]),
        }
    }
}
