//! Pods and pod templates (`ValidatePodSpec` and `ValidatePodTemplateSpec` in pkg/apis/core/validation).

use std::collections::BTreeSet;

use super::containers::Pod;
use super::field::Field;
use super::{affinity, containers, meta, resources, security, volumes, words};

/// A pod of its own, or the template of one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    Pod,
    Template,
}

/// A pod.
pub(super) fn pod(pod: &Field<'_>) {
    spec(&pod.at("spec"), pod.at("metadata").at("name").text(), Of::Pod);
    annotations(&pod.at("metadata").at("annotations"), &pod.at("spec"));
    if !pod.at("spec").at("ephemeralContainers").is_empty() {
        pod.at("spec").at("ephemeralContainers").forbidden("cannot be set on create");
    }
}

/// `spec.template`; a template without metadata of its own has no labels to check.
pub(super) fn template(template: &Field<'_>) {
    meta::template(&template.at("metadata"));
    annotations(&template.at("metadata").at("annotations"), &template.at("spec"));
    spec(&template.at("spec"), "", Of::Template);
    if !template.at("spec").at("ephemeralContainers").is_empty() {
        let field = template.at("spec").at("ephemeralContainers");
        field.forbidden("ephemeral containers not allowed in pod template");
    }
}

fn spec(spec: &Field<'_>, name: &str, of: Of) {
    let mut claims = BTreeSet::new();
    for claim in spec.at("resourceClaims").items() {
        let own = claim.at("name");
        if own.is_given() && !claims.insert(own.text()) {
            own.duplicate();
        }
        own.text_by_if_any(words::label);
        let sources = ["resourceClaimName", "resourceClaimTemplateName"].map(|source| claim.at(source));
        match sources.iter().filter(|source| source.is_set()).count() {
            0 => claim.invalid("must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"),
            1 => {}
            _ => claim.invalid("at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
        }
        for source in sources.iter().filter(|source| source.is_set()) {
            source.text_by(words::subdomain);
        }
    }
    let pod = Pod {
        spec: spec.clone(),
        volumes: volumes::all(&spec.at("volumes"), name, of),
        claims: claims.into_iter().collect(),
    };
    containers::all(&pod);
    if spec.at("resources").is_set() {
        if spec.at("resources").at("claims").is_set() {
            spec.at("resources").at("claims").forbidden("claims may not be set for Resources at pod-level");
        }
        resources::requirements(&spec.at("resources"), &[]);
    }
    host_network(spec, of);
    host_name(spec);
    spec.at("restartPolicy").one_of_required(&["Always", "Never", "OnFailure"]);
    spec.at("dnsPolicy").one_of_required(&["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]);
    meta::labels(&spec.at("nodeSelector"));
    security::pod(spec);
    affinity::affinity(&spec.at("affinity"));
    dns(spec);
    for gate in spec.at("readinessGates").items() {
        gate.at("conditionType").text_by(words::qualified);
    }
    scheduling_gates(spec, of);
    affinity::spread(&spec.at("topologySpreadConstraints"));
    affinity::tolerations(&spec.at("tolerations"));
    spec.at("serviceAccountName").text_by_if_any(words::subdomain);
    spec.at("nodeName").text_by_if_any(words::subdomain);
    spec.at("priorityClassName").text_by_if_any(words::subdomain);
    if spec.at("runtimeClassName").is_set() {
        spec.at("runtimeClassName").text_by(words::subdomain);
    }
    spec.at("hostname").text_by_if_any(words::label);
    spec.at("subdomain").text_by_if_any(words::label);
    spec.at("activeDeadlineSeconds").between(1, i64::from(i32::MAX));
    spec.at("preemptionPolicy").one_of(&["Never", "PreemptLowerPriority"]);
    for (resource, amount) in spec.at("overhead").entries() {
        resources::container_name(resource, &amount);
        resources::amount(resource, &amount);
    }
    for alias in spec.at("hostAliases").items() {
        alias.at("ip").text_by(words::address);
        for name in alias.at("hostnames").items() {
            name.text_by(words::subdomain);
        }
    }
}

fn host_network(spec: &Field<'_>, of: Of) {
    if !spec.at("hostNetwork").is_true() {
        return;
    }
    for port in spec.at("containers").items().flat_map(|container| container.at("ports").items()) {
        let number = |field| port.at(field).number().unwrap_or(0);
        let (host, own) = (number("hostPort"), number("containerPort"));
        if host != own && (of == Of::Pod || host != 0) {
            port.at("hostPort").invalid("must match `containerPort` when `hostNetwork` is true");
        }
    }
}

/// A name in place of the pod's own (`validatePodHostName`).
fn host_name(spec: &Field<'_>) {
    let name = spec.at("hostnameOverride");
    if !name.is_set() {
        return;
    }
    for other in ["setHostnameAsFQDN", "hostNetwork"].into_iter().filter(|other| spec.at(other).is_true()) {
        name.forbidden(&format!("may not be specified when {other} is true"));
    }
    if name.text().len() > 64 {
        name.too_long(64);
    }
    name.text_by(words::subdomain);
}

fn scheduling_gates(spec: &Field<'_>, of: Of) {
    let mut seen = BTreeSet::new();
    for gate in spec.at("schedulingGates").items() {
        let name = gate.at("name").text();
        if let Some(wrong) = words::qualified(name) {
            gate.invalid_value(name, &wrong);
        }
        if !seen.insert(name) {
            gate.duplicate();
        }
    }
    if of == Of::Pod && !seen.is_empty() && !spec.at("nodeName").text().is_empty() {
        spec.at("nodeName").forbidden("cannot be set until all schedulingGates have been cleared");
    }
}

fn dns(spec: &Field<'_>) {
    let config = spec.at("dnsConfig");
    let servers = config.at("nameservers");
    if spec.at("dnsPolicy").text() == "None" {
        if !config.is_set() {
            config.required("must provide `dnsConfig` when `dnsPolicy` is None");
            return;
        }
        if servers.is_empty() {
            servers.required("must provide at least one DNS nameserver when `dnsPolicy` is None");
            return;
        }
    }
    if servers.len() > 3 {
        servers.invalid("must not have more than 3 nameservers");
    }
    for server in servers.items() {
        server.text_by(words::address);
    }
    let searches = config.at("searches");
    if searches.len() > 32 {
        searches.invalid("must not have more than 32 search paths");
    }
    if searches.items().map(|search| search.text().len() + 1).sum::<usize>() > 2049 {
        searches.invalid("must not have more than 2048 characters (including spaces) in the search list");
    }
    for search in searches.items().filter(|search| search.text() != ".") {
        let text = search.text().strip_suffix('.').unwrap_or(search.text());
        if let Some(wrong) = words::subdomain_with_underscores(text) {
            search.invalid_value(text, &wrong);
        }
    }
    for option in config.at("options").items() {
        if option.at("name").text().is_empty() {
            option.required("must not be empty");
        }
    }
}

/// Annotations that mean something to the server.
fn annotations(annotations: &Field<'_>, spec: &Field<'_>) {
    const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
    for (key, value) in annotations.entries() {
        let text = value.text();
        match key {
            "kubernetes.io/config.mirror" if spec.at("nodeName").text().is_empty() => {
                value.invalid("must set spec.nodeName if mirror pod annotation is set");
            }
            "controller.kubernetes.io/pod-deletion-cost" if !is_cost(text) => {
                value.invalid("must be a 32bit integer");
            }
            "seccomp.security.alpha.kubernetes.io/pod" if !is_seccomp(text) => {
                value.invalid("must be a valid seccomp profile");
            }
            _ => {}
        }
        if let Some(container) = key.strip_prefix(APP_ARMOR) {
            let known = ["initContainers", "containers", "ephemeralContainers"]
                .into_iter()
                .any(|list| spec.at(list).items().any(|one| one.at("name").text() == container));
            if !known {
                value.invalid_value(container, "container not found");
            }
            let fine = matches!(text, "" | "runtime/default" | "unconfined") || text.starts_with("localhost/");
            if !fine {
                value.invalid(&format!("invalid AppArmor profile name: {text:?}"));
            }
        }
        if key.starts_with("container.seccomp.security.alpha.kubernetes.io/") && !is_seccomp(text) {
            value.invalid("must be a valid seccomp profile");
        }
    }
}

/// A 32-bit integer in its one spelling.
fn is_cost(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = text == "0" || (!digits.is_empty() && !digits.starts_with('0') && !text.starts_with('+'));
    text.is_empty() || (canonical && text.parse::<i32>().is_ok())
}

fn is_seccomp(text: &str) -> bool {
    matches!(text, "runtime/default" | "docker/default" | "unconfined")
        || text.strip_prefix("localhost/").is_some_and(|path| words::descending_path(path).is_none())
}
