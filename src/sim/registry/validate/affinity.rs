//! Where a pod may run: affinity, spread, tolerations (`validateAffinity` and its neighbours in pkg/apis/core/validation).

use super::field::Field;
use super::{meta, words};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// `spec.affinity`.
pub(super) fn affinity(affinity: &Field<'_>) {
    let nodes = affinity.at("nodeAffinity");
    if nodes.at(REQUIRED).is_set() {
        node_selector(&nodes.at(REQUIRED));
    }
    for term in nodes.at(PREFERRED).items() {
        weight(&term);
        node_term(&term.at("preference"), Values::Any);
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let side = affinity.at(side);
        for term in side.at(REQUIRED).items() {
            pod_term(&term);
        }
        for weighted in side.at(PREFERRED).items() {
            weight(&weighted);
            pod_term(&weighted.at("podAffinityTerm"));
        }
    }
}

fn weight(term: &Field<'_>) {
    if term.at("weight").number().is_none_or(|weight| !(1..=100).contains(&weight)) {
        term.at("weight").invalid("must be in the range 1-100");
    }
}

/// Whether values must be those of labels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    OfLabels,
    Any,
}

/// A selector of nodes with one term at least.
pub(super) fn node_selector(selector: &Field<'_>) {
    let terms = selector.at("nodeSelectorTerms");
    if terms.is_empty() {
        terms.required("must have at least one node selector term");
    }
    for term in terms.items() {
        node_term(&term, Values::OfLabels);
    }
}

fn node_term(term: &Field<'_>, rule: Values) {
    for requirement in term.at("matchExpressions").items() {
        let values = requirement.at("values");
        match requirement.at("operator").text() {
            "In" | "NotIn" if values.is_empty() => {
                values.required("must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
            }
            "Gt" | "Lt" if values.len() != 1 => {
                values.required("must be specified single value when `operator` is 'Lt' or 'Gt'");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => requirement.at("operator").invalid("not a valid selector operator"),
        }
        requirement.at("key").text_by(words::qualified);
        if rule == Values::OfLabels {
            for value in values.items() {
                value.text_by(words::label_value);
            }
        }
    }
    for requirement in term.at("matchFields").items() {
        let values = requirement.at("values");
        match requirement.at("operator").text() {
            "In" | "NotIn" if values.len() != 1 => {
                values.required("must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
            }
            "In" | "NotIn" => {}
            _ => requirement.at("operator").invalid("not a valid selector operator"),
        }
        if requirement.at("key").text() == "metadata.name" {
            for value in values.items() {
                value.text_by(words::subdomain);
            }
        } else {
            requirement.at("key").invalid("not a valid field selector key");
        }
    }
}

fn pod_term(term: &Field<'_>) {
    meta::selector(&term.at("labelSelector"));
    meta::selector(&term.at("namespaceSelector"));
    for namespace in term.at("namespaces").items() {
        if let Some(wrong) = words::label(namespace.text()) {
            term.at("namespace").invalid_value(namespace.text(), &wrong);
        }
    }
    let (matching, mismatching) = (term.at("matchLabelKeys"), term.at("mismatchLabelKeys"));
    label_keys(&matching, &term.at("labelSelector"));
    label_keys(&mismatching, &term.at("labelSelector"));
    for key in matching.items() {
        if mismatching.items().any(|other| other.text() == key.text()) {
            key.invalid("exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }
    let topology = term.at("topologyKey");
    if topology.text().is_empty() {
        topology.required("can not be empty");
    }
    topology.text_by(words::qualified);
}

/// Keys whose values the pod's own labels give.
fn label_keys(keys: &Field<'_>, selector: &Field<'_>) {
    if keys.is_empty() {
        return;
    }
    if !selector.is_set() {
        keys.forbidden("must not be specified when labelSelector is not set");
    }
    for key in keys.items() {
        key.text_by(words::qualified);
    }
}

/// `spec.topologySpreadConstraints`.
pub(super) fn spread(constraints: &Field<'_>) {
    let all: Vec<Field<'_>> = constraints.items().collect();
    for (index, constraint) in all.iter().enumerate() {
        if constraint.at("maxSkew").number().is_none_or(|skew| skew <= 0) {
            constraint.at("maxSkew").invalid("must be greater than zero");
        }
        let key = constraint.at("topologyKey");
        if key.text().is_empty() {
            key.required("can not be empty");
        }
        let when = constraint.at("whenUnsatisfiable");
        if !matches!(when.text(), "DoNotSchedule" | "ScheduleAnyway") {
            when.unsupported(&["DoNotSchedule", "ScheduleAnyway"]);
        }
        let same = |other: &Field<'_>| {
            other.at("topologyKey").text() == key.text() && other.at("whenUnsatisfiable").text() == when.text()
        };
        if all[index + 1..].iter().any(same) {
            constraint.at("{topologyKey, whenUnsatisfiable}").duplicate();
        }
        let domains = constraint.at("minDomains");
        domains.positive();
        if domains.is_set() && when.text() != "DoNotSchedule" {
            let wrong = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {}", when.text());
            domains.invalid(&wrong);
        }
        constraint.at("nodeAffinityPolicy").one_of(&["Honor", "Ignore"]);
        constraint.at("nodeTaintsPolicy").one_of(&["Honor", "Ignore"]);
        label_keys(&constraint.at("matchLabelKeys"), &constraint.at("labelSelector"));
        let selector = constraint.at("labelSelector");
        for key in constraint.at("matchLabelKeys").items() {
            let given = selector.at("matchLabels").value.get(key.text()).is_some()
                || selector.at("matchExpressions").items().any(|one| one.at("key").text() == key.text());
            if given {
                key.invalid("exists in both matchLabelKeys and labelSelector");
            }
        }
        meta::selector(&selector);
    }
}

/// `spec.tolerations`.
pub(super) fn tolerations(tolerations: &Field<'_>) {
    for toleration in tolerations.items() {
        let (key, operator) = (toleration.at("key"), toleration.at("operator"));
        let (value, effect) = (toleration.at("value"), toleration.at("effect"));
        key.text_by_if_any(words::qualified);
        if key.text().is_empty() && operator.text() != "Exists" {
            operator.invalid_value(
                operator.text(),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"",
            );
        }
        if toleration.at("tolerationSeconds").is_set() && effect.text() != "NoExecute" {
            effect.invalid_value(effect.text(), "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        match operator.text() {
            "" | "Equal" => {
                if let Some(wrong) = words::label_value(value.text()) {
                    operator.invalid_value(value.text(), &wrong);
                }
            }
            "Exists" if !value.text().is_empty() => {
                operator.invalid_value(value.text(), "value must be empty when `operator` is 'Exists'");
            }
            "Exists" => {}
            _ => operator.unsupported(&["Equal", "Exists"]),
        }
        if !effect.text().is_empty() {
            effect.one_of(&["NoExecute", "NoSchedule", "PreferNoSchedule"]);
        }
    }
}
