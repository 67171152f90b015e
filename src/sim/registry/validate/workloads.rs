//! Deployment, ReplicaSet, StatefulSet, DaemonSet, Job and PodDisruptionBudget.

use serde_json::{Value, json};

use crate::Kind;
use crate::api::error::Cause;
use crate::api::selector::Selector;

use super::pods::{self, one_of};
use super::{names, not_negative, text};

/// Checks a workload: selector, template and the numbers around them.
pub(super) fn workload(kind: Kind, value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "completions", "parallelism", "backoffLimit"] {
        not_negative(spec, field, "spec", causes);
    }
    if kind != Kind::Job {
        selector(spec, causes);
    }
    template(kind, &spec["template"], causes);
    if kind == Kind::Deployment {
        rolling(&spec["strategy"], causes);
    }
    if kind == Kind::StatefulSet {
        one_of(spec, "podManagementPolicy", "spec", &["OrderedReady", "Parallel"], causes);
    }
    causes.extend(names::labels(value, "spec.template.metadata"));
}

fn selector(spec: &Value, causes: &mut Vec<Cause>) {
    let selector = &spec["selector"];
    let filled = |field: &str| {
        selector.get(field).is_some_and(|field| {
            field.as_object().is_some_and(|map| !map.is_empty())
                || field.as_array().is_some_and(|list| !list.is_empty())
        })
    };
    if !filled("matchLabels") && !filled("matchExpressions") {
        // The typed view cannot tell an absent selector from an empty one; both are refused.
        causes.push(Cause::required("spec.selector", ""));
        return;
    }
    let labels = spec.pointer("/template/metadata/labels");
    if !Selector::of(selector).matches_labels(labels) {
        let labels = labels.cloned().unwrap_or_else(|| json!({}));
        let detail = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &labels, detail));
    }
}

fn template(kind: Kind, template: &Value, causes: &mut Vec<Cause>) {
    let mut of_pod = Vec::new();
    pods::spec(&template["spec"], "spec.template.spec", &mut of_pod);
    // The volumes of a StatefulSet's claim templates are only known once it makes pods.
    of_pod.retain(|cause| kind != Kind::StatefulSet || cause.reason != "FieldValueNotFound");
    causes.extend(of_pod);
    let policy = text(template, "/spec/restartPolicy");
    let known: &[&str] = if kind == Kind::Job { &["OnFailure", "Never"] } else { &["Always"] };
    if !known.contains(&policy) {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", &json!(policy), known));
    }
}

fn rolling(strategy: &Value, causes: &mut Vec<Cause>) {
    one_of(strategy, "type", "spec.strategy", &["Recreate", "RollingUpdate"], causes);
    let zero = |field: &str| {
        let value = &strategy["rollingUpdate"][field];
        value.as_i64() == Some(0) || value.as_str().is_some_and(|text| text.trim_end_matches('%') == "0")
    };
    if zero("maxSurge") && zero("maxUnavailable") {
        let value = &strategy["rollingUpdate"]["maxUnavailable"];
        let field = "spec.strategy.rollingUpdate.maxUnavailable";
        causes.push(Cause::invalid(field, value, "may not be 0 when `maxSurge` is 0"));
    }
    if strategy["type"] == "Recreate" && strategy.get("rollingUpdate").is_some_and(|rolling| !rolling.is_null()) {
        let detail = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
    }
}

/// Checks a PodDisruptionBudget.
pub(super) fn budget(value: &Value, causes: &mut Vec<Cause>) {
    let spec = &value["spec"];
    let set = |field: &str| spec.get(field).is_some_and(|value| !value.is_null());
    if set("minAvailable") && set("maxUnavailable") {
        let detail = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", spec, detail));
    }
    for field in ["minAvailable", "maxUnavailable"] {
        not_negative(spec, field, "spec", causes);
        let percent = spec[field].as_str().map(|text| text.strip_suffix('%').map(str::parse::<u32>));
        match percent {
            Some(Some(Ok(0..=100))) | None => {}
            Some(Some(Ok(_))) => {
                causes.push(Cause::invalid(format!("spec.{field}"), &spec[field], "must not be greater than 100%"));
            }
            Some(Some(Err(_)) | None) => {
                let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or \
                              '93%', regex used for validation is '[0-9]+%')";
                causes.push(Cause::invalid(format!("spec.{field}"), &spec[field], detail));
            }
        }
    }
    one_of(spec, "unhealthyPodEvictionPolicy", "spec", &["IfHealthyBudget", "AlwaysAllow"], causes);
}
