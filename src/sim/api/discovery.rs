//! Health, version and discovery, so that a real kubectl finds its way.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::kind::Facts;
use crate::{Kind, Store, registry};

use super::error::ApiError;
use super::handle::{Call, Outcome};

/// The version that the embedded API server claims: that of the pinned API types.
const MINOR: &str = "36";

/// Answers a path that names no resource.
pub(super) fn serve(store: &Store, call: &Call, segments: &[String]) -> Result<Outcome, ApiError> {
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    if call.method != Method::GET {
        return Err(ApiError::unknown_path());
    }
    let body = match parts.as_slice() {
        ["healthz" | "readyz" | "livez", ..] => return Ok(Outcome::Text(200, "ok".to_owned())),
        ["version"] => version(),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": "embedded:443" }],
        }),
        ["apis"] => json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": groups(store).into_iter().map(|(name, versions)| group(name, &versions)).collect::<Vec<_>>(),
        }),
        ["apis", name] => {
            let groups = groups(store);
            let mut group = group(name, groups.get(name).ok_or_else(ApiError::unknown_path)?);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["api", "v1"] => resources(store, "", "v1"),
        ["apis", name, version] if groups(store).get(name).is_some_and(|versions| versions.contains(version)) => {
            resources(store, name, version)
        }
        _ => return Err(ApiError::unknown_path()),
    };
    Ok(Outcome::json(200, &body))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": MINOR, "gitVersion": format!("v1.{MINOR}.0+embedded"), "gitCommit": "",
        "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc",
        "platform": "linux/amd64",
    })
}

fn all(store: &Store) -> impl Iterator<Item = Facts> {
    Kind::ALL.into_iter().chain(registry::defined(store)).map(Kind::facts)
}

/// Served groups with their versions, the preferred one first; the core group left out.
fn groups(store: &Store) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut groups: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::from([("authorization.k8s.io", vec!["v1"])]);
    for facts in all(store).filter(|facts| !facts.group.is_empty()) {
        let versions = groups.entry(facts.group).or_default();
        for version in facts.versions() {
            if !versions.contains(&version) {
                versions.push(version);
            }
        }
    }
    groups
}

fn group(name: &str, versions: &[&str]) -> Value {
    let served = |version: &&str| json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    let all: Vec<Value> = versions.iter().map(served).collect();
    json!({ "name": name, "versions": all, "preferredVersion": all[0] })
}

fn resources(store: &Store, group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for facts in all(store).filter(|facts| facts.group == group && facts.has_version(version)) {
        let mut resource = json!({
            "name": facts.plural, "singularName": facts.kind.to_lowercase(), "namespaced": facts.namespaced,
            "kind": facts.kind,
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        });
        if !facts.short.is_empty() {
            resource["shortNames"] = json!(facts.short);
        }
        if matches!(facts.kind, "Pod" | "Service" | "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job") {
            resource["categories"] = json!(["all"]);
        }
        resources.push(resource);
        let mut sub = |name: &str, group: &str, version: &str, kind: &str, verbs: &[&str]| {
            resources.push(json!({
                "name": format!("{}/{name}", facts.plural), "singularName": "", "namespaced": facts.namespaced,
                "group": group, "version": version, "kind": kind, "verbs": verbs,
            }));
        };
        if facts.status {
            sub("status", facts.group, version, facts.kind, &["get", "patch", "update"]);
        }
        if facts.scale {
            sub("scale", "autoscaling", "v1", "Scale", &["get", "patch", "update"]);
        }
        match facts.kind {
            "Pod" => {
                sub("eviction", "policy", "v1", "Eviction", &["create"]);
                sub("binding", "", "v1", "Binding", &["create"]);
                sub("proxy", "", "v1", "PodProxyOptions", &["create", "delete", "get", "patch", "update"]);
            }
            "Service" => sub("proxy", "", "v1", "ServiceProxyOptions", &["create", "delete", "get", "patch", "update"]),
            _ => {}
        }
    }
    if group == "authorization.k8s.io" {
        for (name, kind) in [
            ("selfsubjectaccessreview", "SelfSubjectAccessReview"),
            ("selfsubjectrulesreview", "SelfSubjectRulesReview"),
        ] {
            resources.push(json!({
                "name": format!("{name}s"), "singularName": name, "namespaced": false, "kind": kind, "verbs": ["create"],
            }));
        }
    }
    let version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources })
}
