//! `ResourceQuota`: what the objects of a namespace use together, checked at admission and shown in the quotas' status
//! (`pkg/quota/v1/evaluator/core` and the quota controller).

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ResourceQuota, ResourceQuotaSpec};
use serde_json::{Value, json};

use super::super::quantity;
use crate::api::error::ApiError;
use crate::registry::qos::nanos;
use crate::{Key, Kind, State};

/// An amount, as written and in billionths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) text: String,
    pub(super) nanos: i128,
}

/// Amounts by resource.
pub(super) type Amounts = BTreeMap<String, Amount>;

/// Compute resources without which a pod is refused when a quota counts them.
const DEMANDED: [&str; 6] = ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// Reads a map of quantities.
pub(super) fn amounts(map: &Value) -> Amounts {
    let read = |(name, amount): (&String, &Value)| {
        let text = amount.as_str()?;
        Some((name.clone(), Amount { text: text.to_owned(), nanos: nanos(text)? }))
    };
    map.as_object().into_iter().flatten().filter_map(read).collect()
}

/// What a pod asks for, or is limited to: the sum of its containers and of its sidecars, or the largest other init
/// container, with its overhead (`PodRequests`).
pub(super) fn pod_amounts(pod: &Value, side: &str) -> Amounts {
    let list = |field: &str| pod["spec"].get(field).and_then(Value::as_array).into_iter().flatten();
    let mut sum: BTreeMap<String, i128> = BTreeMap::new();
    let mut largest: BTreeMap<String, i128> = BTreeMap::new();
    for container in list("containers") {
        for (name, amount) in amounts(&container["resources"][side]) {
            *sum.entry(name).or_default() += amount.nanos;
        }
    }
    let mut sidecars: BTreeMap<String, i128> = BTreeMap::new();
    for container in list("initContainers") {
        let own = amounts(&container["resources"][side]);
        let is_sidecar = container["restartPolicy"] == json!("Always");
        for (name, amount) in own {
            let before = sidecars.get(&name).copied().unwrap_or(0);
            let peak = largest.entry(name.clone()).or_default();
            *peak = (*peak).max(before + amount.nanos);
            if is_sidecar {
                *sidecars.entry(name.clone()).or_default() += amount.nanos;
                *sum.entry(name).or_default() += amount.nanos;
            }
        }
    }
    for (name, peak) in largest {
        let total = sum.entry(name).or_default();
        *total = (*total).max(peak);
    }
    for (name, amount) in amounts(&pod["spec"]["overhead"]) {
        if side == "requests" || sum.contains_key(&name) {
            *sum.entry(name).or_default() += amount.nanos;
        }
    }
    let whole = amounts(&pod["spec"]["resources"][side]).into_iter().map(|(name, amount)| (name, amount.nanos));
    sum.extend(whole);
    sum.into_iter().map(|(name, nanos)| (name, Amount { text: quantity::text(nanos), nanos })).collect()
}

/// The counting name of a kind's objects: `count/deployments.apps`.
fn count_name(kind: Kind) -> String {
    format!("count/{}", kind.facts().resource())
}

