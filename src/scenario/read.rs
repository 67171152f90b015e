//! Reads single values: durations, words, numbers, names. Each says what it expected, and shows how it is written.

use std::fmt;
use std::time::Duration;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::de::DeValue;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::reader::{Sink, Value, listed, suggestion, wrong_type};
use super::selector::{is_dns_label, is_dns_name};
use super::value::{Count, Percent, Selector, ServicePort, Workload};
use super::window::Window;

/// Any text.
pub(super) fn text(value: &Value<'_>, sink: &Sink) -> Option<String> {
    match value.get_ref() {
        DeValue::String(text) => Some(text.clone().into_owned()),
        other => sink.fail(wrong_type(value, "text in quotes", other)),
    }
}

/// Text that says something.
pub(super) fn filled(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = text(value, sink)?;
    if text.trim().is_empty() {
        return sink.fail(Diagnostic::new(Code::Name, value.span(), "this must not be empty"));
    }
    Some(text)
}

/// `true` or `false`.
pub(super) fn flag(value: &Value<'_>, sink: &Sink) -> Option<bool> {
    match value.get_ref() {
        DeValue::Boolean(flag) => Some(*flag),
        other => sink.fail(wrong_type(value, "true or false", other)),
    }
}

/// A whole number that fits its type.
pub(super) fn whole<T: TryFrom<i64>>(value: &Value<'_>, sink: &Sink) -> Option<T> {
    let DeValue::Integer(number) = value.get_ref() else {
        return sink.fail(wrong_type(value, "a whole number", value.get_ref()));
    };
    let digits = number.as_str().replace('_', "");
    let number = i64::from_str_radix(&digits, number.radix()).ok().and_then(|number| T::try_from(number).ok());
    number.or_else(|| {
        let help = if digits.starts_with('-') { "it must not be negative" } else { "it is too large" };
        sink.fail(Diagnostic::new(Code::Range, value.span(), format!("{digits} is out of range")).help(help))
    })
}

/// A number, whole or not.
pub(super) fn number(value: &Value<'_>, sink: &Sink) -> Option<f64> {
    match value.get_ref() {
        DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
        DeValue::Integer(_) => whole::<i64>(value, sink).map(|number| number as f64),
        other => sink.fail(wrong_type(value, "a number", other)),
    }
}

/// No time that a scenario names is longer: what would take years is a slip, or meant to be.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Attempts a second: no rate is lower than one in a quarter of an hour, about.
const SLOWEST: f64 = 0.001;

/// How often a second something is done.
pub(super) fn rate(value: &Value<'_>, most: f64, sink: &Sink) -> Option<f64> {
    let rate = number(value, sink)?;
    if (SLOWEST..=most).contains(&rate) {
        return Some(rate);
    }
    let diagnostic = Diagnostic::new(Code::Range, value.span(), format!("a rate of {rate} per second"));
    sink.fail(diagnostic.help(format!("choose at least {SLOWEST} and at most {most}")))
}

/// A duration with units.
pub(super) fn duration(value: &Value<'_>, sink: &Sink) -> Option<Duration> {
    const HELP: &str = "write a number with a unit, such as \"500ms\", \"10s\" or \"2m 30s\"";
    let DeValue::String(text) = value.get_ref() else {
        return sink.fail(wrong_type(value, "a duration in quotes", value.get_ref()).help(HELP));
    };
    match humantime::parse_duration(text) {
        Ok(duration) if duration <= LONGEST => Some(duration),
        Ok(_) => {
            let message = format!("`{text}` is longer than {}", humantime::format_duration(LONGEST));
            sink.fail(Diagnostic::new(Code::Range, value.span(), message).help("no time of a scenario is longer"))
        }
        Err(_) => {
            let message = format!("`{text}` is not a duration");
            sink.fail(Diagnostic::new(Code::Duration, value.span(), message).help(HELP))
        }
    }
}

/// A duration longer than none.
pub(super) fn some_time(value: &Value<'_>, sink: &Sink) -> Option<Duration> {
    let duration = duration(value, sink)?;
    if duration.is_zero() {
        return sink.fail(Diagnostic::new(Code::Range, value.span(), "this must be longer than 0s"));
    }
    Some(duration)
}

