//! Jobs and `CronJob`s (pkg/apis/batch/validation).

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

fn job_spec(spec: &Field<'_>) {
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

/// A `CronJob`.
pub(super) fn cron_job(cron: &Field<'_>) {
    let (name, spec) = (cron.at("metadata").at("name"), cron.at("spec"));
    if name.text().len() > 52 {
        name.invalid("must be no more than 52 characters");
    }
    let schedule = spec.at("schedule");
    if schedule.is_given() {
        if let Some(wrong) = schedule_mistake(schedule.text()) {
            schedule.invalid(&wrong);
        }
        if schedule.text().contains("TZ") {
            schedule.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        }
    }
    for field in ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        spec.at(field).not_negative();
    }
    let zone = spec.at("timeZone");
    if zone.is_set() {
        let sound = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && !part.starts_with('-')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '.'))
        };
        if zone.text().is_empty() {
            zone.invalid("timeZone must be nil or non-empty string");
        } else if !zone.text().split('/').all(sound) || !is_zone(zone.text()) {
            zone.invalid(&format!("unknown time zone {}", zone.text()));
        } else if zone.text().eq_ignore_ascii_case("local") {
            zone.invalid("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
        }
    }
    spec.at("concurrencyPolicy").one_of_required(&["Allow", "Forbid", "Replace"]);
    let job = spec.at("jobTemplate").at("spec");
    meta::template(&spec.at("jobTemplate").at("metadata"));
    if job.at("selector").is_set() {
        job.at("selector").invalid("`selector` will be auto-generated");
    }
    if job.at("manualSelector").is_true() {
        job.at("manualSelector").unsupported(&["nil", "false"]);
    }
    job_spec(&job);
}

/// Whether a name is built as those of the time zone database are: that of an area and a place, or one of the short ones. The
/// database itself is the host's, and must not decide what an embedded cluster does.
fn is_zone(text: &str) -> bool {
    const AREAS: [&str; 17] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Brazil",
        "Canada",
        "Chile",
        "Etc",
        "Europe",
        "Indian",
        "Mexico",
        "Pacific",
        "US",
        "SystemV",
    ];
    const SHORT: [&str; 28] = [
        "UTC",
        "GMT",
        "GMT0",
        "GMT+0",
        "GMT-0",
        "UCT",
        "Zulu",
        "Universal",
        "Greenwich",
        "CET",
        "CST6CDT",
        "EET",
        "EST",
        "EST5EDT",
        "HST",
        "MET",
        "MST",
        "MST7MDT",
        "PST8PDT",
        "WET",
        "Japan",
        "Singapore",
        "Turkey",
        "Israel",
        "Iran",
        "Egypt",
        "PRC",
        "ROK",
    ];
    match text.split_once('/') {
        Some((area, place)) => {
            AREAS.contains(&area) && place.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_uppercase()))
        }
        None => SHORT.contains(&text),
    }
}

/// What is wrong with a schedule (`cron.ParseStandard` of robfig/cron).
fn schedule_mistake(text: &str) -> Option<String> {
    if let Some(word) = text.strip_prefix('@') {
        let known = ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"].contains(&word);
        let every = word.strip_prefix("every ").is_some_and(|span| {
            span.chars().next().is_some_and(|c| c.is_ascii_digit())
                && span.ends_with(['s', 'm', 'h'])
                && span.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'n' | 'u' | 'm' | 's' | 'h'))
        });
        return (!known && !every).then(|| format!("unrecognized descriptor: {text}"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(format!("expected exactly 5 fields, found {}: {fields:?}", fields.len()));
    }
    let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let bounds: [(u32, u32, &[&str]); 5] = [(0, 59, &[]), (0, 23, &[]), (1, 31, &[]), (1, 12, &months), (0, 6, &days)];
    fields.into_iter().zip(bounds).find_map(|(field, bound)| field.split(',').find_map(|part| cron_part(part, bound)))
}

fn cron_part(part: &str, (least, most, names): (u32, u32, &[&str])) -> Option<String> {
    let wrong = || Some(format!("failed to parse int from {part}"));
    let number = |text: &str| {
        let place = names.iter().position(|name| text.eq_ignore_ascii_case(name)).and_then(|at| u32::try_from(at).ok());
        place.map(|at| at + least).or_else(|| text.parse::<u32>().ok())
    };
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let (from, to) = match range.split_once('-') {
        _ if matches!(range, "*" | "?") => (Some(least), Some(most)),
        Some((from, to)) => (number(from), number(to)),
        None => (number(range), if step.is_some() { Some(most) } else { number(range) }),
    };
    let (Some(from), Some(to)) = (from, to) else { return wrong() };
    if from < least {
        return Some(format!("beginning of range ({from}) below minimum ({least}): {part}"));
    }
    if to > most {
        return Some(format!("end of range ({to}) above maximum ({most}): {part}"));
    }
    if from > to {
        return Some(format!("beginning of range ({from}) beyond end of range ({to}): {part}"));
    }
    match step.map(str::parse::<u32>) {
        None | Some(Ok(1..)) => None,
        Some(Ok(0)) => Some(format!("step of range should be a positive number: {part}")),
        Some(Err(_)) => wrong(),
    }
}

#[cfg(test)]
mod tests {
    use super::schedule_mistake;

    #[test]
    fn schedules_are_read_as_cron_reads_them() {
        for fine in ["* * * * *", "*/5 0-6 1,15 jan-mar MON", "@hourly", "@every 1h30m", "0 0 ? * 0"] {
            assert_eq!(schedule_mistake(fine), None, "{fine}");
        }
        for wrong in [
            "",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "@nightly",
            "a * * * *",
            "* * * * 7",
        ] {
            assert!(schedule_mistake(wrong).is_some(), "{wrong}");
        }
    }
}
