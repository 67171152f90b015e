//! How lists merge: which are maps by a key, which are sets, and which are replaced as a whole.
//! From the `patchMergeKey` and `x-kubernetes-list-map-keys` of the Kubernetes API types.

use serde_json::Value;

use crate::Kind;

/// How a list merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListType {
    /// Items are told apart by these fields; a strategic merge uses the first alone.
    Map(&'static [&'static str]),
    /// Every value occurs once.
    Set,
    /// Replaced as a whole.
    Atomic,
}

/// How the list in this field merges, given the kind of the object and the field that holds the list's owner.
pub(super) fn list_type(kind: Kind, field: &str) -> ListType {
    match field {
        // The lists of custom kinds are called as their authors like.
        _ if kind.is_custom() && !matches!(field, "finalizers" | "ownerReferences") => ListType::Atomic,
        "ports" if kind == Kind::Service => ListType::Map(&["port", "protocol"]),
        "ports" if matches!(kind, Kind::NetworkPolicy | Kind::EndpointSlice) => ListType::Atomic,
        "ports" if kind.facts().kind == "Endpoints" => ListType::Atomic,
        "ports" => ListType::Map(&["containerPort", "protocol"]),
        "imagePullSecrets" if kind == Kind::ServiceAccount => ListType::Atomic,
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "volumes"
        | "env"
        | "imagePullSecrets"
        | "schedulingGates"
        | "resourceClaims" => ListType::Map(&["name"]),
        "secrets" if kind == Kind::ServiceAccount => ListType::Map(&["name"]),
        "volumeMounts" => ListType::Map(&["mountPath"]),
        "volumeDevices" => ListType::Map(&["devicePath"]),
        "topologySpreadConstraints" => ListType::Map(&["topologyKey", "whenUnsatisfiable"]),
        "conditions" => ListType::Map(&["type"]),
        "addresses" if kind == Kind::Node => ListType::Map(&["type"]),
        "addresses" if kind == Kind::EndpointSlice => ListType::Set,
        "hostAliases" | "podIPs" | "hostIPs" => ListType::Map(&["ip"]),
        "ownerReferences" => ListType::Map(&["uid"]),
        "finalizers" => ListType::Set,
        // Among them tolerations and the taints of a node.
        _ => ListType::Atomic,
    }
}

/// Maps that server-side apply owns as a whole (`x-kubernetes-map-type: atomic`). Strategic merges go into them.
pub(super) fn atomic_map(kind: Kind, field: &str) -> bool {
    match field {
        _ if kind.is_custom() => false,
        "labelSelector" | "podSelector" | "namespaceSelector" | "nodeSelector" | "configMapKeyRef" | "secretKeyRef"
        | "fieldRef" | "resourceFieldRef" | "claimRef" | "podAffinityTerm" => true,
        // A Service's selector is a plain atomic map; elsewhere it is a label selector.
        "selector" => kind != Kind::PersistentVolume,
        _ => false,
    }
}

/// Whether two items of a keyed list are the same one. A port that names no protocol means TCP.
pub(super) fn same_item(keys: &[&str], one: &Value, other: &Value) -> bool {
    keys.iter().all(|key| key_value(one, key) == key_value(other, key))
}

/// The value of an item's key field.
pub(super) fn key_value(item: &Value, key: &str) -> Option<Value> {
    let default = (key == "protocol").then(|| Value::from("TCP"));
    item.get(key).filter(|value| !value.is_null()).cloned().or(default)
}
