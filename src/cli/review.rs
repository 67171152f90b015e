//! The objects of a fixture before a run: each is given to the API server of an embedded cluster, in order, and what it refuses is
//! told with file and line. Only what an object says itself counts here, not what a cluster lacks.

use driftproof::scenario::{self, Cluster, Code, Colour, Diagnostic, FixtureFile, Manifest, Scenario, Scopes, objects};
use driftproof::sim::scheduler::placement;
use driftproof::sim::{Kind, State, api, apps, registry};
use driftproof::world;
use serde_json::{Value, json};

use super::manifests::Texts;

/// What a look at a fixture's objects gives.
#[derive(Debug, Default)]
pub(super) struct Review {
    /// What is wrong, rendered for a person.
    pub(super) messages: Vec<String>,
    /// What works on another cluster, one line each, lowercase and without a full stop.
    pub(super) remarks: Vec<String>,
}

/// Looks at the objects of a fixture.
pub(super) fn review(scenario: &Scenario, files: &[FixtureFile], texts: &Texts, colour: Colour) -> Review {
    let all: Vec<&Manifest> = files.iter().flat_map(FixtureFile::manifests).collect();
    if all.is_empty() {
        return Review::default();
    }
    let scopes = Scopes::new(scenario, all.iter().map(|manifest| &manifest.object));
    let mut state = State::new(world::embedded::settings(&scenario.cluster).unwrap_or_default(), 1);
    state.boot();
    // Whoever describes the embedded cluster means it; another scenario may be for a cluster that has such nodes.
    let meant = scenario.cluster != Cluster::default();
    let brings_nodes = all.iter().flat_map(|manifest| objects(&manifest.object)).any(|object| object["kind"] == "Node");
    let mut remarks = Vec::new();
    let mut ordered = all;
    ordered.sort_by_key(|manifest| rank(&manifest.object));
    let mut found: Vec<Diagnostic> = Vec::new();
    for manifest in ordered {
        let text = texts.get(&manifest.file).map(String::as_str).unwrap_or_default();
        for object in objects(&manifest.object) {
            found.extend(refusals(&mut state, manifest, object, scopes.namespace(object), text));
            match nowhere(&state, manifest, object, text).filter(|_| !brings_nodes) {
                Some(diagnostic) if meant => found.push(diagnostic),
                Some(diagnostic) => remarks.push(remark(&diagnostic, text)),
                None => {}
            }
        }
    }
    let mut messages = Vec::new();
    for (name, text) in texts {
        let mut own: Vec<Diagnostic> = found.iter().filter(|diagnostic| diagnostic.file == *name).cloned().collect();
        own.sort_by_key(|diagnostic| diagnostic.span.start);
        if !own.is_empty() {
            messages.push(scenario::render(&own, name, text, colour));
        }
    }
    Review { messages, remarks }
}

/// A pod that no node of the embedded cluster can take, by what it says of its node.
fn nowhere(state: &State, manifest: &Manifest, object: &Value, text: &str) -> Option<Diagnostic> {
    let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = Kind::by_name(word("/apiVersion"), word("/kind"))?;
    let path = metadata_of_pods(kind)?.replace("metadata", "spec");
    let spec = path.split('.').try_fold(object, |value, part| value.get(part))?;
    let (field, message) = placement::mistake(state, spec)?;
    let message = format!("{} {}: {message}", word("/kind"), word("/metadata/name"));
    let help = "its nodes, labels and zones are written in [cluster]";
    Some(manifest.refusal(text, Code::UnknownPlace, &format!("{path}.{field}"), message, help))
}

/// A diagnostic as one line.
fn remark(diagnostic: &Diagnostic, text: &str) -> String {
    let line = text.get(..diagnostic.span.start).unwrap_or_default().lines().count().max(1);
    format!("{}:{line}: {}; right for a live cluster that has it (--context)", diagnostic.file, diagnostic.message)
}

/// Namespaces and definitions first.
fn rank(object: &Value) -> usize {
    match object["kind"].as_str() {
        Some("Namespace") => 0,
        Some("CustomResourceDefinition") => 1,
        _ => 2,
    }
}

