//! The formats of texts that the API server checks in custom objects (`strfmt` of kube-openapi). What it does not know, and what
//! nobody uses in a definition (`isbn`, `creditcard`, `ssn` …), is taken as it is.

use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;

use crate::registry::validate::words;

/// Whether a text keeps to a format.
pub(super) fn matches(format: &str, text: &str) -> bool {
    let like = |pattern: &str| Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(text));
    match format.replace('-', "").as_str() {
        "datetime" => text.parse::<jiff::Timestamp>().is_ok() && text.contains(['T', 't']),
        "date" => text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok(),
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.contains(':') && text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => words::cidr_parts(text).is_some(),
        "mac" => like(r"^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$|^[0-9a-fA-F]{4}(\.[0-9a-fA-F]{4}){2}$"),
        "uuid" => like(r"^(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$"),
        "uuid3" => like(r"^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid4" => like(r"^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        "uuid5" => like(r"^(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        "hexcolor" => like(r"^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "byte" => like(r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
        "email" => like(r"^[^@\s<>]+@[^@\s<>]+$"),
        "hostname" => {
            text.len() <= 255 && like(r"^[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}))*\.?$")
        }
        "uri" => like(r"^([A-Za-z][A-Za-z0-9+.-]*:\S+|/\S*)$"),
        "duration" => like(
            r"^\s*[+-]?([0-9]*\.?[0-9]+\s*(ns|us|µs|μs|ms|s|m|h|d|w|nanos?|micros?|millis?|secs?|seconds?|mins?|minutes?|hours?|days?|weeks?)\s*)+$|^[+-]?0$",
        ),
        "k8sshortname" => words::label(text).is_none(),
        "k8slongname" => words::subdomain(text).is_none(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn texts_keep_to_their_format() {
        let table = [
            ("date-time", "2026-01-01T00:00:00Z", true),
            ("date-time", "2026-01-01", false),
            ("date", "2026-02-30", false),
            ("ipv4", "10.0.0.1", true),
            ("ipv6", "10.0.0.1", false),
            ("cidr", "10.0.0.0/8", true),
            ("cidr", "10.0.0.0", false),
            ("uuid", "123e4567-e89b-12d3-a456-426614174000", true),
            ("byte", "aGk=", true),
            ("byte", "aGk", false),
            ("email", "a@example.com", true),
            ("uri", "https://example.com/a", true),
            ("uri", "example", false),
            ("duration", "1h30m", true),
            ("duration", "soon", false),
            ("no-such-format", "anything", true),
        ];
        for (format, text, wanted) in table {
            assert_eq!(matches(format, text), wanted, "{format} {text}");
        }
    }
}
