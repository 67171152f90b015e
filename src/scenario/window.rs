//! A weekly time window, as `mon-fri 09:00-17:00 +02:00`. Reads no clock.

use std::fmt;
use std::str::FromStr;

use super::value::as_string;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MINUTES: i64 = 24 * 60;
/// 1970-01-01 was a Thursday.
const EPOCH_DAY: i64 = 3;

/// Days of the week and a time of the day, at a fixed distance from UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// First and last day, 0 for Monday; the last may come before the first.
    days: (usize, usize),
    /// From and until, minutes of the day; until may be smaller: then the window ends on the next day.
    minutes: (i64, i64),
    /// Minutes ahead of UTC.
    offset: i64,
}

impl Window {
    /// Whether a moment, in seconds since 1970-01-01T00:00:00Z, is in the window.
    #[must_use]
    pub fn contains(&self, unix_seconds: i64) -> bool {
        let minute = unix_seconds.div_euclid(60) + self.offset;
        let (from, until) = self.minutes;
        let begun = |minute: i64| {
            let day = usize::try_from((minute.div_euclid(DAY_MINUTES) + EPOCH_DAY).rem_euclid(7)).unwrap_or_default();
            let (first, last) = self.days;
            if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
        };
        let of_day = minute.rem_euclid(DAY_MINUTES);
        if from <= until {
            begun(minute) && (from..until).contains(&of_day)
        } else {
            (begun(minute) && of_day >= from) || (begun(minute - DAY_MINUTES) && of_day < until)
        }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |minutes: i64| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        let (first, last) = self.days;
        let days = if first == last { DAYS[first].to_owned() } else { format!("{}-{}", DAYS[first], DAYS[last]) };
        write!(f, "{days} {}-{}", time(self.minutes.0), time(self.minutes.1))?;
        match self.offset {
            0 => f.write_str(" UTC"),
            offset => write!(f, " {}{}", if offset < 0 { '-' } else { '+' }, time(offset.abs())),
        }
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a time window such as \"mon-fri 09:00-17:00 UTC\"");
        let lower = text.to_lowercase();
        let parts: Vec<&str> = lower.split_whitespace().collect();
        let [days, times, zone] = parts.as_slice() else { return Err(wrong()) };
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let day = |word: &str| DAYS.iter().position(|day| *day == word);
        let days = day(first).zip(day(last)).ok_or_else(wrong)?;
        let (from, until) = times.split_once('-').ok_or_else(wrong)?;
        let minutes = minutes(from).zip(minutes(until)).ok_or_else(wrong)?;
        if minutes.0 == minutes.1 {
            return Err(format!("`{text}` is a window that is never open"));
        }
        let offset = match (*zone, zone.strip_prefix('+'), zone.strip_prefix('-')) {
            ("utc" | "z", _, _) => Some(0),
            (_, Some(ahead), _) => self::minutes(ahead),
            (_, _, Some(behind)) => self::minutes(behind).map(|minutes| -minutes),
            _ => None,
        };
        Ok(Self { days, minutes, offset: offset.ok_or_else(wrong)? })
    }
}

/// `09:30` as minutes; at most `24:00`.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten().map(i64::from);
    let (hours, minutes) = two(hours).zip(two(minutes))?;
    (minutes < 60 && hours * 60 + minutes <= DAY_MINUTES).then_some(hours * 60 + minutes)
}

as_string!(Window, "A weekly time window with its distance from UTC, such as \"mon-fri 09:00-17:00 +02:00\".",
    "pattern": r"^\s*[A-Za-z]{3}(-[A-Za-z]{3})?\s+[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}\s+(UTC|utc|Z|[+-][0-9]{2}:[0-9]{2})\s*$");

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-26 was a Thursday.
    const THURSDAY: i64 = 1_795_651_200;

    #[test]
    fn windows_open_and_close() {
        let hour = 3600;
        for (window, at, open) in [
            ("mon-fri 09:00-17:00 UTC", THURSDAY + 9 * hour, true),
            ("mon-fri 09:00-17:00 UTC", THURSDAY + 17 * hour, false),
            ("mon-fri 09:00-17:00 UTC", THURSDAY + 2 * 24 * hour + 10 * hour, false),
            ("mon-fri 09:00-17:00 +02:00", THURSDAY + 7 * hour, true),
            ("fri-mon 00:00-24:00 UTC", THURSDAY + 24 * hour, true),
            ("fri-mon 00:00-24:00 UTC", THURSDAY + hour, false),
            ("wed 22:00-04:00 UTC", THURSDAY + 3 * hour, true),
            ("thu 22:00-04:00 UTC", THURSDAY + 3 * hour, false),
        ] {
            let parsed: Window = window.parse().unwrap();
            assert_eq!(parsed.contains(at), open, "{window} at {at}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{window}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "mon-fri 09:00-17:00",
            "mo 09:00-17:00 UTC",
            "mon 9:00-17:00 UTC",
            "mon 09:00-25:00 UTC",
            "mon 09:00-09:00 UTC",
            "mon 09:00-17:00 CET",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }
}
