//! Metadata of objects and of templates, label selectors and taints (`apimachinery/pkg/api/validation`).

use super::field::Field;
use super::words;
use crate::Kind;

/// Names of any object.
type Rule = fn(&str) -> Option<String>;

/// All annotations of an object together, keys and values.
const ANNOTATIONS_MAX: usize = 256 * 1024;

fn name_rule(kind: Kind) -> Rule {
    match kind {
        // Since 1.36 a Service may be named as any label; before it had to begin with a letter.
        Kind::Namespace | Kind::Service => words::label,
        // Of budgets the real server checks only that a path can hold the name.
        Kind::PodDisruptionBudget => words::path_segment,
        _ if kind.facts().group == "rbac.authorization.k8s.io" => words::path_segment,
        _ => words::subdomain,
    }
}

/// Whether finalizers without a domain must be Kubernetes' own (`ValidateObjectMeta` of pkg/apis/core, not that of
/// apimachinery).
fn only_kubernetes(kind: Kind) -> bool {
    match kind {
        Kind::PodDisruptionBudget | Kind::RuntimeClass | Kind::Lease => false,
        Kind::Stored(facts) => {
            facts.group.is_empty()
                || matches!(facts.group, "networking.k8s.io" | "storage.k8s.io" | "flowcontrol.apiserver.k8s.io")
        }
        _ => true,
    }
}

/// Name, labels, annotations, finalizers and owners of a new object.
pub(super) fn metadata(kind: Kind, meta: &Field<'_>) {
    let rule = name_rule(kind);
    if meta.at("generateName").is_set() && !meta.at("generateName").text().is_empty() {
        // The dashes at its end are followed by something.
        let prefix = meta.at("generateName").text().trim_end_matches('-');
        if let Some(wrong) = rule(if prefix.is_empty() { "a" } else { prefix }) {
            meta.at("generateName").invalid(&wrong);
        }
    }
    let name = meta.at("name");
    if name.text().is_empty() {
        name.required("name or generateName is required");
    } else {
        name.text_by(rule);
    }
    template(meta);
    for finalizer in meta.at("finalizers").items() {
        finalizer.text_by(words::qualified);
        if only_kubernetes(kind)
            && !finalizer.text().contains('/')
            && !matches!(finalizer.text(), "orphan" | "foregroundDeletion" | "kubernetes")
        {
            finalizer.invalid("name is neither a standard finalizer name nor is it fully qualified");
        }
    }
    owners(&meta.at("ownerReferences"));
}

/// What templates have of metadata: labels and annotations.
pub(super) fn template(meta: &Field<'_>) {
    labels(&meta.at("labels"));
    annotations(&meta.at("annotations"));
}

/// A map of labels, at one path as the real server tells it.
pub(super) fn labels(labels: &Field<'_>) {
    for (key, value) in labels.entries() {
        if let Some(wrong) = words::qualified(key) {
            labels.invalid_value(key, &wrong);
        }
        if let Some(wrong) = words::label_value(value.text()) {
            labels.invalid_value(value.text(), &wrong);
        }
    }
}

fn annotations(annotations: &Field<'_>) {
    let mut size = 0;
    for (key, value) in annotations.entries() {
        if let Some(wrong) = words::qualified(&key.to_lowercase()) {
            annotations.invalid_value(key, &wrong);
        }
        size += key.len() + value.text().len();
    }
    if size > ANNOTATIONS_MAX {
        annotations.too_long(ANNOTATIONS_MAX);
    }
}

fn owners(owners: &Field<'_>) {
    let mut controllers = 0;
    for owner in owners.items() {
        let version = owner.at("apiVersion");
        let (_, number) = version.text().rsplit_once('/').unwrap_or(("", version.text()));
        if number.is_empty() || version.text().matches('/').count() > 1 {
            version.invalid("version must not be empty");
        }
        for (field, what) in [("kind", "kind"), ("name", "name"), ("uid", "uid")] {
            if owner.at(field).text().is_empty() {
                owner.at(field).invalid_value("", &format!("{what} must not be empty"));
            }
        }
        if version.text() == "v1" && owner.at("kind").text() == "Event" {
            owner.invalid("/v1, Kind=Event is disallowed from being an owner");
        }
        if owner.at("controller").is_true() {
            controllers += 1;
        }
    }
    if controllers > 1 {
        owners.invalid("Only one reference can have Controller set to true");
    }
}

/// A label selector.
pub(super) fn selector(selector: &Field<'_>) {
    labels(&selector.at("matchLabels"));
    for requirement in selector.at("matchExpressions").items() {
        let values = requirement.at("values");
        match requirement.at("operator").text() {
            "In" | "NotIn" if values.is_empty() => {
                values.required("must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => requirement.at("operator").invalid("not a valid selector operator"),
        }
        requirement.at("key").text_by(words::qualified);
        for value in values.items() {
            value.text_by(words::label_value);
        }
    }
}

/// Whether a label selector says nothing.
pub(super) fn selects_all(selector: &Field<'_>) -> bool {
    selector.at("matchLabels").is_empty() && selector.at("matchExpressions").is_empty()
}
