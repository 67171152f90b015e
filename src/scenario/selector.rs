//! The syntax of label selectors, as kubectl takes them: `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Matches nothing
//! itself: that is the plan's work.
//!
//! Source: `k8s.io/apimachinery/pkg/labels`, `Parse`; without `<` and `>`, which a `LabelSelector` cannot express.

use std::fmt;

/// One condition on labels; all conditions of a selector must hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requirement {
    /// The label has one of these values.
    In(String, Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(String, Vec<String>),
    /// The label is there.
    Exists(String),
    /// The label is absent.
    Absent(String),
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(key, values) if values.len() == 1 => write!(f, "{key}={}", values[0]),
            Self::NotIn(key, values) if values.len() == 1 => write!(f, "{key}!={}", values[0]),
            Self::In(key, values) => write!(f, "{key} in ({})", values.join(",")),
            Self::NotIn(key, values) => write!(f, "{key} notin ({})", values.join(",")),
            Self::Exists(key) => f.write_str(key),
            Self::Absent(key) => write!(f, "!{key}"),
        }
    }
}

/// Reads a selector.
///
/// # Errors
/// What is wrong, and how it is written right; an empty selector is an error, since it would match every pod.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    if text.trim().is_empty() {
        return Err("an empty selector would match every pod".to_owned());
    }
    split_outside_brackets(text)?.into_iter().map(|part| requirement(part.trim())).collect()
}

fn split_outside_brackets(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, false);
    for (at, char) in text.char_indices() {
        match char {
            '(' if open => return Err(format!("`{text}` has a bracket inside brackets")),
            '(' => open = true,
            ')' if !open => return Err(format!("`{text}` closes a bracket that was not opened")),
            ')' => open = false,
            ',' if !open => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if open {
        return Err(format!("`{text}` does not close its bracket"));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn requirement(part: &str) -> Result<Requirement, String> {
    if part.is_empty() {
        return Err("there is nothing between two commas of the selector".to_owned());
    }
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement::Absent(label_key(key.trim())?));
    }
    if let Some((head, values)) = part.split_once('(') {
        return set_based(part, head, values);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(Requirement::NotIn(label_key(key.trim())?, vec![label_value(value.trim())?]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Requirement::In(label_key(key.trim())?, vec![label_value(value.trim())?]));
    }
    Ok(Requirement::Exists(label_key(part)?))
}

fn set_based(part: &str, head: &str, values: &str) -> Result<Requirement, String> {
    let wrong = || format!("`{part}` is not written `key in (a,b)` or `key notin (a,b)`");
    let values = values.trim_end().strip_suffix(')').ok_or_else(wrong)?;
    let (key, operator) = head.trim().rsplit_once(char::is_whitespace).ok_or_else(wrong)?;
    let key = label_key(key.trim())?;
    let mut values = values.split(',').map(|value| label_value(value.trim())).collect::<Result<Vec<_>, _>>()?;
    values.sort_unstable();
    values.dedup();
    match operator {
        "in" => Ok(Requirement::In(key, values)),
        "notin" => Ok(Requirement::NotIn(key, values)),
        _ => Err(wrong()),
    }
}

/// Checks a label key: an optional DNS prefix and a slash, then at most 63 letters, digits, `-`, `_` and `.`.
///
/// # Errors
/// Says that it is none.
pub fn label_key(key: &str) -> Result<String, String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if name.is_empty() || !is_label_text(name) || prefix.is_some_and(|prefix| !is_dns_name(prefix)) {
        return Err(format!("`{key}` is not a label key such as `app` or `app.kubernetes.io/name`"));
    }
    Ok(key.to_owned())
}

/// Checks a label value: at most 63 letters, digits, `-`, `_` and `.`, perhaps empty.
///
/// # Errors
/// Says that it is none.
pub fn label_value(value: &str) -> Result<String, String> {
    if is_label_text(value) {
        Ok(value.to_owned())
    } else {
        Err(format!("`{value}` is not a label value: at most 63 letters, digits, `-`, `_` and `.`"))
    }
}

fn is_label_text(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    text.len() <= 63
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
}

/// Whether it is a DNS label (RFC 1123): at most 63 lower-case letters, digits and inner dashes.
#[must_use]
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= 63 && is_dns_part(text)
}

/// Whether it is a DNS name (RFC 1123 subdomain): labels with dots between them, at most 253 characters.
#[must_use]
pub fn is_dns_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_part)
}

fn is_dns_part(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_that_kubectl_takes() {
        for (text, printed) in [
            ("app=web", "app=web"),
            ("app==web", "app=web"),
            (" app = web , tier != cache ", "app=web,tier!=cache"),
            ("env in (b, a,b)", "env in (a,b)"),
            ("env notin (a)", "env!=a"),
            ("app,!legacy", "app,!legacy"),
            ("app.kubernetes.io/name=web", "app.kubernetes.io/name=web"),
            ("app=", "app="),
        ] {
            let read = requirements(text).unwrap();
            assert_eq!(read.iter().map(ToString::to_string).collect::<Vec<_>>().join(","), printed, "{text}");
        }
    }

    #[test]
    fn selectors_that_kubectl_refuses() {
        for text in
            ["", "  ", "app=web,", "a in b", "a in (b", "a) in (b", "=web", "a=b=c", "a=b c", "UPPER/x=y", "a is (b)"]
        {
            assert!(requirements(text).is_err(), "{text}");
        }
    }
}