/// A value with a syntax of its own.
fn parsed<T>(value: &Value<'_>, sink: &Sink, code: Code, help: &str) -> Option<T>
where
    T: std::str::FromStr<Err = String>,
{
    let text = text(value, sink)?;
    text.parse().map_err(|message: String| sink.push(Diagnostic::new(code, value.span(), message).help(help))).ok()
}

/// `"99.9%"`
pub(super) fn percent(value: &Value<'_>, sink: &Sink) -> Option<Percent> {
    match value.get_ref() {
        DeValue::String(text) => parsed(value, sink, Code::Share, &share_meant(text)),
        other => {
            let written = match other {
                DeValue::Integer(number) => number.as_str(),
                DeValue::Float(number) => number.as_str(),
                _ => "",
            };
            let meant = share_meant(written);
            let help = if meant.is_empty() { "write it as \"50%\"".to_owned() } else { meant };
            sink.fail(wrong_type(value, "a percentage in quotes", other).help(help))
        }
    }
}

/// The percentage that a bare number meant: up to 1 a share of one, above that a number of percent.
fn share_meant(written: &str) -> String {
    match written.trim().replace('_', "").parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => {
            // Rounded, since 0.999 * 100 is 99.9 and a little more.
            format!("did you mean \"{}%\"?", (share * 100.0 * 1e9).round() / 1e9)
        }
        Ok(share) if (1.0..=100.0).contains(&share) => format!("did you mean \"{share}%\"?"),
        Ok(_) | Err(_) => String::new(),
    }
}

/// `"mon-fri 09:00-17:00 UTC"`
pub(super) fn window(value: &Value<'_>, sink: &Sink) -> Option<Window> {
    parsed(value, sink, Code::Duration, "write days, times and the distance from UTC: \"mon-fri 09:00-17:00 +02:00\"")
}

/// `2`, `"50%"` or `"all"`
pub(super) fn count(value: &Value<'_>, sink: &Sink) -> Option<Count> {
    const HELP: &str = "write a number of at least 1, a share such as \"50%\", or \"all\"";
    match value.get_ref() {
        DeValue::Integer(_) => match whole::<u32>(value, sink)? {
            0 => sink.fail(Diagnostic::new(Code::Range, value.span(), "0 would choose nothing").help(HELP)),
            count => Some(Count::Exactly(count)),
        },
        DeValue::String(text) if text == "all" => Some(Count::All),
        DeValue::String(text) if !text.contains('%') => {
            let help = match text.trim() {
                "one" | "1" => "did you mean `count = 1`?".to_owned(),
                number if number.parse::<u32>().is_ok() => format!("write it without quotes: {number}"),
                _ => HELP.to_owned(),
            };
            sink.fail(Diagnostic::new(Code::Share, value.span(), format!("`{text}` is not a count")).help(help))
        }
        DeValue::String(_) => match parsed::<Percent>(value, sink, Code::Share, HELP)? {
            Percent(share) if share <= 0.0 => {
                sink.fail(Diagnostic::new(Code::Range, value.span(), "0% would choose nothing").help(HELP))
            }
            share => Some(Count::Share(share)),
        },
        other => sink.fail(wrong_type(value, "a count", other).help(HELP)),
    }
}

/// `"deployment/web"`
pub(super) fn workload(value: &Value<'_>, sink: &Sink) -> Option<Workload> {
    let meant = value.get_ref().as_str().and_then(workload_meant);
    let help = meant.map_or_else(String::new, |meant| format!("did you mean \"{meant}\"?"));
    let workload: Workload = parsed(value, sink, Code::Workload, &help)?;
    if !is_dns_name(&workload.name) {
        return sink.fail(not_a_name(value, &workload.name));
    }
    Some(workload)
}

/// The workload that was meant by a name alone, or by kubectl's other words for its kind.
fn workload_meant(text: &str) -> Option<String> {
    let (kind, name) = text.split_once('/').unwrap_or(("deployment", text));
    let kind = match kind.to_ascii_lowercase().split('.').next().unwrap_or_default() {
        "deployment" | "deployments" | "deploy" | "dep" => "deployment",
        "statefulset" | "statefulsets" | "sts" => "statefulset",
        "daemonset" | "daemonsets" | "ds" => "daemonset",
        "pod" | "pods" | "po" => "pod",
        _ => return None,
    };
    is_dns_name(name).then(|| format!("{kind}/{name}"))
}

/// `"app=web"`
pub(super) fn selector(value: &Value<'_>, sink: &Sink) -> Option<Selector> {
    parsed(value, sink, Code::Selector, "selectors are written as for kubectl: \"app=web,tier in (a,b),!legacy\"")
}

