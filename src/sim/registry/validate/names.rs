//! Names, labels and annotations (`k8s.io/apimachinery/pkg/util/validation`).

use serde_json::{Value, json};

use crate::Kind;
use crate::api::error::Cause;

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

/// `my-name`: at most 63 characters.
pub(super) fn is_label(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// `my-name.example.com`: at most 253 characters.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|part| part.len() <= 253 && is_label_of_any_length(part))
}

fn is_label_of_any_length(part: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    edge(part.chars().next())
        && edge(part.chars().last())
        && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// `MyValue`: a label's value or the name part of its key.
fn is_word(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Checks a field that must be a DNS label.
pub(super) fn label(name: &str, field: String, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required(field, ""));
    } else if !is_label(name) {
        causes.push(Cause::invalid(field, &json!(name), LABEL_RULE));
    }
}

/// Checks the name, labels and annotations of a new object.
pub(super) fn metadata(kind: Kind, value: &Value) -> Vec<Cause> {
    let name = super::text(value, "/metadata/name");
    let mut causes = labels(value, "metadata");
    let (fits, rule) = if kind == Kind::Namespace {
        (is_label(name), LABEL_RULE)
    } else if kind == Kind::Service {
        (is_label(name) && name.starts_with(|c: char| c.is_ascii_lowercase()), SERVICE_RULE)
    } else if kind.facts().group == "rbac.authorization.k8s.io" {
        // Roles may have nearly any name.
        (!name.contains(['/', '%']) && !matches!(name, "." | ".."), "may not contain '/' or '%'")
    } else {
        (is_subdomain(name), SUBDOMAIN_RULE)
    };
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else if !fits {
        causes.push(Cause::invalid("metadata.name", &json!(name), rule));
    }
    causes
}

/// Checks labels and annotations below a path (`metadata`, `spec.template.metadata`).
pub(super) fn labels(value: &Value, path: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    let metadata = path.split('.').try_fold(value, |value, part| value.get(part)).unwrap_or(&Value::Null);
    let entries = |field: &str| metadata.get(field).and_then(Value::as_object).into_iter().flatten();
    for (name, value) in entries("labels") {
        key(name, format!("{path}.labels"), &mut causes);
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 {
            let cause = Cause::invalid(format!("{path}.labels"), &json!(value), "must be no more than 63 characters");
            causes.push(cause);
        } else if !value.is_empty() && !is_word(value) {
            causes.push(Cause::invalid(format!("{path}.labels"), &json!(value), VALUE_RULE));
        }
    }
    for (name, _) in entries("annotations") {
        key(&name.to_lowercase(), format!("{path}.annotations"), &mut causes);
    }
    causes
}

fn key(key: &str, field: String, causes: &mut Vec<Cause>) {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
        causes.push(Cause::invalid(field, &json!(key), &format!("prefix part {SUBDOMAIN_RULE}")));
    } else if !is_word(name) {
        causes.push(Cause::invalid(field, &json!(key), KEY_RULE));
    }
}
