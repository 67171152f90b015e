//! The grammar of names, labels, ports and addresses (`k8s.io/apimachinery/pkg/util/validation`). Each rule says what is wrong
//! with a text, or nothing.

use std::net::IpAddr;

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
                          start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for \
                          validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
                              '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex \
                              used for validation is \
                              '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const SERVICE_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                            alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or \
                            'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
                          and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or \
                          '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const KEY_RULE: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with \
                        an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                        validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn is_plain(text: &str, inner: impl Fn(char) -> bool, edge: impl Fn(char) -> bool) -> bool {
    let ends = text.chars().next().is_some_and(&edge) && text.chars().last().is_some_and(&edge);
    ends && text.chars().all(inner)
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn is_label_of_any_length(text: &str) -> bool {
    is_plain(text, |c| is_lower(c) || c == '-', is_lower)
}

fn longer(text: &str, most: usize) -> Option<String> {
    (text.len() > most).then(|| format!("must be no more than {most} bytes"))
}

/// `my-name`: at most 63 characters (`IsDNS1123Label`).
pub(in crate::registry) fn label(text: &str) -> Option<String> {
    longer(text, 63).or_else(|| (!is_label_of_any_length(text)).then(|| LABEL_RULE.to_owned()))
}

/// `my-name.example.com`: at most 253 characters (`IsDNS1123Subdomain`).
pub(in crate::registry) fn subdomain(text: &str) -> Option<String> {
    longer(text, 253).or_else(|| (!text.split('.').all(is_label_of_any_length)).then(|| SUBDOMAIN_RULE.to_owned()))
}

/// As [`subdomain`], with underscores (`IsDNS1123SubdomainWithUnderscore`).
pub(super) fn subdomain_with_underscores(text: &str) -> Option<String> {
    let edge = |c: char| is_lower(c) || c == '_';
    let part = |part: &str| is_plain(part, |c| edge(c) || c == '-', edge);
    longer(text, 253).or_else(|| (!text.split('.').all(part)).then(|| SUBDOMAIN_RULE.to_owned()))
}

/// `*.example.com` (`IsWildcardDNS1123Subdomain`).
pub(super) fn wildcard_subdomain(text: &str) -> Option<String> {
    let rule = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain";
    match text.strip_prefix("*.") {
        Some(rest) if subdomain(rest).is_none() => longer(text, 253),
        _ => Some(rule.to_owned()),
    }
}

/// `my-name` that begins with a letter (`IsDNS1035Label`).
pub(in crate::registry) fn service_label(text: &str) -> Option<String> {
    let fits = is_label_of_any_length(text) && text.starts_with(|c: char| c.is_ascii_lowercase());
    longer(text, 63).or_else(|| (!fits).then(|| SERVICE_RULE.to_owned()))
}

/// A segment of a path, as RBAC names are (`IsValidPathSegmentName`).
pub(super) fn path_segment(text: &str) -> Option<String> {
    if matches!(text, "." | "..") {
        return Some(format!("may not be '{text}'"));
    }
    ['/', '%'].into_iter().find(|bad| text.contains(*bad)).map(|bad| format!("may not contain '{bad}'"))
}

fn is_word(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    is_plain(text, |c| edge(c) || matches!(c, '-' | '_' | '.'), edge)
}

/// The value of a label.
pub(super) fn label_value(text: &str) -> Option<String> {
    longer(text, 63).or_else(|| (!text.is_empty() && !is_word(text)).then(|| VALUE_RULE.to_owned()))
}

/// `example.com/name`: the key of a label (`IsQualifiedName`).
pub(super) fn qualified(text: &str) -> Option<String> {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    if name.contains('/') {
        return Some(
            "a valid label key must consist of a name with an optional DNS subdomain prefix and '/'".to_owned(),
        );
    }
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            return Some("prefix part must be non-empty".to_owned());
        }
        if let Some(wrong) = subdomain(prefix) {
            return Some(format!("prefix part {wrong}"));
        }
    }
    if name.is_empty() {
        return Some("name part must be non-empty".to_owned());
    }
    if name.len() > 63 {
        return Some("name part must be no more than 63 bytes".to_owned());
    }
    (!is_word(name)).then(|| KEY_RULE.to_owned())
}

