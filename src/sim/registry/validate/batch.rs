//! Jobs (pkg/apis/batch/validation).

use std::collections::BTreeSet;

use super::field::Field;
use super::{meta, pods, words};

const INDEXED_MAX: i64 = 100_000;

/// A Job.
pub(super) fn job(job: &Field<'_>) {
    let spec = job.at("spec");
    if spec.at("completionMode").text() == "Indexed"
        && let Some(completions) = spec.at("completions").number().filter(|completions| *completions > 0)
    {
        let name = job.at("metadata").at("name");
        let last = format!("{}-{}", name.text(), completions - 1);
        if words::label(&last).is_some() {
            name.invalid(&format!("will not able to create pod with invalid DNS label: {last}"));
        }
    }
    if spec.at("manualSelector").is_true() {
        let selector = spec.at("selector");
        if selector.is_set() {
            super::workloads::matches_template(&selector, &spec.at("template"));
        } else {
            selector.required("");
        }
    } else if spec.at("selector").is_set() && !meta::selects_all(&spec.at("selector")) {
        generated(job, &spec);
    }
    if spec.at("selector").is_set() {
        meta::selector(&spec.at("selector"));
    }
    job_spec(&spec);
}

/// A selector that was not to be written by hand: only that which names the Job's own UID would do, and that is drawn anew.
fn generated(job: &Field<'_>, spec: &Field<'_>) {
    let uid = job.at("metadata").at("uid").text();
    let selector = spec.at("selector").at("matchLabels");
    let own = ["controller-uid", "batch.kubernetes.io/controller-uid"]
        .iter()
        .any(|label| !uid.is_empty() && selector.value[*label].as_str() == Some(uid));
    if !own {
        spec.at("selector").invalid("`selector` not auto-generated");
    }
}

/// The spec of a Job, or of what Jobs are made from.
pub(super) fn job_spec(spec: &Field<'_>) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for field in counts {
        spec.at(field).not_negative();
    }
    let manager = spec.at("managedBy");
    if manager.is_set() {
        let sound = manager
            .text()
            .split_once('/')
            .is_some_and(|(host, path)| words::subdomain(host).is_none() && !path.is_empty());
        if !sound {
            manager.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")");
        }
        if manager.text().len() > 63 {
            manager.too_long(63);
        }
    }
    let (mode, per_index, failed) =
        (spec.at("completionMode"), spec.at("backoffLimitPerIndex"), spec.at("maxFailedIndexes"));
    mode.one_of(&["Indexed", "NonIndexed"]);
    if failed.is_set() && !per_index.is_set() {
        per_index.required("when maxFailedIndexes is specified");
    }
    if mode.text() == "Indexed" {
        indexed(spec);
    } else {
        for field in [&per_index, &failed].into_iter().filter(|field| field.is_set()) {
            field.invalid("requires indexed completion mode");
        }
    }
    failure_policy(spec);
    success_policy(spec);
    let replacement = spec.at("podReplacementPolicy");
    if spec.at("podFailurePolicy").is_set() {
        replacement.one_of(&["Failed"]);
    } else {
        replacement.one_of(&["Failed", "TerminatingOrFailed"]);
    }
    let template = spec.at("template");
    pods::template(&template);
    let policy = template.at("spec").at("restartPolicy");
    match policy.text() {
        "" | "Always" => policy.required("valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if spec.at("podFailurePolicy").is_set() => {
            policy.invalid("only \"Never\" is supported when podFailurePolicy is specified");
        }
        "OnFailure" | "Never" => {}
        _ => policy.unsupported(&["Never", "OnFailure"]),
    }
}

fn indexed(spec: &Field<'_>) {
    let (completions, parallelism) = (spec.at("completions"), spec.at("parallelism"));
    let failed = spec.at("maxFailedIndexes");
    if !completions.is_set() {
        completions.required("when completion mode is Indexed");
    }
    if parallelism.number().is_some_and(|number| number > INDEXED_MAX) {
        parallelism.invalid("must be less than or equal to 100000 when completion mode is Indexed");
    }
    if let (Some(failed_count), Some(all)) = (failed.number(), completions.number())
        && failed_count > all
    {
        failed.invalid("must be less than or equal to completions");
    }
    if failed.number().is_some_and(|number| number > INDEXED_MAX) {
        failed.invalid("must be less than or equal to 100000");
    }
    let many = completions.number().is_some_and(|number| number > 100_000) && spec.at("backoffLimitPerIndex").is_set();
    if many && !failed.is_set() {
        failed.required("must be specified when completions is above 100000");
    }
    for field in [&parallelism, &failed] {
        if many && field.number().is_some_and(|number| number > 10_000) {
            field.invalid("must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index");
        }
    }
}

