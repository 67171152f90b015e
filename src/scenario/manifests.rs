//! Fixture manifests: YAML text in, Kubernetes objects as JSON out. Knows no kinds; whether an object is valid, the
//! API server says.

use std::ops::Range;

use serde_json::Value;

use super::codes::Code;
use super::diagnostic::Diagnostic;

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
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut lacking: Vec<&str> = Vec::new();
    if text("/apiVersion").is_empty() {
        lacking.push("`apiVersion`");
    }
    if text("/kind").is_empty() {
        lacking.push("`kind`");
    }
    let is_list = text("/kind").ends_with("List") && value.get("items").is_some_and(Value::is_array);
    if !is_list && text("/metadata/name").is_empty() {
        lacking.push("`metadata.name`");
    }
    if !lacking.is_empty() {
        let kind = text("/kind");
        let what = if kind.is_empty() { "this document".to_owned() } else { format!("this {kind}") };
        let message = format!("{what} has no {}", lacking.join(", no "));
        let help = "every object needs `apiVersion`, `kind` and `metadata.name` as text";
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
        ] {
            let found = manifests("web.yaml", text).unwrap_err();
            let seen: Vec<_> = found.iter().map(|found| (found.code, found.line(text), found.file.as_str())).collect();
            assert_eq!(seen, [(code, line, "web.yaml")], "{text:?}: {found:?}");
        }
    }
}
