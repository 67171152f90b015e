//! What extends the API: definitions of kinds, webhooks, services behind the API (apiextensions-apiserver, pkg/apis/admissionregistration,
//! kube-aggregator).

use std::collections::BTreeSet;

use super::field::Field;
use super::{meta, words};

/// A `CustomResourceDefinition` (`ValidateCustomResourceDefinition`).
pub(super) fn definition(definition: &Field<'_>) {
    let spec = definition.at("spec");
    let generated = definition.at("metadata").at("generateName");
    if !generated.text().is_empty() {
        generated.invalid("must be spec.names.plural+\".\"+spec.group");
    }
    spec.at("group").given_by(words::subdomain);
    if spec.at("group").text().split('.').count() < 2 {
        spec.at("group").invalid("should be a domain with at least one dot");
    }
    spec.at("scope").one_of_required(&["Cluster", "Namespaced"]);
    let names = spec.at("names");
    for field in ["plural", "singular"] {
        names.at(field).given_by(words::service_label);
    }
    for field in ["kind", "listKind"] {
        names.at(field).given_by(|text| words::service_label(&text.to_lowercase()));
    }
    for short in names.at("shortNames").items().chain(names.at("categories").items()) {
        short.text_by(words::service_label);
    }
    if names.at("kind").text() == names.at("listKind").text() && !names.at("kind").text().is_empty() {
        names.at("listKind").invalid("kind and listKind may not be the same");
    }
    let versions = spec.at("versions");
    if versions.is_empty() {
        versions.required("must have at least one version");
    }
    let (mut seen, mut stored) = (BTreeSet::new(), 0);
    for version in versions.items() {
        let name = version.at("name");
        name.text_by(words::service_label);
        if !seen.insert(name.text()) {
            versions.invalid("must contain unique version names");
        }
        stored += usize::from(version.at("storage").is_true());
        if version.at("deprecationWarning").is_set() && !version.at("deprecated").is_true() {
            version.at("deprecationWarning").invalid("can only be set for deprecated versions");
        }
        let scale = version.at("subresources").at("scale");
        if scale.is_set() {
            let rooted = |field: &Field<'_>, root: &str| {
                if field.is_given() && !field.text().starts_with(root) {
                    field.invalid(&format!("should be a json path under {root}"));
                }
            };
            rooted(&scale.at("specReplicasPath"), ".spec.");
            rooted(&scale.at("statusReplicasPath"), ".status.");
            let selector = scale.at("labelSelectorPath");
            if !selector.text().is_empty()
                && !selector.text().starts_with(".spec.")
                && !selector.text().starts_with(".status.")
            {
                selector.invalid("should be a json path under either .spec or .status");
            }
        }
        if version.at("schema").at("openAPIV3Schema").is_set() {
            let kind = version.at("schema").at("openAPIV3Schema").at("type");
            if kind.text() != "object" {
                kind.invalid_value(kind.text(), "must be object at the root");
            }
            structural(&version.at("schema").at("openAPIV3Schema"), 0);
        } else {
            version.at("schema").at("openAPIV3Schema").required("schemas are required");
        }
    }
    if stored != 1 {
        versions.invalid("must have exactly one version marked as storage version");
    }
}

/// Each part of a schema says its type (`ValidateStructural`).
fn structural(schema: &Field<'_>, depth: usize) {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let kind = schema.at("type");
    let open = ["x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields"]
        .iter()
        .any(|field| schema.at(field).is_true());
    if kind.text().is_empty() {
        if !open {
            kind.required("must not be empty for specified object fields");
        }
    } else if !TYPES.contains(&kind.text()) {
        kind.unsupported(&TYPES);
    }
    if depth > 64 {
        return;
    }
    let more = schema.at("additionalProperties");
    if more.is_set() && !schema.at("properties").is_empty() {
        more.forbidden("additionalProperties and properties are mutual exclusive");
    }
    for (_, property) in schema.at("properties").entries() {
        structural(&property, depth + 1);
    }
    for inner in [more, schema.at("items")].into_iter().filter(|inner| inner.value.is_object()) {
        structural(&inner, depth + 1);
    }
    if kind.text() == "array" && !schema.at("items").is_set() {
        schema.at("items").required("must be specified");
    }
}

