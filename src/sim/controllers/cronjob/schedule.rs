//! Cron schedules as Kubernetes reads them (`robfig/cron`, `ParseStandard`): five fields, `@daily` and the like,
//! `@every 1h30m`. Pure.

use k8s_openapi::jiff::civil::{DateTime, date};
use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{SignedDuration, Timestamp, ToSpan};

/// Further than this no time is looked for: a schedule such as `0 0 31 2 *` has none.
const YEARS_MAX: i16 = 5;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// At the minutes that all fields name.
    Fields(Fields),
    /// Each time after so long.
    Every(SignedDuration),
}

/// The numbers that each field names, as bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Both kinds of days are asked for: then either will do.
    any_day: bool,
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if let Some(every) = text.strip_prefix("@every ") {
            let read = humantime::parse_duration(every.trim()).ok().and_then(|it| SignedDuration::try_from(it).ok());
            let read = read.ok_or_else(|| format!("failed to parse duration {every}"))?;
            return Ok(Self::Every(SignedDuration::from_secs(read.as_secs().max(1))));
        }
        let plain = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other if other.starts_with('@') => return Err(format!("unrecognized descriptor: {other}")),
            other => other,
        };
        let words: Vec<_> = plain.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = words[..] else {
            return Err(format!("expected exactly 5 fields, found {}: [{}]", words.len(), words.join(" ")));
        };
        let star = |field: &str| field.starts_with(['*', '?']);
        Ok(Self::Fields(Fields {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(days, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(weekdays, 0, 6, &WEEKDAYS)?,
            any_day: !star(days) && !star(weekdays),
        }))
    }

    /// The first time after `after`; `None` when there is none within five years.
    pub(super) fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(period) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(*period).ok()
            }
            Self::Fields(fields) => fields.next(after, zone),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = zone.to_datetime(after);
        let last = date(start.year() + YEARS_MAX, 12, 31);
        let mut day = start.date();
        while day <= last {
            if self.has_day(day.at(0, 0, 0, 0)) {
                let times = (0..24_i8).filter(|hour| has(self.hours, *hour)).flat_map(|hour| {
                    (0..60_i8).filter(|minute| has(self.minutes, *minute)).map(move |minute| (hour, minute))
                });
                for (hour, minute) in times {
                    let time = day.at(hour, minute, 0, 0);
                    // A time that the clocks jump over is none.
                    let found = zone.to_ambiguous_timestamp(time).compatible().ok();
                    let found = found.filter(|found| *found > after && zone.to_datetime(*found) == time);
                    if found.is_some() {
                        return found;
                    }
                }
            }
            day = day.checked_add(1.day()).ok()?;
        }
        None
    }

    fn has_day(&self, time: DateTime) -> bool {
        let by_date = has(self.days, time.day());
        let by_weekday = has(self.weekdays, time.weekday().to_sunday_zero_offset());
        let day = if self.any_day { by_date || by_weekday } else { by_date && by_weekday };
        has(self.months, time.month()) && day
    }
}

fn has(bits: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| bits & (1 << number) != 0)
}

/// Reads one field: a list of `*`, numbers, ranges, each with an optional step.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Result<u64, String> {
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
        let (from, to) = if matches!(range, "*" | "?") {
            (low, high)
        } else if let Some((from, to)) = range.split_once('-') {
            (number(from, low, names)?, number(to, low, names)?)
        } else {
            let from = number(range, low, names)?;
            // `5/15` goes on to the end.
            (from, if step.is_some() { high } else { from })
        };
        let step: usize = match step {
            None => 1,
            Some(step) => {
                step.parse().ok().filter(|step| *step > 0).ok_or_else(|| format!("failed to parse int from {step}"))?
            }
        };
        if from < low {
            return Err(format!("beginning of range ({from}) below minimum ({low}): {part}"));
        }
        if to > high {
            return Err(format!("end of range ({to}) above maximum ({high}): {part}"));
        }
        if from > to {
            return Err(format!("beginning of range ({from}) beyond end of range ({to}): {part}"));
        }
        for value in (from..=to).step_by(step) {
            bits |= 1 << value;
        }
    }
    Ok(bits)
}

fn number(text: &str, low: u32, names: &[&str]) -> Result<u32, String> {
    let lower = text.to_lowercase();
    if let Some(index) = names.iter().position(|name| *name == lower) {
        return Ok(low + u32::try_from(index).unwrap_or(0));
    }
    text.parse().map_err(|_| format!("failed to parse int from {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn following(schedule: &str, after: &str) -> String {
        let after: Timestamp = after.parse().expect("a time");
        let read = Schedule::read(schedule).expect("a schedule");
        read.next(after, &TimeZone::UTC).map(|time| time.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_next_time_follows_cron() {
        let noon = "2026-01-01T12:00:00Z"; // a Thursday
        for (schedule, expected) in [
            ("* * * * *", "2026-01-01T12:01:00Z"),
            ("*/5 * * * *", "2026-01-01T12:05:00Z"),
            ("0 */6 * * *", "2026-01-01T18:00:00Z"),
            ("30 6-16/4 * * 1-5", "2026-01-01T14:30:00Z"),
            ("0 0 * * SUN", "2026-01-04T00:00:00Z"),
            ("0 0 13 * FRI", "2026-01-02T00:00:00Z"),
            ("0 0 29 FEB *", "2028-02-29T00:00:00Z"),
            ("0 0 31 2 *", ""),
            ("10/20 12 * * ?", "2026-01-01T12:10:00Z"),
            ("@daily", "2026-01-02T00:00:00Z"),
            ("@every 90s", "2026-01-01T12:01:30Z"),
        ] {
            assert_eq!(following(schedule, noon), expected, "{schedule}");
        }
    }

    #[test]
    fn what_cron_does_not_read_is_refused() {
        for wrong in ["", "* * * *", "60 * * * *", "* * * * 7", "5-1 * * * *", "*/0 * * * *", "x * * * *", "@never"] {
            assert!(Schedule::read(wrong).is_err(), "{wrong}");
        }
    }
}
