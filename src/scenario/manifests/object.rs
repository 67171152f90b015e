//! The address of one object: what its parts must be, so that none leads elsewhere.

use serde_json::Value;

use crate::scenario::selector::{is_dns_label, is_dns_name};

/// Whether it stands for its items.
pub(in crate::scenario) fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && value["items"].is_array()
}

/// Why this cannot be the address of an object, if it cannot, and what would be one. Its parts become parts of a path, and
/// none may lead elsewhere.
pub(in crate::scenario) fn mistake(value: &Value, is_list: bool) -> Option<(String, &'static str)> {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    let parts = [("`apiVersion`", version), ("`kind`", kind), ("`metadata.name`", if is_list { "list" } else { name })];
    let lacking: Vec<&str> = parts.iter().filter(|(_, text)| text.is_empty()).map(|(part, _)| *part).collect();
    let what = if kind.is_empty() { "this document".to_owned() } else { format!("this {}", kind.escape_debug()) };
    if !lacking.is_empty() {
        let help = "every object needs `apiVersion`, `kind` and `metadata.name` as text";
        return Some((format!("{what} has no {}", lacking.join(", no ")), help));
    }
    let namespace = value.pointer("/metadata/namespace").filter(|namespace| !namespace.is_null());
    let namespace_is_sound =
        namespace.is_none_or(|namespace| namespace.as_str().is_some_and(|name| name.is_empty() || is_dns_label(name)));
    let (group, number) = version.split_once('/').unwrap_or(("none", version));
    let sound = [
        ("apiVersion", is_dns_name(group) && is_dns_label(number), version),
        ("kind", kind.bytes().all(|byte| byte.is_ascii_alphanumeric()), kind),
        ("metadata.name", is_list || is_segment(name), name),
        ("metadata.namespace", namespace_is_sound, namespace.and_then(Value::as_str).unwrap_or("it is no text")),
    ];
    let (part, _, text) = sound.into_iter().find(|(_, sound, _)| !sound)?;
    let help = "it becomes a part of a path on the API server, and must not lead elsewhere";
    Some((format!("{what} has a bad `{part}`: {}", text.escape_debug()), help))
}

/// What the API server takes as one segment of a path (`IsValidPathSegmentName`), as far as it needs no escapes.
fn is_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/%?#\\".contains(&byte))
}
