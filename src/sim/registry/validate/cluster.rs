//! Configuration, bounds, classes and nodes: what has few fields of its own (pkg/apis/core, scheduling, node and
//! coordination validation).

use std::collections::BTreeSet;

use super::field::Field;
use super::{affinity, meta, resources, words};
use crate::registry::qos::nanos;

/// All of a ConfigMap or Secret together.
const DATA_MAX: usize = 1024 * 1024;

/// A ConfigMap.
pub(super) fn config_map(map: &Field<'_>) {
    let mut size = 0;
    for (key, value) in map.at("data").entries() {
        if let Some(wrong) = words::config_key(key) {
            value.invalid_value(key, &wrong);
        }
        if map.at("binaryData").key(key).is_set() {
            value.invalid_value(key, "duplicate of key present in binaryData");
        }
        size += value.text().len();
    }
    for (key, value) in map.at("binaryData").entries() {
        if let Some(wrong) = words::config_key(key) {
            value.invalid_value(key, &wrong);
        }
        size += value.text().len() / 4 * 3;
    }
    if size > DATA_MAX {
        map.too_long(DATA_MAX);
    }
}

/// A Secret.
pub(super) fn secret(secret: &Field<'_>) {
    let data = secret.at("data");
    let mut size = 0;
    for (key, value) in data.entries() {
        if let Some(wrong) = words::config_key(key) {
            value.invalid_value(key, &wrong);
        }
        size += value.text().len() / 4 * 3;
    }
    if size > DATA_MAX {
        data.too_long(DATA_MAX);
    }
    let needed = |keys: &[&str]| {
        for key in keys.iter().filter(|key| !data.key(key).is_set()) {
            data.key(key).required("");
        }
    };
    match secret.at("type").text() {
        "kubernetes.io/service-account-token" => {
            let name = secret.at("metadata").at("annotations").key("kubernetes.io/service-account.name");
            if name.text().is_empty() {
                name.required("");
            }
        }
        "kubernetes.io/dockercfg" => json_in(&data, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => json_in(&data, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if !data.key("username").is_set() && !data.key("password").is_set() => {
            needed(&["username", "password"]);
        }
        "kubernetes.io/ssh-auth" if data.key("ssh-privatekey").text().is_empty() => {
            data.key("ssh-privatekey").required("");
        }
        "kubernetes.io/tls" => needed(&["tls.crt", "tls.key"]),
        _ => {}
    }
}

/// A key that must hold a JSON object, in base64.
fn json_in(data: &Field<'_>, key: &str) {
    let field = data.key(key);
    if !field.is_set() {
        field.required("");
        return;
    }
    let bytes =
        serde_json::from_value::<k8s_openapi::ByteString>(field.value.clone()).map(|bytes| bytes.0).unwrap_or_default();
    if let Err(error) = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes) {
        field.invalid_value("<secret contents redacted>", &error.to_string());
    }
}

/// A `LimitRange`.
pub(super) fn limit_range(range: &Field<'_>) {
    let mut kinds = BTreeSet::new();
    for item in range.at("spec").at("limits").items() {
        let kind = item.at("type");
        match words::qualified(kind.text()) {
            Some(wrong) => kind.invalid_value(kind.text(), &wrong),
            None if !kind.text().contains('/')
                && !matches!(kind.text(), "Pod" | "Container" | "PersistentVolumeClaim") =>
            {
                kind.invalid("must be a standard limit type or fully qualified");
            }
            None => {}
        }
        if !kinds.insert(kind.text()) {
            kind.duplicate();
        }
        limits(&item, kind.text());
    }
}

fn limits(item: &Field<'_>, kind: &str) {
    let maps = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"].map(|map| item.at(map));
    let [max, min, default, request, ratio] = &maps;
    if kind == "Pod" {
        for map in [default, request].into_iter().filter(|map| !map.is_empty()) {
            map.forbidden("may not be specified when `type` is 'Pod'");
        }
    }
    let mut keys = BTreeSet::new();
    for (key, value) in maps.iter().flat_map(Field::entries) {
        keys.insert(key.to_owned());
        if matches!(kind, "Container" | "Pod") {
            resources::container_name(key, &value);
        } else {
            resources::name(key, &value);
        }
    }
    if kind == "PersistentVolumeClaim" && !max.key("storage").is_set() && !min.key("storage").is_set() {
        item.at("limits").required("either minimum or maximum storage value is required, but neither was provided");
    }
    for key in &keys {
        let read = |map: &Field<'_>| nanos(map.key(key).text());
        let above = |one: Option<i128>, other: Option<i128>| one.zip(other).is_some_and(|(one, other)| one > other);
        let pairs = [
            (min, max, min, "min value is greater than max value"),
            (min, request, request, "min value is greater than default request value"),
            (request, max, request, "default request value is greater than max value"),
            (request, default, request, "default request value is greater than default limit value"),
            (min, default, default, "min value is greater than default value"),
            (default, max, default, "default value is greater than max value"),
        ];
        for (least, most, blamed, wrong) in pairs {
            if above(read(least), read(most)) {
                blamed.key(key).invalid(wrong);
            }
        }
        if read(ratio).is_some_and(|ratio| ratio < 1_000_000_000) {
            ratio.key(key).invalid("ratio is less than 1");
        }
        if let (Some(allowed), Some(least), Some(most)) = (read(ratio), read(min), read(max))
            && least != 0
            && allowed as f64 / 1e9 > most as f64 / least as f64
        {
            ratio.key(key).invalid("ratio is greater than max/min");
        }
        if !resources::is_overcommitted(key)
            && read(default).zip(read(request)).is_some_and(|(one, other)| one != other)
        {
            request.key(key).invalid("default value must equal to defaultRequest value");
        }
    }
}

const QUOTA: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
    "storage",
];

