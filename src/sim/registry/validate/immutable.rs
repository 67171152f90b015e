//! Fields that an update may not change.

use serde_json::{Value, json};

use crate::Kind;
use crate::api::error::Cause;

const IMMUTABLE: &str = "field is immutable";

/// What an update changes though it may not.
pub(super) fn changes(kind: Kind, old: &Value, new: &Value) -> Vec<Cause> {
    match kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::DaemonSet => fixed(old, new, &["/spec/selector"]),
        Kind::StatefulSet => stateful_set(old, new),
        Kind::Job => fixed(old, new, &["/spec/selector", "/spec/template", "/spec/completionMode"]),
        Kind::Pod => pod(old, new),
        Kind::Service => service(old, new),
        Kind::PersistentVolumeClaim => claim(old, new),
        Kind::StorageClass => fixed(old, new, &["/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"]),
        Kind::RuntimeClass => fixed(old, new, &["/handler"]),
        Kind::PriorityClass => fixed(old, new, &["/value", "/preemptionPolicy"]),
        Kind::EndpointSlice => fixed(old, new, &["/addressType"]),
        Kind::VolumeAttachment => fixed(old, new, &["/spec"]),
        Kind::RoleBinding | Kind::ClusterRoleBinding => fixed(old, new, &["/roleRef"]),
        Kind::ControllerRevision => fixed(old, new, &["/data"]),
        Kind::ConfigMap | Kind::Secret => sealed(old, new),
        Kind::Namespace
        | Kind::Node
        | Kind::ServiceAccount
        | Kind::PersistentVolume
        | Kind::Event
        | Kind::PodDisruptionBudget
        | Kind::NetworkPolicy
        | Kind::Lease
        | Kind::Role
        | Kind::ClusterRole
        | Kind::CronJob
        | Kind::HorizontalPodAutoscaler
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::Stored(_) => Vec::new(),
    }
}

fn fixed(old: &Value, new: &Value, pointers: &[&str]) -> Vec<Cause> {
    let changed = pointers.iter().filter(|pointer| old.pointer(pointer) != new.pointer(pointer));
    changed
        .map(|pointer| {
            let field = pointer.trim_start_matches('/').replace('/', ".");
            Cause::invalid(field, new.pointer(pointer).unwrap_or(&Value::Null), IMMUTABLE)
        })
        .collect()
}

fn stateful_set(old: &Value, new: &Value) -> Vec<Cause> {
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
        "revisionHistoryLimit",
    ];
    let rest = |value: &Value| {
        let mut spec = value["spec"].clone();
        if let Some(spec) = spec.as_object_mut() {
            spec.retain(|field, _| !FREE.contains(&field.as_str()));
        }
        spec
    };
    if rest(old) == rest(new) {
        return Vec::new();
    }
    let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                  'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                  'minReadySeconds' are forbidden";
    vec![Cause::forbidden("spec", detail)]
}

/// Of a running pod only images, deadlines, further tolerations and the lifting of scheduling gates may change.
fn pod(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let (mut before, mut after) = (old["spec"].clone(), new["spec"].clone());
    for spec in [&mut before, &mut after] {
        for field in ["containers", "initContainers"] {
            for container in spec.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten() {
                container["image"] = Value::Null;
            }
        }
        if let Some(fields) = spec.as_object_mut() {
            for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates", "ephemeralContainers"] {
                fields.remove(field);
            }
        }
    }
    let kept = items(&old["spec"], "tolerations")
        .all(|(_, toleration)| items(&new["spec"], "tolerations").any(|(_, other)| same_toleration(toleration, other)));
    if !kept {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        causes.push(Cause::forbidden("spec.tolerations", detail));
    }
    let gates = items(&new["spec"], "schedulingGates");
    if gates.into_iter().any(|(_, gate)| !items(&old["spec"], "schedulingGates").any(|(_, known)| known == gate)) {
        causes
            .push(Cause::forbidden("spec.schedulingGates", "only deletion is allowed, but found new scheduling gates"));
    }
    if before != after {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to \
                      existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
                      previously negative)";
        causes.push(Cause::forbidden("spec", detail));
    }
    causes
}

fn same_toleration(one: &Value, other: &Value) -> bool {
    ["key", "operator", "value", "effect"].iter().all(|field| one.get(field) == other.get(field))
}

fn service(old: &Value, new: &Value) -> Vec<Cause> {
    let external = |value: &Value| value.pointer("/spec/type") == Some(&json!("ExternalName"));
    if external(old) || external(new) || old.pointer("/spec/clusterIP") == new.pointer("/spec/clusterIP") {
        return Vec::new();
    }
    vec![Cause::invalid("spec.clusterIPs[0]", &new["spec"]["clusterIP"], IMMUTABLE)]
}

/// A claim may only ask for more, and get its volume.
fn claim(old: &Value, new: &Value) -> Vec<Cause> {
    let rest = |value: &Value, bound: bool| {
        let mut spec = value["spec"].clone();
        if let Some(fields) = spec.as_object_mut() {
            fields.remove("resources");
            fields.remove("volumeAttributesClassName");
            if !bound {
                fields.remove("volumeName");
            }
        }
        spec
    };
    let bound = old.pointer("/spec/volumeName").is_some();
    if rest(old, bound) == rest(new, bound) {
        return Vec::new();
    }
    let detail =
        "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    vec![Cause::forbidden("spec", detail)]
}

fn sealed(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = if old.get("type") == new.get("type") { Vec::new() } else { fixed(old, new, &["/type"]) };
    if old["immutable"] == json!(true)
        && ["data", "binaryData", "immutable"].iter().any(|field| old.get(field) != new.get(field))
    {
        causes.push(Cause::forbidden("data", "field is immutable when `immutable` is set"));
    }
    causes
}

/// The items of a list below a value, with their index.
fn items<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value.get(field).and_then(Value::as_array).into_iter().flatten().enumerate()
}
