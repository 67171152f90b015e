//! Numbers for people: one formatter for durations, shares and lists, used by verdicts and reports alike.

use std::time::Duration;

/// A duration in microseconds, as people say it: `180ms`, `3.2s`, `50s`, `6m52s`, `1h4m`.
#[must_use]
pub fn duration(micros: u64) -> String {
    let millis = micros.saturating_add(500) / 1_000;
    if micros < 1_000 {
        return if micros == 0 { "0s".to_owned() } else { format!("{micros}µs") };
    }
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let tenths = millis.saturating_add(50) / 100;
    if tenths < 600 {
        return if tenths.is_multiple_of(10) {
            format!("{}s", tenths / 10)
        } else {
            format!("{}.{}s", tenths / 10, tenths % 10)
        };
    }
    let seconds = millis.saturating_add(500) / 1_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, rest) => format!("{minutes}m{rest}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h{minutes}m"),
    }
}

/// Microseconds of a `Duration`, for comparing a bound with a measured value.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A bound as people wrote it.
#[must_use]
pub fn bound(bound: Duration) -> String {
    duration(micros(bound))
}

/// A share in percent with as many digits as it needs to be told from 100 %: `99.95%`, `100%`, `87.5%`.
#[must_use]
pub fn percent(share: f64) -> String {
    let digits = if share >= 99.9 { 3 } else { 2 };
    let text = format!("{share:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // Rounding must not turn a failure into a full hundred.
    if text == "100" && share < 100.0 { "99.999%".to_owned() } else { format!("{text}%") }
}

/// `1 drift`, `3 drifts`.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

pub use crate::evidence::some;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (micros, text) in [
            (0, "0s"),
            (40, "40µs"),
            (180_000, "180ms"),
            (999_600, "1s"),
            (3_249_000, "3.2s"),
            (50_000_000, "50s"),
            (59_960_000, "1m"),
            (300_000_000, "5m"),
            (412_000_000, "6m52s"),
            (3_840_000_000, "1h4m"),
            (7_200_000_000, "2h"),
        ] {
            assert_eq!(duration(micros), text, "{micros}");
        }
        assert!(!duration(u64::MAX).is_empty());
    }

    #[test]
    fn a_share_below_a_hundred_never_reads_as_a_hundred() {
        for (share, text) in [(100.0, "100%"), (99.999_999, "99.999%"), (99.95, "99.95%"), (87.5, "87.5%"), (0.0, "0%")]
        {
            assert_eq!(percent(share), text);
        }
    }
}