/// A `ResourceQuota`.
pub(super) fn quota(quota: &Field<'_>) {
    let spec = quota.at("spec");
    for (key, value) in spec.at("hard").entries() {
        let standard = key != "storage" && QUOTA.contains(&key);
        let huge = key.starts_with("hugepages-") || key.starts_with("requests.hugepages-");
        if !key.contains('/') && !standard && !huge {
            value.invalid_value(key, "must be a standard resource for quota");
        } else if key.contains('/') {
            resources::name(key, &value);
        }
        resources::amount(key, &value);
    }
    let scopes = spec.at("scopes");
    let named: Vec<&str> = scopes.items().map(|scope| scope.value.as_str().unwrap_or_default()).collect();
    scope_rules(&scopes, &named, &spec.at("hard"));
    let selector = spec.at("scopeSelector").at("matchExpressions");
    let mut selected = Vec::new();
    for one in selector.items() {
        selected.push(one.at("scopeName").value.as_str().unwrap_or_default());
        let (operator, values) = (one.at("operator"), one.at("values"));
        let plain = one.at("scopeName").text() != "PriorityClass";
        match operator.text() {
            "In" | "NotIn" if values.is_empty() => {
                values.required("must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                values.invalid("must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => operator.invalid("not a valid selector operator"),
        }
        if plain && operator.text() != "Exists" {
            operator.invalid("must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
        }
    }
    scope_rules(&selector, &selected, &spec.at("hard"));
}

fn scope_rules(field: &Field<'_>, scopes: &[&str], hard: &Field<'_>) {
    const KNOWN: [&str; 7] = [
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
    ];
    for scope in scopes {
        if !KNOWN.contains(scope) {
            field.invalid("unsupported scope");
        }
        let of_pods = |key: &str| {
            let resource = key.rsplit('.').next().unwrap_or(key);
            key == "pods" || matches!(resource, "cpu" | "memory" | "ephemeral-storage")
        };
        let allowed = |key: &str| match *scope {
            "BestEffort" => key == "pods",
            "VolumeAttributesClass" => key.contains("storage") || key == "persistentvolumeclaims",
            _ => of_pods(key),
        };
        if hard.entries().any(|(key, _)| QUOTA.contains(&key) && !allowed(key)) {
            field.invalid("unsupported scope applied to resource");
        }
    }
    for pair in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if pair.iter().all(|scope| scopes.contains(scope)) {
            field.invalid("conflicting scopes");
        }
    }
}

/// A Namespace.
pub(super) fn namespace(namespace: &Field<'_>) {
    for finalizer in namespace.at("spec").at("finalizers").items() {
        finalizer.text_by(words::qualified);
        if !finalizer.text().contains('/')
            && !matches!(finalizer.text(), "kubernetes" | "orphan" | "foregroundDeletion")
        {
            finalizer.invalid("name is neither a standard finalizer name nor is it fully qualified");
        }
    }
}

/// A Node.
pub(super) fn node(node: &Field<'_>) {
    let mut seen = BTreeSet::new();
    for taint in node.at("spec").at("taints").items() {
        let (key, effect) = (taint.at("key"), taint.at("effect"));
        key.text_by(words::qualified);
        taint.at("value").text_by(words::label_value);
        effect.one_of_required(&["NoExecute", "NoSchedule", "PreferNoSchedule"]);
        if !seen.insert((key.text(), effect.text())) {
            taint.duplicate();
        }
    }
    for range in node.at("spec").at("podCIDRs").items() {
        range.text_by(words::cidr);
    }
    for side in ["capacity", "allocatable"] {
        for (resource, amount) in node.at("status").at(side).entries() {
            resources::name(resource, &amount);
            resources::amount(resource, &amount);
        }
    }
}

/// A `PriorityClass` (`ValidatePriorityClass`).
pub(super) fn priority_class(class: &Field<'_>) {
    let (name, value) = (class.at("metadata").at("name"), class.at("value"));
    let known = matches!(
        (name.text(), value.number()),
        ("system-node-critical", Some(2_000_001_000)) | ("system-cluster-critical", Some(2_000_000_000))
    );
    if name.text().starts_with("system-") && !known {
        name.forbidden("priority class names with 'system-' prefix are reserved for system use only");
    } else if !known && value.number().is_some_and(|value| value > 1_000_000_000) {
        value.forbidden("maximum allowed value of a user defined priority is 1000000000");
    }
    class.at("preemptionPolicy").one_of_required(&["Never", "PreemptLowerPriority"]);
}

/// A `RuntimeClass` (`ValidateRuntimeClass`).
pub(super) fn runtime_class(class: &Field<'_>) {
    class.at("handler").given_by(words::label);
    for (resource, amount) in class.at("overhead").at("podFixed").entries() {
        resources::container_name(resource, &amount);
        resources::amount(resource, &amount);
    }
    let scheduling = class.at("scheduling");
    meta::labels(&scheduling.at("nodeSelector"));
    affinity::tolerations(&scheduling.at("tolerations"));
    let mut seen = BTreeSet::new();
    for toleration in scheduling.at("tolerations").items() {
        if !seen.insert(["key", "operator", "value", "effect"].map(|field| toleration.at(field).text())) {
            toleration.duplicate();
        }
    }
}

/// A `Lease` (`ValidateLeaseSpec`).
pub(super) fn lease(lease: &Field<'_>) {
    let spec = lease.at("spec");
    spec.at("leaseDurationSeconds").positive();
    spec.at("leaseTransitions").not_negative();
}

/// A `VolumeAttachment` (`ValidateVolumeAttachment`).
pub(super) fn attachment(attachment: &Field<'_>) {
    let spec = attachment.at("spec");
    super::persistent::driver(&spec.at("attacher"));
    spec.at("nodeName").given_by(words::subdomain);
    let (name, inline) = (spec.at("source").at("persistentVolumeName"), spec.at("source").at("inlineVolumeSpec"));
    match (name.is_set(), inline.is_set()) {
        (false, false) => {
            spec.at("source").required("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        }
        (true, true) => {
            spec.at("source").invalid("must specify exactly one of inlineVolumeSpec and persistentVolumeName");
        }
        (true, false) => {
            if name.text().is_empty() {
                name.required("must specify non empty persistentVolumeName");
            } else {
                name.text_by(words::subdomain);
            }
        }
        (false, true) => super::persistent::inline(&inline),
    }
}

/// A `CSIDriver` (`ValidateCSIDriver`).
pub(super) fn csi_driver(driver: &Field<'_>) {
    super::persistent::driver(&driver.at("metadata").at("name"));
    let spec = driver.at("spec");
    spec.at("fsGroupPolicy").one_of(&["File", "None", "ReadWriteOnceWithFSType"]);
    for mode in spec.at("volumeLifecycleModes").items() {
        if !matches!(mode.text(), "Persistent" | "Ephemeral") {
            spec.at("volumeLifecycleModes").unsupported_text(mode.text(), &["Ephemeral", "Persistent"]);
        }
    }
    if spec.at("serviceAccountTokenInSecrets").is_set() && spec.at("tokenRequests").is_empty() {
        spec.at("serviceAccountTokenInSecrets")
            .invalid("serviceAccountTokenInSecrets is set but no tokenRequests are specified");
    }
    let period = spec.at("nodeAllocatableUpdatePeriodSeconds");
    if period.number().is_some_and(|seconds| seconds < 10) {
        period.invalid("must be greater than or equal to 10 seconds");
    }
    let mut audiences = BTreeSet::new();
    for request in spec.at("tokenRequests").items() {
        let audience = request.at("audience");
        if !audiences.insert(audience.text()) {
            audience.duplicate();
        }
        let expiry = request.at("expirationSeconds");
        if expiry.number().is_some_and(|seconds| seconds < 600) {
            expiry.invalid("may not specify a duration less than 10 minutes");
        }
    }
}