/// The name of a port (`IsValidPortName`).
pub(super) fn port_name(text: &str) -> Option<String> {
    if text.len() > 15 {
        return Some("must be no more than 15 characters".to_owned());
    }
    if !text.chars().all(|c| is_lower(c) || c == '-') {
        return Some("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.chars().any(|c| c.is_ascii_lowercase()) {
        return Some("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        return Some("must not contain consecutive hyphens".to_owned());
    }
    (text.starts_with('-') || text.ends_with('-')).then(|| "must not begin or end with a hyphen".to_owned())
}

/// The name of an environment variable, as it is allowed since 1.32 (`IsRelaxedEnvVarName`).
pub(super) fn env_name(text: &str) -> Option<String> {
    let fits = text.chars().all(|c| (' '..='~').contains(&c) && c != '=');
    (!fits).then(|| "environment variable names must be printable ASCII characters except '=' character".to_owned())
}

/// A key of a ConfigMap or Secret (`IsConfigMapKey`).
pub(super) fn config_key(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !fits {
        return Some(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
             'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    if matches!(text, "." | "..") {
        return Some(format!("must not be '{text}'"));
    }
    longer(text, 253).or_else(|| text.starts_with("..").then(|| "must not start with '..'".to_owned()))
}

/// The name of an HTTP header (`IsHTTPHeaderName`).
pub(super) fn header_name(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    (!fits).then(|| {
        "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for \
         validation is '[-A-Za-z0-9]+')"
            .to_owned()
    })
}

/// `25%` (`IsValidPercent`).
pub(super) fn percent(text: &str) -> Option<String> {
    let digits = text.strip_suffix('%').is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()));
    (!digits).then(|| {
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for \
         validation is '[0-9]+%')"
            .to_owned()
    })
}

/// An address, in a form that every reader takes for the same one (`IsValidIPForLegacyField`, strict since 1.36).
pub(super) fn address(text: &str) -> Option<String> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) if ip.to_ipv4_mapped().is_some() => {
            Some("must not be an IPv4-mapped IPv6 address".to_owned())
        }
        Ok(_) => None,
        Err(_) => Some("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()),
    }
}

/// A range of addresses, its prefix and length.
pub(in crate::registry) fn cidr_parts(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = text.split_once('/')?;
    let (ip, bits) = (ip.parse::<IpAddr>().ok()?, bits.parse::<u8>().ok()?);
    let most = if ip.is_ipv4() { 32 } else { 128 };
    (bits <= most).then_some((ip, bits))
}

/// A number of the address family's size.
fn bits_of(ip: IpAddr) -> (u128, u32) {
    match ip {
        IpAddr::V4(ip) => (u128::from(ip.to_bits()), 32),
        IpAddr::V6(ip) => (ip.to_bits(), 128),
    }
}

/// A range of addresses, without bits beyond its prefix (`IsValidCIDRForLegacyField`, strict since 1.36).
pub(super) fn cidr(text: &str) -> Option<String> {
    let Some((ip, length)) = cidr_parts(text) else {
        return Some("must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned());
    };
    if let Some(wrong) = address(&ip.to_string()) {
        return Some(wrong);
    }
    if text.rsplit('/').next().is_some_and(|length| length.len() > 1 && length.starts_with('0')) {
        return Some("must not have leading 0s in prefix length".to_owned());
    }
    let (bits, family) = bits_of(ip);
    let host = family - u32::from(length);
    let beyond = bits & (1_u128.checked_shl(host).unwrap_or(0)).wrapping_sub(1);
    (beyond != 0).then(|| "must not have bits set beyond the prefix length".to_owned())
}

/// Whether a range lies within another, and is smaller.
pub(super) fn is_strictly_within(inner: (IpAddr, u8), outer: (IpAddr, u8)) -> bool {
    let ((one, family), (other, other_family)) = (bits_of(inner.0), bits_of(outer.0));
    let shift = other_family - u32::from(outer.1);
    let same = |a: u128, b: u128| a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0);
    family == other_family && inner.1 > outer.1 && same(one, other)
}

/// A path below where it starts: not absolute, without `..` (`validateLocalDescendingPath`).
pub(super) fn descending_path(text: &str) -> Option<String> {
    if text.starts_with('/') {
        return Some("must be a relative path".to_owned());
    }
    no_backsteps(text)
}

/// Without `..` as one of its parts.
pub(super) fn no_backsteps(text: &str) -> Option<String> {
    text.split('/').any(|part| part == "..").then(|| "must not contain '..'".to_owned())
}

/// As [`descending_path`], and not beginning with `..` (`ValidateLocalNonReservedPath`).
pub(super) fn unreserved_path(text: &str) -> Option<String> {
    descending_path(text).or_else(|| {
        let reserved = text.starts_with("..") && !text.starts_with("../");
        reserved.then(|| "must not start with '..'".to_owned())
    })
}
