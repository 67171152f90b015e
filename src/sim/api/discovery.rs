//! Health, version and discovery, so that a real kubectl finds its way.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::Kind;

use super::error::ApiError;
use super::handle::{Call, Outcome};

/// The version that the embedded API server claims: that of the pinned API types.
const MINOR: &str = "33";

/// Answers a path that names no resource.
pub(super) fn serve(call: &Call, segments: &[String]) -> Result<Outcome, ApiError> {
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
            "groups": groups().into_iter().map(|(name, version)| group(name, version)).collect::<Vec<_>>(),
        }),
        ["apis", name] => {
            let version = groups().get(name).copied().ok_or_else(ApiError::unknown_path)?;
            let mut group = group(name, version);
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        ["api", "v1"] => resources("", "v1"),
        ["apis", name, version] if groups().get(name) == Some(version) => resources(name, version),
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

/// Served groups with their version, the core group left out.
fn groups() -> BTreeMap<&'static str, &'static str> {
    let named = Kind::ALL.into_iter().map(Kind::facts).filter(|facts| !facts.group.is_empty());
    named.map(|facts| (facts.group, facts.version)).chain([("authorization.k8s.io", "v1")]).collect()
}

fn group(name: &str, version: &str) -> Value {
    let served = json!({ "groupVersion": format!("{name}/{version}"), "version": version });
    json!({ "name": name, "versions": [served], "preferredVersion": served })
}

fn resources(group: &str, version: &str) -> Value {
    let mut resources = Vec::new();
    for facts in Kind::ALL.into_iter().map(Kind::facts).filter(|facts| facts.group == group) {
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
            sub("status", facts.group, facts.version, facts.kind, &["get", "patch", "update"]);
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
