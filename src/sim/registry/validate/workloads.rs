//! Deployments, ReplicaSets, StatefulSets, DaemonSets, budgets and their like (pkg/apis/apps/validation, pkg/apis/policy/validation).

use serde_json::{Value, json};

use super::field::Field;
use super::{meta, persistent, pods, words};
use crate::Kind;
use crate::api::selector::Selector;

/// A set of pods that always restart.
pub(super) fn workload(kind: Kind, object: &Field<'_>) {
    let spec = object.at("spec");
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit"] {
        spec.at(field).not_negative();
    }
    let selector = spec.at("selector");
    let name = kind.facts().kind.to_lowercase();
    if selector.value.as_object().is_none_or(serde_json::Map::is_empty) {
        selector.required("");
    } else {
        meta::selector(&selector);
        if meta::selects_all(&selector) {
            selector.invalid(&format!("empty selector is invalid for {name}"));
        }
    }
    let template = spec.at("template");
    matches_template(&selector, &template);
    match kind {
        Kind::Deployment => deployment(&spec),
        Kind::StatefulSet => stateful_set(object, &spec),
        Kind::DaemonSet => daemon_set(&spec),
        _ => {}
    }
    if kind != Kind::StatefulSet {
        pods::template(&template);
    }
    restarts_always(&template, kind.facts().kind);
}

fn restarts_always(template: &Field<'_>, kind: &str) {
    let spec = template.at("spec");
    if spec.at("restartPolicy").text() != "Always" {
        spec.at("restartPolicy").unsupported(&["Always"]);
    }
    if spec.at("activeDeadlineSeconds").is_set() {
        spec.at("activeDeadlineSeconds").forbidden(&format!("activeDeadlineSeconds in {kind} is not Supported"));
    }
}

/// The template's labels are what the selector asks for.
pub(super) fn matches_template(selector: &Field<'_>, template: &Field<'_>) {
    if meta::selects_all(selector) {
        return;
    }
    let labels = template.at("metadata").at("labels");
    if !Selector::of(selector.value).matches_labels(labels.is_set().then_some(labels.value)) {
        labels.invalid("`selector` does not match template `labels`");
    }
}

/// A number or a percentage that is not negative (`ValidatePositiveIntOrPercent`). Gives back its amount.
fn amount(field: &Field<'_>) -> i64 {
    if let Some(number) = field.number() {
        field.not_negative();
        return number;
    }
    field.text_by(words::percent);
    field.text().trim_end_matches('%').parse().unwrap_or(0)
}

fn at_most_all(field: &Field<'_>) {
    let share = field.text().strip_suffix('%').and_then(|share| share.parse::<i64>().ok());
    if share.is_some_and(|share| share > 100) {
        field.invalid("must not be greater than 100%");
    }
}

fn deployment(spec: &Field<'_>) {
    let strategy = spec.at("strategy");
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "Recreate" if rolling.is_set() => {
            rolling.forbidden("may not be specified when strategy `type` is 'Recreate'");
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            let both = (amount(&unavailable), amount(&surge));
            if both == (0, 0) {
                unavailable.invalid("may not be 0 when `maxSurge` is 0");
            }
            at_most_all(&unavailable);
        }
        _ => strategy.unsupported(&["Recreate", "RollingUpdate"]),
    }
    let deadline = spec.at("progressDeadlineSeconds");
    deadline.not_negative();
    if deadline.number().is_some_and(|seconds| seconds <= spec.at("minReadySeconds").number().unwrap_or(0)) {
        deadline.invalid("must be greater than minReadySeconds");
    }
}

fn daemon_set(spec: &Field<'_>) {
    let strategy = spec.at("updateStrategy");
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "OnDelete" => {}
        "RollingUpdate" => {
            let (unavailable, surge) = (rolling.at("maxUnavailable"), rolling.at("maxSurge"));
            let both = (amount(&unavailable), amount(&surge));
            at_most_all(&unavailable);
            at_most_all(&surge);
            match both {
                (0, 0) => unavailable.required("cannot be 0 when maxSurge is 0"),
                (0, _) | (_, 0) => {}
                _ => surge.invalid("may not be set when maxUnavailable is non-zero"),
            }
        }
        _ => strategy.at("type").unsupported(&["OnDelete", "RollingUpdate"]),
    }
}

