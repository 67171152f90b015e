//! Applies the fixture's manifests by server-side apply, in an order in which each finds what it needs, and remembers
//! which objects it created: only those are removed again. Never takes over a field that somebody else manages.

use kube::Client;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams, ValidationDirective,
};
use serde_json::{Value, json};

use crate::evidence::Undo;
use crate::plan::{MANAGED_BY, MANAGER, RUN};
use crate::scenario::{Refusal, Scenario, Scopes, objects, unaddressable};

use super::context::Context;
use super::record;
use super::{RunError, calls, served};

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

/// Checks that every manifest may be applied, before anything is touched.
///
/// # Errors
/// The first that may not.
pub(super) async fn check(context: &Context, manifests: &[Value]) -> Result<(), RunError> {
    ordered(&context.scenario, manifests).map_err(RunError::Fixture)?;
    served::check(context, manifests).await
}

/// Applies the manifests and enters into the ledger how to remove each object that was not there before, before it may be
/// there. Namespaces come first: the run's record is kept in one, and names everything else before it is created.
///
/// # Errors
/// The first manifest that cannot be used or was refused.
pub(super) async fn apply(context: &Context, manifests: &[Value]) -> Result<(), RunError> {
    let ordered = ordered(&context.scenario, manifests).map_err(RunError::Fixture)?;
    let (namespaces, rest): (Vec<Manifest>, Vec<Manifest>) =
        ordered.into_iter().partition(|manifest| manifest.kind == "Namespace");
    for manifest in namespaces {
        let absent = is_absent(context, &manifest).await?;
        // A namespace that nobody wrote down is created when it is missing, and else left as it is.
        if absent || !manifest.implied {
            announce(context, &manifest, absent).await?;
            put(context, &manifest, absent).await?;
        }
    }
    let mut missing = Vec::new();
    for manifest in &rest {
        let absent = is_absent(context, manifest).await?;
        announce(context, manifest, absent).await?;
        missing.push(absent);
    }
    record::open(context).await?;
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
async fn announce(context: &Context, manifest: &Manifest, absent: bool) -> Result<(), RunError> {
    if absent {
        claims(context, manifest).await?;
        context.creating(manifest.undo()).await.map_err(RunError::Evidence)?;
    }
    Ok(())
}

async fn put(context: &Context, manifest: &Manifest, absent: bool) -> Result<(), RunError> {
    let mut object = manifest.object.clone();
    if absent {
        object["metadata"]["annotations"][RUN] = json!(&*context.run);
        // Claims outlive the set whose controller makes them: by the template they carry the mark as well.
        for template in
            object.pointer_mut("/spec/volumeClaimTemplates").and_then(Value::as_array_mut).into_iter().flatten()
        {
            template["metadata"]["annotations"][RUN] = json!(&*context.run);
        }
        // There is no record of the run before there is a namespace to keep it in: a label is what can be looked for.
        if manifest.kind == "Namespace" {
            object["metadata"]["labels"][MANAGED_BY] = json!(MANAGER);
            object["metadata"]["labels"][RUN] = json!(crate::plan::label(&context.run));
        }
    }
    let api = api(context.client(), &manifest.api_version, &manifest.kind, &manifest.namespace);
    let what = format!("apply {}", manifest.describe());
    if absent && has_twins(&object) {
        // kubectl takes it, with a warning; server-side apply cannot tell the two apart.
        let object: DynamicObject = serde_json::from_value(object)
            .map_err(|error| RunError::Fixture(format!("apply {}: {error}", manifest.describe())))?;
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let created = calls::patiently(context, &what, || api.create(&params, &object)).await;
        return created.map(drop).map_err(|error| failed(manifest, &error));
    }
    // As `kubectl apply`: what the kind does not have is refused, not dropped.
    let params = PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply(MANAGER) };
    let patch = Patch::Apply(&object);
    let applied = calls::patiently(context, &what, || api.patch(&manifest.name, &params, &patch)).await;
    applied.map(drop).map_err(|error| failed(manifest, &error))
}