/// What one object uses of each countable resource, in billionths.
fn usage(state: &State, kind: Kind, value: &Value) -> BTreeMap<String, i128> {
    const ONE: i128 = 1_000_000_000;
    let mut used = BTreeMap::from([(count_name(kind), ONE)]);
    let mut add = |name: &str, amount: i128| *used.entry(name.to_owned()).or_default() += amount;
    match kind {
        Kind::Pod if is_charged(state, value) => {
            add("pods", ONE);
            for (name, amount) in pod_amounts(value, "requests") {
                if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-") {
                    add(&name, amount.nanos);
                }
                add(&format!("requests.{name}"), amount.nanos);
            }
            for (name, amount) in pod_amounts(value, "limits") {
                if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
                    add(&format!("limits.{name}"), amount.nanos);
                }
            }
        }
        Kind::Service => {
            add("services", ONE);
            let ports = value["spec"]["ports"].as_array().map_or(0, |ports| i128::try_from(ports.len()).unwrap_or(0));
            match value["spec"]["type"].as_str() {
                Some("NodePort") => add("services.nodeports", ports * ONE),
                Some("LoadBalancer") => {
                    add("services.loadbalancers", ONE);
                    if value["spec"]["allocateLoadBalancerNodePorts"] != json!(false) {
                        add("services.nodeports", ports * ONE);
                    }
                }
                _ => {}
            }
        }
        Kind::PersistentVolumeClaim => {
            add("persistentvolumeclaims", ONE);
            let storage =
                amounts(&value["spec"]["resources"]["requests"]).get("storage").map_or(0, |storage| storage.nanos);
            add("requests.storage", storage);
            if let Some(class) = value["spec"]["storageClassName"].as_str() {
                add(&format!("{class}.storageclass.storage.k8s.io/requests.storage"), storage);
                add(&format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), ONE);
            }
        }
        Kind::ConfigMap | Kind::Secret | Kind::ResourceQuota => add(kind.facts().plural, ONE),
        Kind::Stored(facts) if facts.plural == "replicationcontrollers" => add("replicationcontrollers", ONE),
        _ => {}
    }
    used
}

/// A pod that ended, or that should have gone long ago, is not charged (`QuotaV1Pod`).
fn is_charged(state: &State, pod: &Value) -> bool {
    if matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed")) {
        return false;
    }
    let end = pod.pointer("/metadata/deletionTimestamp").and_then(Value::as_str).and_then(|time| time.parse().ok());
    let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    end.is_none_or(|end: k8s_openapi::jiff::Timestamp| state.timestamp().as_second() <= end.as_second() + grace)
}

