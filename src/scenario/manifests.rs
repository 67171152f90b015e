//! Fixture manifests: YAML text in, Kubernetes objects as JSON out. Knows no kinds; whether an object is valid, the
//! API server says.

use std::ops::Range;

use serde_json::Value;

use super::codes::Code;
use super::diagnostic::Diagnostic;
use super::selector::{is_dns_label, is_dns_name};

/// Lists inside lists deeper than this are a mistake.
const MAX_NESTING: usize = 8;

/// Reads all documents of one file, in order; empty ones are skipped, and a `List` stands for its items.
///
/// # Errors
/// Every mistake that was found, with file and line.
pub fn manifests(name: &str, text: &str) -> Result<Vec<Value>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut objects = Vec::new();
    match serde_saphyr::from_multiple::<serde_saphyr::Spanned<Value>>(text) {
        Ok(documents) => {
            for document in documents {
                let line = usize::try_from(document.referenced.line()).unwrap_or(1);
                flatten(document.value, &line_span(text, line), 0, &mut objects, &mut found);
            }
        }
        Err(error) => found.push(not_yaml(&error, text)),
    }
    if found.is_empty() {
        return Ok(objects);
    }
    for diagnostic in &mut found {
        name.clone_into(&mut diagnostic.file);
    }
    Err(found)
}

fn not_yaml(error: &serde_saphyr::Error, text: &str) -> Diagnostic {
    let location = error.location();
    let line = location.and_then(|location| usize::try_from(location.line()).ok()).unwrap_or(1);
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default().to_owned();
    Diagnostic::new(Code::Yaml, line_span(text, line), format!("not YAML: {message}"))
}

fn flatten(value: Value, span: &Range<usize>, depth: usize, objects: &mut Vec<Value>, found: &mut Vec<Diagnostic>) {
    if value.is_null() {
        return;
    }
    let is_list = is_list(&value);
    if let Some((message, help)) = mistake(&value, is_list) {
        found.push(Diagnostic::new(Code::NotAnObject, span.clone(), message).help(help));
        return;
    }
    if !is_list {
        objects.push(value);
        return;
    }
    if depth >= MAX_NESTING {
        found.push(Diagnostic::new(Code::NotAnObject, span.clone(), "lists are nested too deeply"));
        return;
    }
    if let Value::Object(mut list) = value
        && let Some(Value::Array(items)) = list.remove("items")
    {
        for item in items {
            flatten(item, span, depth + 1, objects, found);
        }
    }
}

/// Whether it stands for its items.
pub(super) fn is_list(value: &Value) -> bool {
    value["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && value["items"].is_array()
}

/// Why this cannot be the address of an object, if it cannot, and what would be one. Its parts become parts of a path, and
/// none may lead elsewhere.
pub(super) fn mistake(value: &Value, is_list: bool) -> Option<(String, &'static str)> {
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

/// The bytes of a line (counted from 1), without its indentation and its end.
fn line_span(text: &str, line: usize) -> Range<usize> {
    let mut start = 0;
    for (index, content) in text.split_inclusive('\n').enumerate() {
        if index + 1 == line {
            let indent = content.len() - content.trim_start().len();
            let end = start + content.trim_end().len();
            return (start + indent).min(end)..end;
        }
        start += content.len();
    }
    text.len()..text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let objects = manifests("web.yaml", text).unwrap();
        objects
            .iter()
            .map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]).replace('"', ""))
            .collect()
    }

    #[test]
    fn several_documents_and_lists_come_in_order() {
        let text = "\
# a comment
apiVersion: v1
kind: Service
metadata: {name: web}
---
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
";
        assert_eq!(names(text), ["Service/web", "ConfigMap/a", "ConfigMap/b"]);
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(
            names("{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: 'system:a.b'}}"),
            ["Role/system:a.b"]
        );
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, code, line) in [
            ("kind: Service\nmetadata: {name: web}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\nkind: B\n", Code::NotAnObject, 5),
            ("apiVersion: v1\nkind: A\nmetadata: {name: 7}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: [A\n", Code::Yaml, 2),
            ("- 1\n- 2\n", Code::NotAnObject, 1),
            ("hello", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A\nmetadata: {name: ../../kube-system/configmaps/a}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A\nmetadata: {name: a?b}\n", Code::NotAnObject, 1),
            ("apiVersion: v1/namespaces/kube-system\nkind: A\nmetadata: {name: a}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A/b\nmetadata: {name: a}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: b/c}\n", Code::NotAnObject, 1),
            ("apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: [b]}\n", Code::NotAnObject, 1),
        ] {
            let found = manifests("web.yaml", text).unwrap_err();
            let seen: Vec<_> = found.iter().map(|found| (found.code, found.line(text), found.file.as_str())).collect();
            assert_eq!(seen, [(code, line, "web.yaml")], "{text:?}: {found:?}");
        }
    }
}
