//! Applies the fixture's manifests by server-side apply, in an order in which each finds what it needs, and remembers
//! which objects it created: only those are removed again. Never takes over a field that somebody else manages.

use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams};
use serde_json::{Value, json};

use crate::evidence::Undo;
use crate::plan::{MANAGED_BY, MANAGER, RUN};

use super::context::Context;
use super::record;
use super::undo;
use super::{RunError, calls};

/// Kinds in the order in which they are applied; others come after them.
const ORDER: [&str; 18] = [
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "IngressClass",
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "DaemonSet",
];

/// Kinds without a namespace.
const CLUSTER_SCOPED: [&str; 9] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
];

/// One manifest, read.
#[derive(Clone, Debug, PartialEq)]
struct Manifest {
    api_version: String,
    kind: String,
    /// Empty when cluster-scoped.
    namespace: String,
    name: String,
    object: Value,
    /// Not written by the user.
    implied: bool,
}

impl Manifest {
    fn describe(&self) -> String {
        if self.namespace.is_empty() {
            format!("{} {}", self.kind, self.name)
        } else {
            format!("{} {}/{}", self.kind, self.namespace, self.name)
        }
    }

    fn undo(&self) -> Undo {
        Undo::DeleteObject {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// The API of any kind, by its type.
pub(super) fn api(client: Client, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    if namespace.is_empty() {
        Api::all_with(client, &resource)
    } else {
        Api::namespaced_with(client, namespace, &resource)
    }
}

/// Applies the manifests and pushes onto `created` how to remove each object that was not there before, as soon as it may be
/// there. Namespaces come first: the run's record is kept in one, and names everything else before it is created.
///
/// # Errors
/// The first manifest that cannot be used or was refused.
pub(super) async fn apply(context: &Context, manifests: &[Value], created: &mut Vec<Undo>) -> Result<(), RunError> {
    let namespace = &context.scenario.target.namespace;
    let ordered = ordered(manifests, namespace).map_err(RunError::Fixture)?;
    let (namespaces, rest): (Vec<Manifest>, Vec<Manifest>) =
        ordered.into_iter().partition(|manifest| manifest.kind == "Namespace");
    for manifest in namespaces {
        let absent = is_absent(context, &manifest).await?;
        // A namespace that nobody wrote down is created when it is missing, and else left as it is.
        if absent || !manifest.implied {
            announce(context, &manifest, absent, created).await?;
            put(context, &manifest, absent).await?;
        }
    }
    let mut missing = Vec::new();
    for manifest in &rest {
        let absent = is_absent(context, manifest).await?;
        announce(context, manifest, absent, created).await?;
        missing.push(absent);
    }
    record::open(context, created).await?;
    for (manifest, absent) in rest.iter().zip(missing) {
        put(context, manifest, absent).await?;
    }
    Ok(())
}

fn failed(manifest: &Manifest, error: &kube::Error) -> RunError {
    RunError::Fixture(format!("apply {}: {}", manifest.describe(), calls::text(error)))
}

async fn is_absent(context: &Context, manifest: &Manifest) -> Result<bool, RunError> {
    let api = api(context.client(), &manifest.api_version, &manifest.kind, &manifest.namespace);
    let what = format!("get {}", manifest.describe());
    let found = calls::patiently(context, &what, || api.get_opt(&manifest.name)).await;
    Ok(found.map_err(|error| failed(manifest, &error))?.is_none())
}

/// Writes down what will be created.
async fn announce(
    context: &Context,
    manifest: &Manifest,
    absent: bool,
    created: &mut Vec<Undo>,
) -> Result<(), RunError> {
    if absent {
        claims(context, manifest, created).await?;
        context.recorder.creating(manifest.undo()).map_err(RunError::Evidence)?;
        created.push(manifest.undo());
    }
    Ok(())
}

async fn put(context: &Context, manifest: &Manifest, absent: bool) -> Result<(), RunError> {
    let mut object = manifest.object.clone();
    if absent {
        object["metadata"]["annotations"][RUN] = json!(&*context.run);
        // There is no record of the run before there is a namespace to keep it in: a label is what can be looked for.
        if manifest.kind == "Namespace" {
            object["metadata"]["labels"][MANAGED_BY] = json!(MANAGER);
            object["metadata"]["labels"][RUN] = json!(crate::plan::label(&context.run));
        }
    }
    let api = api(context.client(), &manifest.api_version, &manifest.kind, &manifest.namespace);
    let what = format!("apply {}", manifest.describe());
    let params = PatchParams::apply(MANAGER);
    let patch = Patch::Apply(&object);
    let applied = calls::patiently(context, &what, || api.patch(&manifest.name, &params, &patch)).await;
    applied.map(drop).map_err(|error| failed(manifest, &error))
}

/// The claims that a StatefulSet's controller will make outlive it: those that are not there yet are ours to remove, after
/// it. In a namespace of our own they end with the namespace.
async fn claims(context: &Context, set: &Manifest, created: &mut Vec<Undo>) -> Result<(), RunError> {
    let ours = |undo: &Undo| matches!(undo, Undo::DeleteObject { kind, name, .. } if kind == "Namespace" && *name == set.namespace);
    if created.iter().any(ours) {
        return Ok(());
    }
    for name in claim_names(set) {
        let api = api(context.client(), "v1", "PersistentVolumeClaim", &set.namespace);
        let what = format!("get PersistentVolumeClaim {}/{name}", set.namespace);
        let found = calls::patiently(context, &what, || api.get_opt(&name)).await;
        let found = found.map_err(|error| RunError::Fixture(format!("{what}: {}", calls::text(&error))))?;
        if found.is_none() {
            let (api_version, kind) = ("v1".to_owned(), "PersistentVolumeClaim".to_owned());
            let undo = Undo::DeleteObject { api_version, kind, namespace: set.namespace.clone(), name };
            context.recorder.creating(undo.clone()).map_err(RunError::Evidence)?;
            created.push(undo);
        }
    }
    Ok(())
}

/// `TEMPLATE-SET-ORDINAL`, as the controller names them.
fn claim_names(set: &Manifest) -> Vec<String> {
    let templates = set.object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    if set.kind != "StatefulSet" {
        return Vec::new();
    }
    let number = |pointer: &str, default| set.object.pointer(pointer).and_then(Value::as_u64).unwrap_or(default);
    let (first, replicas) = (number("/spec/ordinals/start", 0), number("/spec/replicas", 1));
    let names = templates.into_iter().flatten().filter_map(|template| template.pointer("/metadata/name")?.as_str());
    names
        .flat_map(|template| (first..first + replicas).map(move |ordinal| format!("{template}-{}-{ordinal}", set.name)))
        .collect()
}

/// Removes what was created, last first. Returns what is left, with the command that removes it.
pub(super) async fn remove(context: &Context, created: &[Undo]) -> Vec<String> {
    let mut left = Vec::new();
    for undo in created.iter().rev() {
        if let Err(reason) = undo::apply(context, undo).await {
            left.push(reason);
        }
    }
    left
}

/// The manifests in the order of their kinds; the target's namespace first, when none of them is it.
fn ordered(manifests: &[Value], namespace: &str) -> Result<Vec<Manifest>, String> {
    let mut all = Vec::new();
    for object in manifests {
        flatten(object, namespace, &mut all)?;
    }
    if !all.iter().any(|manifest| manifest.kind == "Namespace" && manifest.name == namespace) {
        let labels = json!({ MANAGED_BY: MANAGER });
        let metadata = json!({ "name": namespace, "labels": labels });
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        flatten(&object, namespace, &mut all)?;
        all.iter_mut().rev().take(1).for_each(|manifest| manifest.implied = true);
    }
    let rank = |kind: &str| ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len());
    all.sort_by_key(|manifest| rank(&manifest.kind));
    Ok(all)
}

fn flatten(object: &Value, namespace: &str, all: &mut Vec<Manifest>) -> Result<(), String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    if kind == "List" {
        let items = object["items"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        return items.iter().try_for_each(|item| flatten(item, namespace, all));
    }
    if api_version.is_empty() || kind.is_empty() || name.is_empty() {
        return Err(format!("a manifest has no apiVersion, kind or metadata.name: {api_version} {kind} {name}"));
    }
    let mut object = object.clone();
    let within = if CLUSTER_SCOPED.contains(&kind.as_str()) {
        String::new()
    } else {
        let written = text_or(&object, "/metadata/namespace", namespace);
        object["metadata"]["namespace"] = json!(written);
        written
    };
    all.push(Manifest { api_version, kind, namespace: within, name, object, implied: false });
    Ok(())
}

fn text_or(object: &Value, pointer: &str, default: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or(default).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(api_version: &str, kind: &str, name: &str) -> Value {
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } })
    }

    #[test]
    fn what_others_need_comes_first() {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [manifest("v1", "Service", "web")] });
        let manifests = [manifest("apps/v1", "Deployment", "web"), list, manifest("v1", "ConfigMap", "web")];
        let ordered = ordered(&manifests, "shop").unwrap();
        let lines: Vec<String> = ordered.iter().map(Manifest::describe).collect();
        assert_eq!(lines, ["Namespace shop", "ConfigMap shop/web", "Service shop/web", "Deployment shop/web"]);
        assert_eq!(ordered[0].object["metadata"]["labels"][MANAGED_BY], MANAGER);
        assert_eq!(ordered[3].object["metadata"]["namespace"], "shop");
    }

    #[test]
    fn claims_are_named_as_the_controller_names_them() {
        let mut set = manifest("apps/v1", "StatefulSet", "db");
        set["spec"] = json!({ "replicas": 2, "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] });
        let ordered = ordered(&[set], "shop").unwrap();
        assert_eq!(claim_names(&ordered[1]), ["data-db-0", "data-db-1"]);
        assert_eq!(claim_names(&ordered[0]), [] as [String; 0]);
    }

    #[test]
    fn a_namespace_of_ones_own_is_kept() {
        let mut elsewhere = manifest("v1", "ConfigMap", "web");
        elsewhere["metadata"]["namespace"] = json!("other");
        let ordered = ordered(&[elsewhere, manifest("v1", "Namespace", "shop")], "shop").unwrap();
        let lines: Vec<String> = ordered.iter().map(Manifest::describe).collect();
        assert_eq!(lines, ["Namespace shop", "ConfigMap other/web"]);
        assert!(ordered[0].object["metadata"].get("labels").is_none());
    }

    #[test]
    fn a_manifest_without_a_name_is_refused() {
        assert!(ordered(&[json!({ "apiVersion": "v1", "kind": "ConfigMap" })], "shop").is_err());
    }
}