fn failure_policy(spec: &Field<'_>) {
    let rules = spec.at("podFailurePolicy").at("rules");
    if rules.len() > 20 {
        rules.too_many(20);
    }
    let template = spec.at("template").at("spec");
    let names: BTreeSet<&str> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| {
            template.at(list).items().map(|one| one.value["name"].as_str().unwrap_or_default()).collect::<Vec<_>>()
        })
        .collect();
    for rule in rules.items() {
        let action = rule.at("action");
        match action.text() {
            "" => action.required("valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"),
            "FailIndex" if !spec.at("backoffLimitPerIndex").is_set() => {
                action.invalid("requires the backoffLimitPerIndex to be set");
            }
            _ => action.one_of(&["Count", "FailIndex", "FailJob", "Ignore"]),
        }
        let (codes, conditions) = (rule.at("onExitCodes"), rule.at("onPodConditions"));
        match (codes.is_set(), !conditions.is_empty()) {
            (true, true) => rule.invalid("specifying both OnExitCodes and OnPodConditions is not supported"),
            (false, false) => rule.invalid("specifying one of OnExitCodes and OnPodConditions is required"),
            (true, false) => exit_codes(&codes, &names),
            (false, true) => {}
        }
        if conditions.len() > 20 {
            conditions.too_many(20);
        }
        for condition in conditions.items() {
            condition.at("type").text_by(words::qualified);
            condition.at("status").one_of_required(&["False", "True", "Unknown"]);
        }
    }
}

fn exit_codes(codes: &Field<'_>, containers: &BTreeSet<&str>) {
    let operator = codes.at("operator");
    operator.one_of_required(&["In", "NotIn"]);
    let container = codes.at("containerName");
    if container.is_set() && !containers.contains(container.text()) {
        container.invalid("must be one of the container or initContainer names in the pod template");
    }
    let values = codes.at("values");
    if values.is_empty() {
        values.invalid("at least one value is required");
    }
    if values.len() > 255 {
        values.too_many(255);
    }
    let mut seen = Vec::new();
    for value in values.items() {
        let number = value.number().unwrap_or(0);
        if operator.text() == "In" && number == 0 {
            value.invalid("must not be 0 for the In operator");
        }
        if seen.contains(&number) {
            value.duplicate();
        }
        seen.push(number);
    }
    if !seen.is_sorted() {
        values.invalid("must be ordered");
    }
}

fn success_policy(spec: &Field<'_>) {
    let policy = spec.at("successPolicy");
    if !policy.is_set() {
        return;
    }
    if spec.at("completionMode").text() != "Indexed" {
        policy.invalid("requires indexed completion mode");
        return;
    }
    let rules = policy.at("rules");
    if rules.is_empty() {
        rules.required("at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > 20 {
        rules.too_many(20);
    }
    for rule in rules.items() {
        let (count, indexes) = (rule.at("succeededCount"), rule.at("succeededIndexes"));
        if !count.is_set() && !indexes.is_set() {
            rule.required("at least one of succeededCount or succeededIndexes must be specified");
        }
        let all = spec.at("completions").number().unwrap_or(0);
        if count.number().is_some_and(|number| number < 0) {
            count.invalid("must be greater than or equal to 0");
        }
        if count.number().is_some_and(|number| number > all) {
            count.invalid(&format!("must be less than or equal to {all} (the number of specified completions)"));
        }
        let named = intervals(indexes.text(), all);
        if let (Some(named), Some(wanted)) = (named, count.number())
            && indexes.is_set()
            && wanted > named
        {
            count.invalid(&format!(
                "must be less than or equal to {named} (the number of indexes in the specified succeededIndexes field)"
            ));
        }
        if indexes.is_set() && named.is_none() {
            indexes.invalid(
                "error parsing succeededIndexes: they are increasing intervals below completions, such as \"0,2-4\"",
            );
        }
    }
}

/// The indexes that a text such as `0,2-4` names.
fn intervals(text: &str, completions: i64) -> Option<i64> {
    let (mut last, mut total) = (-1, 0);
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (from.parse::<i64>().ok()?, to.parse::<i64>().ok()?);
        if from <= last || to < from || to >= completions || (part.contains('-') && to == from) {
            return None;
        }
        total += to - from + 1;
        last = to;
    }
    Some(total)
}
