//! From the text of one file to its objects: documents of YAML between `---`, JSON objects one after the other, lists that
//! stand for their items. What is no manifest at all (a kustomization, a template) is named, with what makes one of it.

use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use super::object::{is_list, mistake};
use super::tree::{self, Fault};
use super::{Code, Diagnostic, Manifest, Places, line_at};
use crate::scenario::removed::refusal;

/// Lists inside lists deeper than this are a mistake.
const MAX_NESTING: usize = 8;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads all objects of one file, in order; empty documents are skipped, and a list stands for its items.
///
/// # Errors
/// Every mistake that was found, with file and line.
pub fn documents(name: &str, text: &str) -> Result<Vec<Manifest>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    let mut objects = Vec::new();
    for piece in pieces(text) {
        match read(text, piece.clone()) {
            Ok(documents) => {
                for (value, places) in documents {
                    flatten(Document { name, text, value, places }, 0, &mut objects, &mut found);
                }
            }
            Err(fault) => found.push(not_yaml(fault, text, &piece)),
        }
    }
    if found.is_empty() {
        return Ok(objects);
    }
    for diagnostic in &mut found {
        name.clone_into(&mut diagnostic.file);
    }
    Err(found)
}

/// As [`documents`], the objects alone.
///
/// # Errors
/// Every mistake that was found, with file and line.
pub fn manifests(name: &str, text: &str) -> Result<Vec<Value>, Vec<Diagnostic>> {
    documents(name, text).map(|all| all.into_iter().map(|manifest| manifest.object).collect())
}

/// The documents, as kubectl cuts a file: at lines of `---` (`NewYAMLReader` of apimachinery). Each may begin with a byte
/// order mark, as `cat a.yaml b.yaml` makes it.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches(BYTE_ORDER_MARK);
        let is_separator = bare.strip_prefix("---").is_some_and(|rest| {
            let rest = rest.trim();
            rest.is_empty() || rest.starts_with('#')
        });
        if is_separator {
            pieces.push(start..at);
            start = at + line.len();
        }
        at += line.len();
    }
    pieces.push(start..text.len());
    for piece in &mut pieces {
        while text[piece.clone()].starts_with(BYTE_ORDER_MARK) {
            piece.start += BYTE_ORDER_MARK.len_utf8();
        }
    }
    pieces
}

fn read(text: &str, piece: Range<usize>) -> Result<Vec<(Value, Places)>, Fault> {
    let Some(values) = json_values(text, &piece) else { return tree::read(text, piece) };
    let mut documents = Vec::new();
    for (value, place) in values {
        match tree::read(text, place.clone()) {
            Ok(read) => documents.extend(read),
            Err(fault) if fault.other.is_some() => return Err(fault),
            // JSON that is no YAML: only the place of the whole is known.
            Err(_) => {
                let mut places = Places::default();
                places.note("", place.start);
                documents.push((value, places));
            }
        }
    }
    Ok(documents)
}

/// The JSON objects of a piece that holds nothing else, each with its place.
fn json_values(text: &str, piece: &Range<usize>) -> Option<Vec<(Value, Range<usize>)>> {
    let content = &text[piece.clone()];
    if !content.trim_start().starts_with('{') {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(content).into_iter::<&RawValue>();
    let mut values = Vec::new();
    while let Some(raw) = stream.next() {
        let raw = raw.ok()?.get();
        let end = piece.start + stream.byte_offset();
        values.push((serde_json::from_str(raw).ok()?, end - raw.len()..end));
    }
    Some(values)
}

fn not_yaml(fault: Fault, text: &str, piece: &Range<usize>) -> Diagnostic {
    if let Some(at) = text[piece.clone()].find("{{") {
        let line = text[piece.start + at..].lines().next().unwrap_or_default();
        let shown: String = line.split_inclusive("}}").next().unwrap_or(line).chars().take(60).collect();
        let message = format!("this is a template, not a manifest: `{shown}` is still to be filled in");
        return Diagnostic::new(Code::Yaml, line_at(text, piece.start + at), message).help(
            "render it: `helm template CHART > FILE` (and name FILE), or write manifests = [\"-\"] and pipe: `helm template CHART | driftproof …`",
        );
    }
    let diagnostic = match fault.other {
        Some(first) => Diagnostic::new(Code::Yaml, fault.span, fault.message).other(first, "first here"),
        None => Diagnostic::new(Code::Yaml, fault.span, format!("not YAML: {}", fault.message)),
    };
    if diagnostic.other.is_some() {
        diagnostic.help("kubectl would silently take the last one: leave one of them out")
    } else {
        diagnostic
    }
}

struct Document<'a> {
    name: &'a str,
    text: &'a str,
    value: Value,
    places: Places,
}