/// `"web:80"`
pub(super) fn service_port(value: &Value<'_>, sink: &Sink) -> Option<ServicePort> {
    let text = value.get_ref().as_str().unwrap_or_default();
    let bare = text.split_once('.').map_or(text, |(service, _)| service);
    let help = if !text.contains(':') && is_dns_label(bare) {
        format!("add the port of the Service: \"{text}:80\"")
    } else {
        String::new()
    };
    let port: ServicePort = parsed(value, sink, Code::Port, &help)?;
    let names = [Some(&port.service), port.namespace.as_ref()];
    if let Some(name) = names.into_iter().flatten().find(|name| !is_dns_label(name)) {
        return sink.fail(not_a_name(value, name));
    }
    if !is_port(&port.port) {
        let message = format!("`{}` is not the number or the name of a port", port.port);
        return sink.fail(Diagnostic::new(Code::Port, value.span(), message));
    }
    Some(port)
}

/// 1 to 65535, or a port's name: at most 15 lower-case letters, digits and dashes, one letter at least.
pub(super) fn is_port(text: &str) -> bool {
    match text.parse::<u16>() {
        Ok(number) => number > 0,
        Err(_) => text.len() <= 15 && is_dns_label(text) && text.bytes().any(|byte| byte.is_ascii_lowercase()),
    }
}

/// A name of lower-case letters, digits and dashes.
pub(super) fn name(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let name = text(value, sink)?;
    if is_dns_label(&name) { Some(name) } else { sink.fail(not_a_name(value, &name)) }
}

/// A name for people, which stands in one line of a report.
pub(super) fn title(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let title = filled(value, sink)?;
    if title.trim() == title && title.chars().count() <= 80 && !title.contains(char::is_control) {
        return Some(title);
    }
    let diagnostic = Diagnostic::new(Code::Name, value.span(), "this cannot stand in a line of a report");
    sink.fail(diagnostic.help("write at most 80 characters in one line, without spaces at its ends"))
}

/// A kind of the Kubernetes API, or `Kind.group`.
pub(super) fn kind(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let text = text(value, sink)?;
    let (kind, group) = text.split_once('.').unwrap_or((&text, "any"));
    let is_kind = kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_kind && is_dns_name(group) {
        return Some(text);
    }
    let message = format!("`{text}` is not a kind");
    sink.fail(Diagnostic::new(Code::Name, value.span(), message).help("write it as in manifests: \"StorageClass\""))
}

/// A node's name.
pub(super) fn node_name(value: &Value<'_>, sink: &Sink) -> Option<String> {
    let name = text(value, sink)?;
    if is_dns_name(&name) { Some(name) } else { sink.fail(not_a_name(value, &name)) }
}

fn not_a_name(value: &Value<'_>, name: &str) -> Diagnostic {
    let mut better: String =
        name.to_lowercase().chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    better.truncate(63);
    let better = better.trim_matches('-');
    let diagnostic = Diagnostic::new(Code::Name, value.span(), format!("`{name}` is not a name"));
    let rule = "names have at most 63 lower-case letters, digits and inner dashes";
    diagnostic.help(if better.is_empty() { rule.to_owned() } else { format!("{rule}, such as `{better}`") })
}

/// One of the words of an enumeration.
pub(super) fn word<T: DeserializeOwned>(value: &Value<'_>, sink: &Sink) -> Option<T> {
    let text = text(value, sink)?;
    to_word(&text, value.span(), sink)
}

/// One of the words of an enumeration, which are asked of serde so that they stand in one place.
pub(super) fn to_word<T: DeserializeOwned>(text: &str, span: std::ops::Range<usize>, sink: &Sink) -> Option<T> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| sink.push(unknown_word(text, span, error.0))).ok()
}

/// The diagnostic for a word that is none of the choices.
pub(super) fn unknown_word(text: &str, span: std::ops::Range<usize>, words: &[&str]) -> Diagnostic {
    unknown_kind("choice here", text, span, words)
}

/// The same, with the name of what it should be.
pub(super) fn unknown_kind(what: &str, text: &str, span: std::ops::Range<usize>, words: &[&str]) -> Diagnostic {
    let help = match suggestion(text, words) {
        Some(suggestion) => format!("{suggestion} The choices are {}", listed(words)),
        None => format!("the choices are {}", listed(words)),
    };
    Diagnostic::new(Code::UnknownWord, span, format!("`{text}` is not a {what}")).help(help)
}

/// Keeps the words that serde expected.
#[derive(Debug)]
struct WordError(&'static [&'static str]);

impl fmt::Display for WordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", listed(self.0))
    }
}

impl std::error::Error for WordError {}

impl serde::de::Error for WordError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self(expected)
    }
}
