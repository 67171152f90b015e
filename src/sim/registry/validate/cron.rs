//! `CronJob`s: schedules, time zones and what Jobs are made from (pkg/apis/batch/validation).

use super::batch;
use super::field::Field;

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
        if zone.text().is_empty() {
            zone.invalid("timeZone must be nil or non-empty string");
        } else if zone.text().eq_ignore_ascii_case("local") {
            zone.invalid("timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
        } else if !is_zone(zone.text()) {
            zone.invalid(&format!("unknown time zone {}", zone.text()));
        }
    }
    spec.at("concurrencyPolicy").one_of_required(&["Allow", "Forbid", "Replace"]);
    let job = spec.at("jobTemplate").at("spec");
    if job.at("selector").is_set() {
        job.at("selector").invalid("`selector` will be auto-generated");
    }
    if job.at("manualSelector").is_true() {
        job.at("manualSelector").unsupported(&["nil", "false"]);
    }
    batch::job_spec(&job);
}

/// Whether the time zone database has a zone of this name. The list is that of the real server's own copy; the host's database
/// must not decide what an embedded cluster takes.
fn is_zone(text: &str) -> bool {
    include_str!("zones.txt").lines().any(|zone| zone == text)
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
    use super::{is_zone, schedule_mistake};

    #[test]
    fn zones_are_those_of_the_database() {
        for zone in ["UTC", "Etc/UTC", "Europe/Vienna", "America/Argentina/Ushuaia", "GB-Eire", "Etc/GMT+12"] {
            assert!(is_zone(zone), "{zone}");
        }
        for none in ["", "Local", "utc", "Etc/UTCx", "Europe/Atlantis", "Europe", "Etc/../UTC", "US/"] {
            assert!(!is_zone(none), "{none}");
        }
    }

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