fn stateful_set(object: &Field<'_>, spec: &Field<'_>) {
    let name = object.at("metadata").at("name");
    name.text_by_if_any(words::label);
    let policy = spec.at("podManagementPolicy");
    if !matches!(policy.text(), "OrderedReady" | "Parallel") {
        policy.invalid("must be 'OrderedReady' or 'Parallel'");
    }
    let strategy = spec.at("updateStrategy");
    let rolling = strategy.at("rollingUpdate");
    match strategy.at("type").text() {
        "OnDelete" if rolling.is_set() => rolling.invalid("only allowed for updateStrategy 'RollingUpdate'"),
        "OnDelete" => {}
        "RollingUpdate" => {
            rolling.at("partition").not_negative();
            let unavailable = rolling.at("maxUnavailable");
            // Zero is refused only where the feature is on, which is off by default.
            if unavailable.is_set() {
                amount(&unavailable);
                at_most_all(&unavailable);
            }
        }
        _ => strategy.invalid("must be 'RollingUpdate' or 'OnDelete'"),
    }
    for field in ["whenDeleted", "whenScaled"] {
        spec.at("persistentVolumeClaimRetentionPolicy").at(field).one_of(&["Delete", "Retain"]);
    }
    for template in spec.at("volumeClaimTemplates").items() {
        persistent::claim_spec(&template.at("spec"));
    }
    spec.at("ordinals").at("start").not_negative();
    spec.at("serviceName").text_by_if_any(words::label);
    with_claims(spec);
}

/// The template as its pods will be: with a volume for each claim, which replaces one of the same name.
fn with_claims(spec: &Field<'_>) {
    let template = spec.at("template");
    let claims: Vec<&str> = spec
        .at("volumeClaimTemplates")
        .items()
        .map(|claim| claim.value["metadata"]["name"].as_str().unwrap_or_default())
        .collect();
    let claims: std::collections::BTreeSet<&str> = claims.into_iter().collect();
    if claims.is_empty() {
        pods::template(&template);
        return;
    }
    let mut value = template.value.clone();
    let own = value["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    // Behind the template's own volumes, whose paths stay what they are in the manifest.
    let mut volumes: Vec<Value> =
        own.into_iter().filter(|volume| !claims.contains(volume["name"].as_str().unwrap_or_default())).collect();
    volumes
        .extend(claims.into_iter().map(|name| json!({ "name": name, "persistentVolumeClaim": { "claimName": name } })));
    value["spec"]["volumes"] = json!(volumes);
    for field in ["hostname", "subdomain"] {
        if let Some(fields) = value["spec"].as_object_mut() {
            fields.remove(field);
        }
    }
    template.with(&value, |template| pods::template(&template));
}

/// A `ReplicationController`.
pub(super) fn replication_controller(object: &Field<'_>) {
    let spec = object.at("spec");
    spec.at("replicas").not_negative();
    spec.at("minReadySeconds").not_negative();
    let (selector, template) = (spec.at("selector"), spec.at("template"));
    if selector.is_empty() {
        selector.required("");
    }
    let labels = template.at("metadata").at("labels");
    let fits = selector.entries().all(|(key, value)| labels.value.get(key) == Some(value.value));
    if !fits {
        labels.invalid("`selector` does not match template `labels`");
    }
    pods::template(&template);
    restarts_always(&template, "ReplicationController");
}

/// A `ControllerRevision`.
pub(super) fn revision(revision: &Field<'_>) {
    if !revision.at("data").value.is_object() {
        revision.at("data").required("data is mandatory");
    }
    revision.at("revision").not_negative();
}

/// A `PodDisruptionBudget`.
pub(super) fn budget(budget: &Field<'_>) {
    let spec = budget.at("spec");
    let (least, most) = (spec.at("minAvailable"), spec.at("maxUnavailable"));
    if least.is_set() && most.is_set() {
        spec.invalid("minAvailable and maxUnavailable cannot be both set");
    }
    for field in [least, most].iter().filter(|field| field.is_set()) {
        amount(field);
        at_most_all(field);
    }
    meta::selector(&spec.at("selector"));
    spec.at("unhealthyPodEvictionPolicy").one_of(&["AlwaysAllow", "IfHealthyBudget"]);
}
