//! `HorizontalPodAutoscaler`s (pkg/apis/autoscaling/validation).

use super::field::Field;
use super::{resources, words};

const SOURCES: [(&str, &str); 5] = [
    ("Object", "object"),
    ("External", "external"),
    ("Pods", "pods"),
    ("Resource", "resource"),
    ("ContainerResource", "containerResource"),
];

/// A `HorizontalPodAutoscaler` of version 2.
pub(super) fn autoscaler(scaler: &Field<'_>) {
    let spec = scaler.at("spec");
    let (least, most) = (spec.at("minReplicas"), spec.at("maxReplicas"));
    if least.number().is_some_and(|number| number < 1) {
        least.invalid("must be greater than or equal to 1");
    }
    match most.number().unwrap_or(0) {
        0 => most.required("must be set and greater than 0"),
        ..0 => most.invalid("must be greater than or equal to 1"),
        _ => {}
    }
    if least.number().is_some_and(|least| most.number().unwrap_or(0) < least) {
        most.invalid("must be greater than or equal to `minReplicas`");
    }
    reference(&spec.at("scaleTargetRef"));
    for metric in spec.at("metrics").items() {
        check_metric(&metric);
    }
    for side in ["scaleUp", "scaleDown"] {
        rules(&spec.at("behavior").at(side));
    }
}

fn reference(reference: &Field<'_>) {
    reference.at("kind").given_by(words::path_segment);
    reference.at("name").given_by(words::path_segment);
    let version = reference.at("apiVersion");
    match version.text().matches('/').count() {
        0 => version.invalid_value(version.text(), "apiVersion must specify API group"),
        1 if version.text().starts_with('/') => version.invalid("apiVersion must specify API group"),
        1 => {}
        _ => version.invalid(&format!("unexpected GroupVersion string: {}", version.text())),
    }
}

fn rules(rules: &Field<'_>) {
    if !rules.is_set() {
        return;
    }
    let window = rules.at("stabilizationWindowSeconds");
    if window.number().is_some_and(|seconds| seconds < 0) {
        window.invalid("must be greater than or equal to zero");
    }
    if window.number().is_some_and(|seconds| seconds > 3600) {
        window.invalid("must be less than or equal to 3600");
    }
    rules.at("selectPolicy").one_of(&["Disabled", "Max", "Min"]);
    if rules.at("policies").is_set() && rules.at("policies").is_empty() {
        rules.at("policies").required("must specify at least one Policy");
    }
    for policy in rules.at("policies").items() {
        policy.at("type").one_of_required(&["Percent", "Pods"]);
        for field in ["value", "periodSeconds"] {
            if policy.at(field).number().is_none_or(|number| number <= 0) {
                policy.at(field).invalid("must be greater than zero");
            }
        }
        if policy.at("periodSeconds").number().is_some_and(|seconds| seconds > 1800) {
            policy.at("periodSeconds").invalid("must be less than or equal to 1800");
        }
    }
    let tolerance = rules.at("tolerance");
    if tolerance.is_set() && resources::quantity(&tolerance).is_some_and(|amount| amount < 0) {
        tolerance.invalid("must be greater than or equal to 0");
    }
}

fn check_metric(metric: &Field<'_>) {
    let kind = metric.at("type");
    let expected = SOURCES.iter().find(|(name, _)| *name == kind.text()).map(|(_, field)| *field);
    match expected {
        None if kind.text().is_empty() => kind.required("must specify a metric source type"),
        None => kind.unsupported(&SOURCES.map(|(name, _)| name)),
        Some(field) if !metric.at(field).is_set() => {
            metric.at(field).required("must populate information for the given metric source");
        }
        Some(_) => {}
    }
    let set: Vec<&'static str> =
        SOURCES.iter().map(|(_, field)| *field).filter(|field| metric.at(field).is_set()).collect();
    if set.len() > 1 {
        for field in set.iter().filter(|field| Some(**field) != expected) {
            metric.at(field).forbidden("must populate the given metric source only");
        }
    }
    let Some(first) = set.first() else { return };
    let source = metric.at(first);
    target(&source.at("target"));
    let (value, average, share) = (
        source.at("target").at("value"),
        source.at("target").at("averageValue"),
        source.at("target").at("averageUtilization"),
    );
    match *first {
        "object" | "external" => {
            if *first == "object" {
                reference(&source.at("describedObject"));
            }
            identifier(&source.at("metric"));
            match (value.is_set(), average.is_set()) {
                (false, false) => average.required("must set either a target value or averageValue"),
                (true, true) if *first == "external" => {
                    value.forbidden("may not set both a target value for metric and a per-pod target");
                }
                _ => {}
            }
        }
        "pods" => {
            identifier(&source.at("metric"));
            if !average.is_set() {
                average.required("must specify a positive target averageValue");
            }
        }
        _ => {
            source.at("name").is_given();
            if *first == "containerResource" {
                source.at("container").given_by(words::label);
            }
            match (share.is_set(), average.is_set()) {
                (false, false) => share.required("must set either a target raw value or a target utilization"),
                (true, true) => average.forbidden("may not set both a target raw value and a target utilization"),
                _ => {}
            }
        }
    }
}

fn identifier(metric: &Field<'_>) {
    metric.at("name").given_by(words::path_segment);
}

fn target(target: &Field<'_>) {
    let kind = target.at("type");
    if kind.text().is_empty() {
        kind.required("must specify a metric target type");
    } else if !matches!(kind.text(), "Utilization" | "Value" | "AverageValue") {
        kind.invalid("must be either Utilization, Value, or AverageValue");
    }
    for field in ["value", "averageValue"] {
        let field = target.at(field);
        if field.is_set() && resources::quantity(&field).is_some_and(|amount| amount <= 0) {
            field.invalid("must be positive");
        }
    }
    let share = target.at("averageUtilization");
    if share.number().is_some_and(|number| number < 1) {
        share.invalid("must be greater than 0");
    }
}
