//! Pod specs, of pods and of templates.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::api::error::Cause;
use crate::registry::qos::nanos;

use super::{items, names, not_negative, text};

/// Checks a pod spec at a path such as `spec` or `spec.template.spec`.
pub(super) fn spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let volumes = volumes(spec, path, causes);
    if items(spec, "containers").next().is_none() {
        causes.push(Cause::required(format!("{path}.containers"), ""));
    }
    let mut seen = BTreeSet::new();
    for field in ["initContainers", "containers"] {
        for (index, container) in items(spec, field) {
            let path = format!("{path}.{field}[{index}]");
            let name = text(container, "/name");
            if !name.is_empty() && !seen.insert(name) {
                causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
            }
            check_container(container, &path, &volumes, causes);
        }
    }
    one_of(spec, "restartPolicy", path, &["Always", "OnFailure", "Never"], causes);
    one_of(spec, "dnsPolicy", path, &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], causes);
    not_negative(spec, "terminationGracePeriodSeconds", path, causes);
    for (index, toleration) in items(spec, "tolerations") {
        check_toleration(toleration, &format!("{path}.tolerations[{index}]"), causes);
    }
    for (index, constraint) in items(spec, "topologySpreadConstraints") {
        let path = format!("{path}.topologySpreadConstraints[{index}]");
        if constraint["maxSkew"].as_i64().is_none_or(|skew| skew <= 0) {
            let cause = Cause::invalid(format!("{path}.maxSkew"), &constraint["maxSkew"], "must be greater than zero");
            causes.push(cause);
        }
        if text(constraint, "/topologyKey").is_empty() {
            causes.push(Cause::required(format!("{path}.topologyKey"), "can not be empty"));
        }
        one_of(constraint, "whenUnsatisfiable", &path, &["DoNotSchedule", "ScheduleAnyway"], causes);
    }
}

fn volumes<'a>(spec: &'a Value, path: &str, causes: &mut Vec<Cause>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in items(spec, "volumes") {
        let name = text(volume, "/name");
        let field = format!("{path}.volumes[{index}].name");
        if names.insert(name) {
            names::label(name, field, causes);
        } else {
            causes.push(Cause::duplicate(field, &json!(name)));
        }
        if volume.as_object().is_some_and(|fields| fields.len() > 2) {
            let field = format!("{path}.volumes[{index}]");
            causes.push(Cause::forbidden(field, "may not specify more than 1 volume type"));
        }
    }
    names
}

fn check_container(container: &Value, path: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    names::label(text(container, "/name"), format!("{path}.name"), causes);
    if text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{path}.image"), ""));
    }
    one_of(container, "imagePullPolicy", path, &["Always", "IfNotPresent", "Never"], causes);
    for (index, port) in items(container, "ports") {
        let number = &port["containerPort"];
        if number.as_i64().is_none_or(|number| !(1..=65535).contains(&number)) {
            let field = format!("{path}.ports[{index}].containerPort");
            causes.push(Cause::invalid(field, number, "must be between 1 and 65535, inclusive"));
        }
    }
    for (index, mount) in items(container, "volumeMounts") {
        let name = text(mount, "/name");
        if !volumes.contains(name) {
            let message = format!("Not found: \"{name}\"");
            let field = format!("{path}.volumeMounts[{index}].name");
            causes.push(Cause { reason: "FieldValueNotFound", field, message });
        }
        if text(mount, "/mountPath").is_empty() {
            causes.push(Cause::required(format!("{path}.volumeMounts[{index}].mountPath"), ""));
        }
    }
    for (index, variable) in items(container, "env") {
        if text(variable, "/name").is_empty() {
            causes.push(Cause::required(format!("{path}.env[{index}].name"), ""));
        }
    }
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        if let Some(value) = container.get(probe) {
            check_probe(value, &format!("{path}.{probe}"), probe != "readinessProbe", causes);
        }
    }
    resources(&container["resources"], &format!("{path}.resources"), causes);
}

fn check_probe(probe: &Value, path: &str, once: bool, causes: &mut Vec<Cause>) {
    if !["httpGet", "tcpSocket", "exec", "grpc"].iter().any(|handler| probe.get(handler).is_some()) {
        causes.push(Cause::required(path, "must specify a handler type"));
    }
    for field in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        not_negative(probe, field, path, causes);
    }
    if once && probe["successThreshold"].as_i64().is_some_and(|threshold| threshold != 1) {
        causes.push(Cause::invalid(format!("{path}.successThreshold"), &probe["successThreshold"], "must be 1"));
    }
}

fn resources(resources: &Value, path: &str, causes: &mut Vec<Cause>) {
    for side in ["limits", "requests"] {
        for (name, amount) in resources.get(side).and_then(Value::as_object).into_iter().flatten() {
            let field = format!("{path}.{side}[{name}]");
            match nanos(amount.as_str().unwrap_or_default()) {
                None => {
                    let detail = "quantities must match the regular expression \
                                  '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
                    causes.push(Cause::invalid(field, amount, detail));
                }
                Some(amount_nanos) if amount_nanos < 0 => {
                    causes.push(Cause::invalid(field, amount, "must be greater than or equal to 0"));
                }
                Some(_) => {}
            }
        }
    }
    for (name, request) in resources.get("requests").and_then(Value::as_object).into_iter().flatten() {
        let limit = resources.pointer("/limits").and_then(|limits| limits.get(name)).and_then(Value::as_str);
        let more =
            limit.and_then(nanos).zip(request.as_str().and_then(nanos)).is_some_and(|(limit, asked)| asked > limit);
        if more {
            let detail = format!("must be less than or equal to {name} limit of {}", limit.unwrap_or_default());
            causes.push(Cause::invalid(format!("{path}.requests"), request, &detail));
        }
    }
}

fn check_toleration(toleration: &Value, path: &str, causes: &mut Vec<Cause>) {
    let word = |field: &str| toleration.get(field).and_then(Value::as_str).unwrap_or_default();
    one_of(toleration, "operator", path, &["Equal", "Exists"], causes);
    one_of(toleration, "effect", path, &["NoSchedule", "PreferNoSchedule", "NoExecute"], causes);
    if word("key").is_empty() && word("operator") != "Exists" {
        let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        causes.push(Cause::invalid(format!("{path}.operator"), &json!(word("operator")), detail));
    }
    if word("operator") == "Exists" && !word("value").is_empty() {
        let detail = "value must be empty when `operator` is 'Exists'";
        causes.push(Cause::invalid(format!("{path}.operator"), &json!("Exists"), detail));
    }
    if toleration.get("tolerationSeconds").is_some() && !matches!(word("effect"), "NoExecute") {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        causes.push(Cause::invalid(format!("{path}.effect"), &json!(word("effect")), detail));
    }
}

/// A field that is absent, empty or one of an enumeration.
pub(super) fn one_of(value: &Value, field: &str, path: &str, known: &[&str], causes: &mut Vec<Cause>) {
    let word = value.get(field).and_then(Value::as_str).unwrap_or_default();
    if !word.is_empty() && !known.contains(&word) {
        causes.push(Cause::unsupported(format!("{path}.{field}"), &json!(word), known));
    }
}