/// Whether a quota's scopes are about this object.
fn in_scope(spec: &ResourceQuotaSpec, kind: Kind, value: &Value) -> bool {
    let plain = spec.scopes.iter().flatten().map(|scope| (scope.clone(), "Exists".to_owned(), Vec::new()));
    let selected = spec.scope_selector.iter().flat_map(|selector| selector.match_expressions.iter().flatten());
    let selected =
        selected.map(|one| (one.scope_name.clone(), one.operator.clone(), one.values.clone().unwrap_or_default()));
    plain.chain(selected).all(|(scope, operator, values)| {
        if kind != Kind::Pod {
            return false;
        }
        let terminating = value["spec"]["activeDeadlineSeconds"].as_i64().is_some_and(|seconds| seconds >= 0);
        let best_effort = value.pointer("/status/qosClass") == Some(&json!("BestEffort"));
        match scope.as_str() {
            "Terminating" => terminating,
            "NotTerminating" => !terminating,
            "BestEffort" => best_effort,
            "NotBestEffort" => !best_effort,
            "PriorityClass" => {
                let class = value["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
                match operator.as_str() {
                    "In" => values.contains(&class),
                    "NotIn" => !values.contains(&class),
                    "DoesNotExist" => class.is_empty(),
                    _ => !class.is_empty(),
                }
            }
            _ => false,
        }
    })
}

impl State {
    /// What is used of the resources that a quota counts.
    fn used(&self, namespace: &str, spec: &ResourceQuotaSpec) -> BTreeMap<String, i128> {
        let mut used: BTreeMap<String, i128> = spec.hard.iter().flatten().map(|(name, _)| (name.clone(), 0)).collect();
        for kind in self.store.kinds().filter(|kind| kind.facts().namespaced && *kind != Kind::Event) {
            for (_, object) in self.store.in_namespace(kind, namespace) {
                if in_scope(spec, kind, object.value()) {
                    for (name, amount) in usage(self, kind, object.value()) {
                        if let Some(total) = used.get_mut(&name) {
                            *total += amount;
                        }
                    }
                }
            }
        }
        used
    }

    /// Refuses an object that its namespace has no quota left for.
    pub(super) fn within_quota(&self, kind: Kind, key: &Key, value: &Value) -> Result<(), ApiError> {
        for (quota, object) in self.store.in_namespace(Kind::ResourceQuota, &key.namespace) {
            let Some(spec) = object.typed::<ResourceQuota>().spec.as_ref() else { continue };
            if !in_scope(spec, kind, value) {
                continue;
            }
            let hard: BTreeMap<&str, &str> =
                spec.hard.iter().flatten().map(|(name, amount)| (name.as_str(), amount.0.as_str())).collect();
            if kind == Kind::Pod
                && let Some(lacking) = lacking(&hard, value)
            {
                return Err(ApiError::forbidden(
                    kind,
                    key,
                    &format!("failed quota: {}: must specify {lacking}", quota.name),
                ));
            }
            let mut asked = usage(self, kind, value);
            asked.retain(|name, _| hard.contains_key(name.as_str()));
            if asked.is_empty() {
                continue;
            }
            let used = self.used(&key.namespace, spec);
            let over = |name: &str, amount: i128| {
                let limit = nanos(hard[name]).unwrap_or(0);
                amount > 0 && used.get(name).copied().unwrap_or(0) + amount > limit
            };
            asked.retain(|name, amount| over(name, *amount));
            if !asked.is_empty() {
                let list = |show: &dyn Fn(&str) -> String| {
                    asked.keys().map(|name| format!("{name}={}", show(name))).collect::<Vec<_>>().join(",")
                };
                let why = format!(
                    "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                    quota.name,
                    list(&|name| quantity::text(asked[name])),
                    list(&|name| quantity::text(used[name])),
                    list(&|name| hard[name].to_owned())
                );
                return Err(ApiError::forbidden(kind, key, &why));
            }
        }
        Ok(())
    }

    /// Writes what is used into the status of a namespace's quotas, after something in it changed.
    pub(in crate::registry) fn count_quotas(&mut self, kind: Kind, namespace: &str) {
        if namespace.is_empty() || matches!(kind, Kind::Event | Kind::Lease | Kind::EndpointSlice) {
            return;
        }
        let quotas: Vec<_> = self
            .store
            .in_namespace(Kind::ResourceQuota, namespace)
            .map(|(key, quota)| (key.clone(), quota.clone()))
            .collect();
        for (key, quota) in quotas {
            let Some(spec) = quota.typed::<ResourceQuota>().spec.clone() else { continue };
            let used = self.used(namespace, &spec);
            let used: BTreeMap<String, String> =
                used.into_iter().map(|(name, amount)| (name, quantity::text(amount))).collect();
            let status = json!({ "hard": spec.hard.unwrap_or_default(), "used": used });
            if quota.value().get("status") != Some(&status) {
                // What it counts does not depend on its own status: this ends.
                drop(self.modify_value(Kind::ResourceQuota, &key, |value| value["status"] = status));
            }
        }
    }
}

/// The compute resources that a quota counts and that some container does not state.
fn lacking(hard: &BTreeMap<&str, &str>, pod: &Value) -> Option<String> {
    let whole = pod["spec"]["resources"].as_object().is_some_and(|resources| {
        ["requests", "limits"]
            .iter()
            .any(|side| resources.get(*side).and_then(Value::as_object).is_some_and(|all| !all.is_empty()))
    });
    if whole {
        return None;
    }
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for field in ["containers", "initContainers"] {
        for container in pod["spec"].get(field).and_then(Value::as_array).into_iter().flatten() {
            for name in DEMANDED.into_iter().filter(|name| hard.contains_key(name)) {
                let (side, resource) = name.split_once('.').unwrap_or(("requests", name));
                if container["resources"][side].get(resource).is_none() {
                    missing.entry(name).or_default().push(container["name"].as_str().unwrap_or_default());
                }
            }
        }
    }
    if missing.is_empty() {
        return None;
    }
    let parts: Vec<String> = missing
        .into_iter()
        .map(|(name, mut containers)| {
            containers.sort_unstable();
            containers.dedup();
            format!("{name} for: {}", containers.join(","))
        })
        .collect();
    Some(parts.join("; "))
}
