//! The level `restricted`: hardened pods only. What it says more strictly than `baseline` stands in its place.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::baseline::{self, bad_seccomp};
use super::{Pod, Violation, named, quoted, setters, using};

const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// What breaks the level.
pub(super) fn violations(pod: Pod<'_>, minor: u32) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    found.extend(baseline::app_armor(pod));
    found.extend(baseline::host_namespaces(pod));
    found.extend(baseline::shared(pod, minor));
    found.extend(baseline::rest(pod, minor));
    let linux = !(pod.is_windows() && minor >= 25);
    if linux {
        found.extend(escalation(pod));
        found.extend(capabilities(pod));
    }
    found.extend(volumes(pod));
    if !(minor >= 35 && pod.has_user_namespace()) {
        found.extend(non_root(pod));
        found.extend(root(pod));
    }
    if linux {
        found.extend(seccomp(pod));
    }
    found
}

fn escalation(pod: Pod<'_>) -> Option<Violation> {
    let bad =
        pod.named(|container| container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&json!(false)));
    (!bad.is_empty()).then(|| {
        let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", named(&bad));
        ("allowPrivilegeEscalation != false", detail)
    })
}

fn capabilities(pod: Pod<'_>) -> Option<Violation> {
    let list = |container: &Value, side: &str| -> Vec<String> {
        let all = container.pointer(&format!("/securityContext/capabilities/{side}")).and_then(Value::as_array);
        all.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let added = |container: &Value| -> Vec<String> {
        list(container, "add").into_iter().filter(|name| name != "NET_BIND_SERVICE").collect()
    };
    let keeping = pod.named(|container| !list(container, "drop").iter().any(|name| name == "ALL"));
    let adding = pod.named(|container| !added(container).is_empty());
    let mut parts = Vec::new();
    if !keeping.is_empty() {
        parts.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named(&keeping)));
    }
    if !adding.is_empty() {
        let all: BTreeSet<String> = pod.containers().flat_map(added).collect();
        let what = quoted(&all);
        parts.push(format!("{} must not include {what} in securityContext.capabilities.add", named(&adding)));
    }
    (!parts.is_empty()).then(|| ("unrestricted capabilities", parts.join("; ")))
}

fn volumes(pod: Pod<'_>) -> Option<Violation> {
    let (mut names, mut kinds) = (Vec::new(), BTreeSet::new());
    for volume in pod.spec["volumes"].as_array().into_iter().flatten() {
        let kind =
            volume.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).find(|field| *field != "name");
        let kind = kind.unwrap_or("unknown");
        if !VOLUMES.contains(&kind) {
            names.push(volume["name"].as_str().unwrap_or_default());
            kinds.insert(kind.to_owned());
        }
    }
    let shown = quoted(&kinds);
    (!names.is_empty())
        .then(|| ("restricted volume types", using("volume", &names, "restricted volume type", &kinds, &shown)))
}

fn non_root(pod: Pod<'_>) -> Option<Violation> {
    let said = |value: &Value| value.pointer("/securityContext/runAsNonRoot").and_then(Value::as_bool);
    let of_pod = said(pod.spec);
    if let Some(who) = setters(of_pod == Some(false), &pod.named(|container| said(container) == Some(false))) {
        return Some(("runAsNonRoot != true", format!("{who} must not set securityContext.runAsNonRoot=false")));
    }
    let silent = pod.named(|container| said(container).is_none());
    (of_pod != Some(true) && !silent.is_empty()).then(|| {
        ("runAsNonRoot != true", format!("pod or {} must set securityContext.runAsNonRoot=true", named(&silent)))
    })
}

fn root(pod: Pod<'_>) -> Option<Violation> {
    let is_root = |value: &Value| value.pointer("/securityContext/runAsUser").and_then(Value::as_i64) == Some(0);
    let who = setters(is_root(pod.spec), &pod.named(is_root))?;
    Some(("runAsUser=0", format!("{who} must not set runAsUser=0")))
}

fn seccomp(pod: Pod<'_>) -> Option<Violation> {
    if let Some(explicit) = baseline::seccomp(pod) {
        return Some(explicit);
    }
    let set = |value: &Value| value.pointer("/securityContext/seccompProfile").is_some();
    let silent = pod.named(|container| !set(container));
    let covered = set(pod.spec) && bad_seccomp(pod.spec).is_none();
    (!covered && !silent.is_empty()).then(|| {
        let detail = format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            named(&silent)
        );
        ("seccompProfile", detail)
    })
}