/// A validating or mutating webhook configuration (`ValidateValidatingWebhookConfiguration`).
pub(super) fn webhooks(configuration: &Field<'_>) {
    let mut names = BTreeSet::new();
    for hook in configuration.at("webhooks").items() {
        let name = hook.at("name");
        if name.text().split('.').count() < 3 || words::subdomain(name.text()).is_some() {
            name.invalid_value(name.text(), "should be a domain with at least three segments separated by dots");
        }
        if !names.insert(name.text()) {
            name.duplicate();
        }
        let effects = hook.at("sideEffects");
        effects.one_of_required(&["None", "NoneOnDryRun"]);
        if hook.at("admissionReviewVersions").is_empty() {
            hook.at("admissionReviewVersions").required("must specify one of v1, v1beta1");
        } else if !hook.at("admissionReviewVersions").items().any(|version| matches!(version.text(), "v1" | "v1beta1"))
        {
            hook.at("admissionReviewVersions").invalid("must include at least one of v1, v1beta1");
        }
        hook.at("failurePolicy").one_of(&["Fail", "Ignore"]);
        hook.at("matchPolicy").one_of(&["Equivalent", "Exact"]);
        hook.at("reinvocationPolicy").one_of(&["IfNeeded", "Never"]);
        hook.at("timeoutSeconds").between(1, 30);
        meta::selector(&hook.at("namespaceSelector"));
        meta::selector(&hook.at("objectSelector"));
        client(&hook.at("clientConfig"));
        for rule in hook.at("rules").items() {
            for list in ["operations", "apiGroups", "apiVersions", "resources"] {
                if rule.at(list).is_empty() {
                    rule.at(list).required("");
                }
            }
            for operation in rule.at("operations").items() {
                operation.one_of(&["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]);
            }
            if rule.at("operations").len() > 1 && rule.at("operations").items().any(|one| one.text() == "*") {
                rule.at("operations").invalid("if '*' is present, must not specify other operations");
            }
            rule.at("scope").one_of(&["*", "Cluster", "Namespaced"]);
        }
    }
}

fn client(config: &Field<'_>) {
    let (url, service) = (config.at("url"), config.at("service"));
    match (url.is_set(), service.is_set()) {
        (true, true) | (false, false) => config.required("exactly one of url or service is required"),
        (true, false) => {
            if !url.text().starts_with("https://") {
                url.invalid("'https' is the only allowed URL scheme; desired format: https://host[/path]");
            }
        }
        (false, true) => {
            service.at("name").is_given();
            service.at("namespace").is_given();
            service.at("port").between(1, 65535);
            let path = service.at("path");
            if path.is_set() && !path.text().starts_with('/') {
                path.invalid("must start with a '/'");
            }
        }
    }
}

/// An `APIService` (`ValidateAPIService`).
pub(super) fn api_service(service: &Field<'_>) {
    let (name, spec) = (service.at("metadata").at("name"), service.at("spec"));
    let (group, version) = (spec.at("group"), spec.at("version"));
    let wanted = if group.text().is_empty() {
        format!("{}.", version.text())
    } else {
        format!("{}.{}", version.text(), group.text())
    };
    let generated = service.at("metadata").at("generateName");
    if !generated.text().is_empty() && generated.text() != wanted {
        generated.invalid(&format!("must be `spec.version+\".\"+spec.group`: {wanted:?}"));
    }
    if name.text() != wanted {
        name.invalid(&format!("must be `spec.version+\".\"+spec.group`: {wanted:?}"));
    }
    group.text_by_if_any(words::subdomain);
    version.given_by(words::service_label);
    if spec.at("groupPriorityMinimum").number().is_none_or(|number| !(1..=20_000).contains(&number)) {
        spec.at("groupPriorityMinimum").invalid("must be positive and less than 20000");
    }
    if spec.at("versionPriority").number().is_none_or(|number| !(1..=1000).contains(&number)) {
        spec.at("versionPriority").invalid("must be positive and less than 1000");
    }
    let target = spec.at("service");
    if target.is_set() {
        target.at("namespace").is_given();
        target.at("name").is_given();
        target.at("port").between(1, 65535);
        if spec.at("insecureSkipTLSVerify").is_true() && spec.at("caBundle").is_set() {
            spec.at("insecureSkipTLSVerify").invalid("may not be true if caBundle is present");
        }
    } else if spec.at("insecureSkipTLSVerify").is_true() || spec.at("caBundle").is_set() {
        spec.at("insecureSkipTLSVerify").invalid("local APIServices may not have TLS settings");
    }
}