fn flatten(document: Document<'_>, depth: usize, objects: &mut Vec<Manifest>, found: &mut Vec<Diagnostic>) {
    let Document { name, text, mut value, places } = document;
    if value.is_null() {
        return;
    }
    let span = line_at(text, places.offset(""));
    if is_kustomization(name, &value) {
        let diagnostic = Diagnostic::new(Code::NotAnObject, span, "this is a kustomization, not a manifest");
        found.push(diagnostic.help(
            "render it: `kubectl kustomize FOLDER > FILE` (and name FILE), or write manifests = [\"-\"] and pipe: `kubectl kustomize FOLDER | driftproof …`",
        ));
        return;
    }
    let is_list = is_list(&value);
    if let Some((message, help)) = mistake(&value, is_list) {
        found.push(Diagnostic::new(Code::NotAnObject, span, message).help(help));
        return;
    }
    if !is_list && let Some((message, help)) = gone(&value) {
        let span = line_at(text, places.offset("apiVersion"));
        found.push(Diagnostic::new(Code::NotServed, span, message).help(help));
        return;
    }
    if !is_list {
        // Dumps carry it; only the server may write it.
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        objects.push(Manifest { file: name.to_owned(), object: value, places });
        return;
    }
    if depth >= MAX_NESTING {
        found.push(Diagnostic::new(Code::NotAnObject, span, "lists are nested too deeply"));
        return;
    }
    let of = item_type(&value);
    let items = value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    for (index, mut item) in items.into_iter().enumerate() {
        if let (Some((api_version, kind)), Some(fields)) = (&of, item.as_object_mut()) {
            fields.entry("apiVersion").or_insert_with(|| api_version.as_str().into());
            fields.entry("kind").or_insert_with(|| kind.as_str().into());
        }
        let places = places.below(&format!("items[{index}]"));
        flatten(Document { name, text, value: item, places }, depth + 1, objects, found);
    }
}

/// Why no supported cluster serves an object's kind, if none does.
fn gone(object: &Value) -> Option<(String, String)> {
    refusal(object["apiVersion"].as_str()?, object["kind"].as_str()?)
}

/// What the items of a typed list are when they do not say so: `ConfigMapList` holds `ConfigMap`s of its version.
fn item_type(list: &Value) -> Option<(String, String)> {
    let kind = list["kind"].as_str()?.strip_suffix("List").filter(|kind| !kind.is_empty())?;
    Some((list["apiVersion"].as_str()?.to_owned(), kind.to_owned()))
}

fn is_kustomization(name: &str, value: &Value) -> bool {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let group = value["apiVersion"].as_str().unwrap_or_default();
    let said = group.starts_with("kustomize.config.k8s.io/") && value["kind"].as_str() != Some("ConfigMap");
    said || (value.get("kind").is_none()
        && matches!(file, "kustomization.yaml" | "kustomization.yml" | "Kustomization"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    fn what_kubectl_takes_is_read() {
        let json = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"\\ud83d\\ude00\"}}\n\
                    {\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"b\"}}";
        assert_eq!(names(json), ["ConfigMap/a", "ConfigMap/b"]);
        let marked = "\u{feff}apiVersion: a.io/v1\nkind: A\nmetadata: {name: a}\n---\n\u{feff}apiVersion: a.io/v1\nkind: B\nmetadata: {name: b}\n";
        assert_eq!(names(marked), ["A/a", "B/b"]);
        let typed = "apiVersion: v1\nkind: ConfigMapList\nitems:\n- metadata: {name: a}\n";
        assert_eq!(names(typed), ["ConfigMap/a"]);
        let dumped = "apiVersion: a.io/v1\nkind: A\nmetadata: {name: a, managedFields: [{manager: x}]}\n";
        assert_eq!(manifests("a.yaml", dumped).unwrap()[0]["metadata"], json!({ "name": "a" }));
        let merged =
            "apiVersion: a.io/v1\nkind: A\nmetadata: {name: a}\nbase: &b {x: 0400, y1: yes}\nspec: {<<: *b, x: 1}\n";
        assert_eq!(manifests("a.yaml", merged).unwrap()[0]["spec"], json!({ "x": 1, "y1": true }));
        assert_eq!(manifests("a.yaml", merged).unwrap()[0]["base"]["x"], 256);
    }

    #[test]
    fn fields_have_their_places() {
        let text = "---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: a.io/v1\n  kind: A\n  metadata: {name: a}\n  spec:\n    ports:\n    - port: 1\n    - port: 2\n";
        let all = documents("a.yaml", text).unwrap();
        let line = |field: &str| text[..all[0].places.offset(field)].matches('\n').count() + 1;
        assert_eq!(line("spec.ports[1].port"), 11);
        assert_eq!(line("spec.ports[1].absent.more"), 11);
        assert_eq!(line("spec.absent"), 8);
        assert_eq!(line("absent"), 5);
    }

    #[test]
    fn mistakes_have_their_line() {
        for (text, code, line) in [
            ("kind: Service\nmetadata: {name: web}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: a}\n---\nkind: B\n", Code::NotAnObject, 5),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: 7}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: [A\n", Code::Yaml, 2),
            ("apiVersion: a.io/v1\nkind: A\nspec:\n  a: 1\n  b: 2\n  a: 3\n", Code::Yaml, 6),
            ("apiVersion: a.io/v1\nkind: A\nspec: {n: .inf}\n", Code::Yaml, 3),
            (
                "apiVersion: a.io/v1\nkind: A\nmetadata: {name: a}\nspec:\n  replicas: {{ .Values.replicas }}\n",
                Code::Yaml,
                5,
            ),
            (
                "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n",
                Code::NotAnObject,
                1,
            ),
            ("- 1\n- 2\n", Code::NotAnObject, 1),
            ("hello", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: ../../kube-system/configmaps/a}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: a?b}\n", Code::NotAnObject, 1),
            ("apiVersion: v1/namespaces/kube-system\nkind: A\nmetadata: {name: a}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A/b\nmetadata: {name: a}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: a, namespace: b/c}\n", Code::NotAnObject, 1),
            ("apiVersion: a.io/v1\nkind: A\nmetadata: {name: a, namespace: [b]}\n", Code::NotAnObject, 1),
        ] {
            let found = manifests("web.yaml", text).unwrap_err();
            let seen: Vec<_> = found.iter().map(|found| (found.code, found.line(text), found.file.as_str())).collect();
            assert_eq!(seen, [(code, line, "web.yaml")], "{text:?}: {found:?}");
        }
    }
}