/// Whether a container has two ports of one number, or two variables of one name: valid, but no two items for a server-side apply.
fn has_twins(value: &Value) -> bool {
    let twins = |items: &[Value], key: &dyn Fn(&Value) -> String| {
        (1..items.len()).any(|index| items[..index].iter().any(|other| key(other) == key(&items[index])))
    };
    match value {
        Value::Object(fields) => fields.iter().any(|(name, inner)| {
            let found = match (name.as_str(), inner.as_array()) {
                ("ports", Some(ports)) if ports.iter().all(|port| port.get("containerPort").is_some()) => {
                    twins(ports, &|port| {
                        format!("{} {}", port["containerPort"], port["protocol"].as_str().unwrap_or("TCP"))
                    })
                }
                ("env" | "imagePullSecrets", Some(items)) => twins(items, &|item| item["name"].to_string()),
                _ => false,
            };
            found || has_twins(inner)
        }),
        Value::Array(items) => items.iter().any(has_twins),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The claims that a StatefulSet's controller will make outlive it: those that are not there yet are ours to remove, after
/// it. In a namespace of our own they end with the namespace.
async fn claims(context: &Context, set: &Manifest) -> Result<(), RunError> {
    let ours = |undo: &Undo| matches!(undo, Undo::DeleteObject { kind, name, .. } if kind == "Namespace" && *name == set.namespace);
    if context.ledger.created().iter().any(ours) {
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
            context.creating(undo).await.map_err(RunError::Evidence)?;
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

/// The manifests in the order of their kinds; the target's namespace first, when none of them is it.
fn ordered(scenario: &Scenario, manifests: &[Value]) -> Result<Vec<Manifest>, String> {
    let scopes = Scopes::new(scenario, manifests);
    let written = manifests.iter().flat_map(objects).map(|object| manifest(&scopes, object));
    let mut all = written.collect::<Result<Vec<Manifest>, String>>()?;
    let namespace = &scenario.target.namespace;
    if !all.iter().any(|manifest| manifest.kind == "Namespace" && manifest.name == *namespace) {
        let labels = json!({ MANAGED_BY: MANAGER });
        let metadata = json!({ "name": namespace, "labels": labels });
        let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
        // It is the target's, and leaves nothing.
        all.push(Manifest { implied: true, ..placed(&scopes, &object) });
    }
    let rank = |kind: &str| ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len());
    all.sort_by_key(|manifest| rank(&manifest.kind));
    Ok(all)
}

fn manifest(scopes: &Scopes<'_>, object: &Value) -> Result<Manifest, String> {
    if let Some(mistake) = unaddressable(object) {
        return Err(format!("a manifest cannot be used: {mistake}"));
    }
    if let Some(refusal) = scopes.refusal(object) {
        return Err(refused(&refusal));
    }
    Ok(placed(scopes, object))
}

fn placed(scopes: &Scopes<'_>, object: &Value) -> Manifest {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (api_version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    let namespace = scopes.namespace(object).unwrap_or_default().to_owned();
    let mut object = object.clone();
    match object["metadata"].as_object_mut() {
        Some(metadata) if namespace.is_empty() => drop(metadata.remove("namespace")),
        Some(metadata) => drop(metadata.insert("namespace".to_owned(), json!(namespace))),
        None => {}
    }
    Manifest { api_version, kind, namespace, name, object, implied: false }
}

/// A refusal that was not told with the scenario's mistakes.
pub(super) fn refused(refusal: &Refusal) -> String {
    format!(
        "{} leaves the target's namespace; if it must, allow it by name: {}; nothing was started",
        refusal.object, refusal.allow
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(api_version: &str, kind: &str, name: &str) -> Value {
        json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name } })
    }

    fn scenario(keys: &str) -> Scenario {
        let rest = "[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"pod-kill\"\n";
        crate::scenario::parse("a.toml", &format!("name = \"a\"\n{keys}\n{rest}")).expect("a scenario")
    }

    fn described(keys: &str, manifests: &[Value]) -> Result<Vec<String>, String> {
        ordered(&scenario(keys), manifests).map(|all| all.iter().map(Manifest::describe).collect())
    }

    #[test]
    fn what_others_need_comes_first() {
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [manifest("v1", "Service", "web")] });
        let manifests = [manifest("apps/v1", "Deployment", "web"), list, manifest("v1", "ConfigMap", "web")];
        let ordered = ordered(&scenario(""), &manifests).unwrap();
        let lines: Vec<String> = ordered.iter().map(Manifest::describe).collect();
        assert_eq!(lines, ["Namespace shop", "ConfigMap shop/web", "Service shop/web", "Deployment shop/web"]);
        assert_eq!(ordered[0].object["metadata"]["labels"][MANAGED_BY], MANAGER);
        assert_eq!(ordered[3].object["metadata"]["namespace"], "shop");
    }

    #[test]
    fn claims_are_named_as_the_controller_names_them() {
        let mut set = manifest("apps/v1", "StatefulSet", "db");
        set["spec"] = json!({ "replicas": 2, "volumeClaimTemplates": [{ "metadata": { "name": "data" } }] });
        let ordered = ordered(&scenario(""), &[set]).unwrap();
        assert_eq!(claim_names(&ordered[1]), ["data-db-0", "data-db-1"]);
        assert_eq!(claim_names(&ordered[0]), [] as [String; 0]);
    }

    #[test]
    fn a_namespace_of_ones_own_is_kept() {
        let own = manifest("v1", "Namespace", "shop");
        let ordered = ordered(&scenario(""), &[manifest("v1", "ConfigMap", "web"), own]).unwrap();
        let lines: Vec<String> = ordered.iter().map(Manifest::describe).collect();
        assert_eq!(lines, ["Namespace shop", "ConfigMap shop/web"]);
        assert!(ordered[0].object["metadata"].get("labels").is_none());
    }

    #[test]
    fn a_manifest_that_leaves_is_refused_unless_it_is_allowed_by_name() {
        let mut elsewhere = manifest("v1", "ConfigMap", "web");
        elsewhere["metadata"]["namespace"] = json!("other");
        let class = manifest("storage.k8s.io/v1", "StorageClass", "fast");
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [elsewhere, class] });
        let manifests = [list, manifest("v1", "Namespace", "other")];
        for (keys, lacking) in [
            ("", "ConfigMap other/web"),
            ("fixture.namespaces = [\"other\"]", "StorageClass fast"),
            ("fixture.cluster_scoped = [\"StorageClass\"]", "ConfigMap other/web"),
        ] {
            let refusal = described(keys, &manifests).unwrap_err();
            assert!(refusal.starts_with(lacking), "{keys}: {refusal}");
        }
        let allowed = "fixture.namespaces = [\"other\"]\nfixture.cluster_scoped = [\"StorageClass\"]";
        let all = ["Namespace other", "Namespace shop", "StorageClass fast", "ConfigMap other/web"];
        assert_eq!(described(allowed, &manifests).unwrap(), all);
    }

    #[test]
    fn a_manifest_without_an_address_of_its_own_is_refused() {
        assert!(described("", &[json!({ "apiVersion": "v1", "kind": "ConfigMap" })]).is_err());
        assert!(described("", &[manifest("v1", "ConfigMap", "../../kube-system/configmaps/web")]).is_err());
    }
}