fn refusals(
    state: &mut State,
    manifest: &Manifest,
    object: &Value,
    namespace: Option<&str>,
    text: &str,
) -> Vec<Diagnostic> {
    let word = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (version, kind) = (word("/apiVersion"), word("/kind"));
    let what = format!("{kind} {}", word("/metadata/name"));
    // Custom kinds that come with no definition may be a cluster's own.
    let Some(kind) = Kind::by_name(version, kind).or_else(|| custom(state, version, kind)) else { return Vec::new() };
    let refused =
        |field: &str, message: String, help: &str| manifest.refusal(text, Code::Refused, field, message, help);
    let mut found = annotations(manifest, kind, text);
    // Another version of Kubernetes' own kinds has other fields: the server converts it first.
    let as_stored = kind.facts().api_version() == version || kind.is_custom();
    match if as_stored { state.unknown_fields(kind, object) } else { Ok(Vec::new()) } {
        Ok(unknown) => found.extend(unknown.iter().map(|field| {
            let message = format!("{what}: unknown field `{field}`");
            refused(field, message, "`kubectl apply` refuses it, too: is it misspelt, or on the wrong level?")
        })),
        Err(error) => {
            let field = registry::misfit(kind, object).unwrap_or_default();
            let place = if field.is_empty() { String::new() } else { format!(" at `{field}`") };
            found.push(refused(&field, format!("{what}{place}: {}", error.message), ""));
            return found;
        }
    }
    if !found.is_empty() {
        return found;
    }
    if let Some(namespace) = namespace {
        // It may be a cluster's own.
        drop(state.create(Kind::Namespace, json!({ "metadata": { "name": namespace } })));
    }
    let facts = kind.facts();
    let version = version.rsplit('/').next().unwrap_or_default();
    let start =
        if facts.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{}/{version}", facts.group) };
    let within = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    let mut object = object.clone();
    if let (Some(namespace), Some(metadata)) = (namespace, object["metadata"].as_object_mut()) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let target = format!("{start}{within}/{}?fieldValidation=Strict", facts.plural);
    let (code, answer) = api::ask(state, http::Method::POST, &target, "application/json", &object);
    if !matches!(code, 400 | 422) {
        return Vec::new();
    }
    let causes: Vec<Diagnostic> = answer
        .pointer("/details/causes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|cause| {
            let part = |name: &str| cause[name].as_str().unwrap_or_default();
            refused(part("field"), format!("{what}: {}: {}", part("field"), part("message")), "")
        })
        .collect();
    if causes.is_empty() {
        return vec![refused("", format!("{what}: {}", answer["message"].as_str().unwrap_or_default()), "")];
    }
    causes
}

fn custom(state: &State, api_version: &str, kind: &str) -> Option<Kind> {
    let (group, version) = api_version.split_once('/')?;
    registry::defined(&state.store).find(|known| {
        let facts = known.facts();
        facts.kind == kind && facts.group == group && facts.has_version(version)
    })
}

/// Where the metadata of an object's pods stand.
fn metadata_of_pods(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Pod => Some("metadata"),
        Kind::CronJob => Some("spec.jobTemplate.spec.template.metadata"),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet | Kind::Job => {
            Some("spec.template.metadata")
        }
        _ => None,
    }
}

/// Annotations that tell the embedded cluster how an application behaves, and that it does not know.
fn annotations(manifest: &Manifest, kind: Kind, text: &str) -> Vec<Diagnostic> {
    let Some(path) = metadata_of_pods(kind) else { return Vec::new() };
    let metadata = path.split('.').try_fold(&manifest.object, |value, part| value.get(part)).unwrap_or(&Value::Null);
    let mistakes = apps::annotation_mistakes(metadata);
    mistakes
        .into_iter()
        .map(|(key, message)| {
            let field = format!("{path}.annotations.{key}");
            manifest.refusal(text, Code::EmbeddedAnnotation, &field, message, "the README has the table of annotations")
        })
        .collect()
}
