//! What extends the API: definitions of kinds, webhooks, services behind the API (apiextensions-apiserver, pkg/apis/admissionregistration,
//! kube-aggregator).

use std::collections::BTreeSet;

use super::field::Field;
use super::{meta, structural, words};

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
        scale(&version.at("subresources").at("scale"));
        let schema = version.at("schema").at("openAPIV3Schema");
        if schema.is_set() {
            structural::schema(&schema, version.at("subresources").at("status").is_set());
        } else {
            schema.required("schemas are required");
        }
        version.at("additionalPrinterColumns").items().for_each(|column| printed(&column));
        selectable(&version.at("selectableFields"), &schema);
    }
    if spec.at("preserveUnknownFields").is_true() {
        spec.at("preserveUnknownFields").invalid(
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        );
    }
    conversion(&spec.at("conversion"));
    approved(definition);
    if stored != 1 {
        versions.invalid("must have exactly one version marked as storage version");
    }
}

/// Where `/scale` finds its numbers.
fn scale(scale: &Field<'_>) {
    if !scale.is_set() {
        return;
    }
    let rooted = |field: &Field<'_>, roots: &[&str], detail: &str| {
        if !field.text().starts_with('.') {
            field.invalid("must be a simple json path starting with .");
        } else if !roots.iter().any(|root| field.text().starts_with(root)) {
            field.invalid(detail);
        }
    };
    for (name, root) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
        let field = scale.at(name);
        if field.is_given() {
            rooted(&field, &[root], &format!("should be a json path under {}", root.trim_end_matches('.')));
        }
    }
    let selector = scale.at("labelSelectorPath");
    if !selector.text().is_empty() {
        rooted(&selector, &[".spec.", ".status."], "should be a json path under either .spec or .status");
    }
}

/// A column that kubectl prints.
fn printed(column: &Field<'_>) {
    column.at("name").is_given();
    let (kind, format, path) = (column.at("type"), column.at("format"), column.at("jsonPath"));
    let one_of = "must be one of boolean,date,integer,number,string";
    if kind.text().is_empty() {
        kind.required(one_of);
    } else if !["boolean", "date", "integer", "number", "string"].contains(&kind.text()) {
        kind.invalid(one_of);
    }
    let formats = ["binary", "byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    if !format.text().is_empty() && !formats.contains(&format.text()) {
        format.invalid(&format!("must be one of {}", formats.join(",")));
    }
    if path.is_given() && !path.text().starts_with('.') {
        path.invalid("must be a simple json path starting with .");
    }
}

/// Fields by which objects are selected: plain values of the schema, at most eight.
fn selectable(fields: &Field<'_>, schema: &Field<'_>) {
    let mut seen = BTreeSet::new();
    for field in fields.items() {
        let path = field.at("jsonPath");
        if !path.is_given() {
            continue;
        }
        let names: Vec<&str> = path.text().trim_start_matches('.').split('.').collect();
        let found = names.iter().try_fold(schema.value, |schema, name| schema.get("properties")?.get(*name));
        let Some(found) = found.filter(|_| path.text().starts_with('.')) else {
            path.invalid("is an invalid path: does not refer to a valid field");
            continue;
        };
        if names.first() == Some(&"metadata") {
            path.invalid("must not point to fields in metadata");
        }
        if !found["type"].as_str().is_some_and(|kind| ["string", "boolean", "integer"].contains(&kind)) {
            path.invalid(
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
            );
        }
        if !seen.insert(path.text()) {
            path.duplicate();
        }
    }
    if seen.len() > 8 {
        fields.too_many(8);
    }
}

/// How objects go from one version to another.
fn conversion(conversion: &Field<'_>) {
    if !conversion.is_set() {
        return;
    }
    let (strategy, webhook) = (conversion.at("strategy"), conversion.at("webhook"));
    strategy.one_of_required(&["None", "Webhook"]);
    if strategy.text() != "Webhook" {
        if webhook.at("clientConfig").is_set() {
            webhook.at("clientConfig").forbidden("should not be set when strategy is not set to Webhook");
        }
        if !webhook.at("conversionReviewVersions").is_empty() {
            webhook.at("conversionReviewVersions").forbidden("should not be set when strategy is not set to Webhook");
        }
        return;
    }
    if webhook.at("clientConfig").is_set() {
        client(&webhook.at("clientConfig"));
    } else {
        webhook.at("clientConfig").required("required when strategy is set to Webhook");
    }
    let versions = webhook.at("conversionReviewVersions");
    if versions.is_empty() {
        versions.required("");
    } else if !versions.items().any(|version| matches!(version.text(), "v1" | "v1beta1")) {
        versions.invalid("must include at least one of v1, v1beta1");
    }
}

/// Groups of the community are protected: who defines a kind in one says that it was agreed upon.
fn approved(definition: &Field<'_>) {
    const ANNOTATION: &str = "api-approved.kubernetes.io";
    let group = definition.at("spec").at("group");
    let protected =
        ["k8s.io", "kubernetes.io"].iter().any(|of| group.text() == *of || group.text().ends_with(&format!(".{of}")));
    if !protected {
        return;
    }
    let approval = definition.at("metadata").at("annotations").key(ANNOTATION);
    if approval.text().is_empty() {
        approval.required("protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111");
    } else if !approval.text().starts_with("https://")
        && !approval.text().starts_with("http://")
        && !approval.text().starts_with("unapproved")
    {
        approval.invalid("protected groups must have approval annotation \"api-approved.kubernetes.io\" with either a URL or a reason starting with \"unapproved\", see https://github.com/kubernetes/enhancements/pull/1111");
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
        let mut versions = BTreeSet::new();
        for version in hook.at("admissionReviewVersions").items() {
            if !versions.insert(version.text()) {
                version.invalid("duplicate version");
            }
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
