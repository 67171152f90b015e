//! The status of one budget.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec, PodDisruptionBudgetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use k8s_openapi::jiff::SignedDuration;

use super::scale;
use crate::controllers::intstr::{Round, scaled};
use crate::controllers::queue;
use crate::controllers::{Controller, index, pod, status};
use crate::{Key, Kind, Object, State};

/// How long an eviction that was granted may take to show as a deletion (`DeletionTimeout`).
const DELETION_TIMEOUT: SignedDuration = SignedDuration::from_mins(2);

/// Reconciles one budget.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) {
    let Some(object) = state.store.get(Kind::PodDisruptionBudget, key).cloned() else { return };
    let budget = object.typed::<PodDisruptionBudget>();
    let Some(spec) = budget.spec.as_ref() else { return };
    let pods = match &spec.selector {
        Some(selector) => index::pods_selected(state, &key.namespace, selector),
        None => Vec::new(),
    };
    let mut new = budget.status.clone().unwrap_or_default();
    let disrupted = still_disrupted(state, key, &new, &pods);
    match expectation(state, key, spec, &pods) {
        Ok((expected, desired)) => {
            let healthy = pods.iter().filter(|pod| is_healthy(pod, &disrupted)).count();
            let healthy = status::length(healthy);
            let allowed = if expected <= 0 { 0 } else { (healthy - desired).max(0) };
            new.current_healthy = Some(healthy);
            new.desired_healthy = Some(desired);
            new.expected_pods = Some(expected);
            new.disruptions_allowed = Some(allowed);
            let (truth, reason) = if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
            set_condition(state, &mut new, budget, truth, reason, "");
        }
        Err(message) => {
            // Fail safe: nothing may be evicted while the budget cannot be computed.
            new.disruptions_allowed = Some(0);
            set_condition(state, &mut new, budget, "False", "SyncFailed", &message);
            let component = "controllermanager";
            state.event(
                Kind::PodDisruptionBudget,
                key,
                "Warning",
                "CalculateExpectedPodCountFailed",
                component,
                &message,
            );
        }
    }
    wake_at_timeout(state, key, &disrupted);
    new.disrupted_pods = Some(disrupted).filter(|pods| !pods.is_empty());
    new.observed_generation = budget.metadata.generation;
    status::set(state, Kind::PodDisruptionBudget, key, &new);
}

/// Pods whose eviction was granted and that are neither terminating yet nor overdue.
fn still_disrupted(
    state: &mut State,
    key: &Key,
    status: &PodDisruptionBudgetStatus,
    pods: &[Arc<Object>],
) -> BTreeMap<String, Time> {
    let mut kept = BTreeMap::new();
    for (name, since) in status.disrupted_pods.iter().flatten() {
        let present = pods.iter().any(|pod| pod.text("/metadata/name") == name && !pod.is_terminating());
        if !present {
            continue;
        }
        let overdue = since.0.checked_add(DELETION_TIMEOUT).is_ok_and(|end| end < state.timestamp());
        if overdue {
            let message = format!("Pod was expected by PDB {}/{} to be deleted but it wasn't", key.namespace, key.name);
            let pod = Key::new(key.namespace.clone(), name.clone());
            state.event(Kind::Pod, &pod, "Warning", "NotDeleted", "controllermanager", &message);
        } else {
            kept.insert(name.clone(), since.clone());
        }
    }
    kept
}

fn wake_at_timeout(state: &mut State, key: &Key, disrupted: &BTreeMap<String, Time>) {
    let first = disrupted.values().filter_map(|since| since.0.checked_add(DELETION_TIMEOUT).ok()).min();
    if let Some(end) = first.and_then(|end| end.checked_add(SignedDuration::from_secs(1)).ok()) {
        queue::enqueue_at(state, Controller::Disruption, key.clone(), end);
    }
}

fn is_healthy(pod: &Object, disrupted: &BTreeMap<String, Time>) -> bool {
    !pod.is_terminating() && !disrupted.contains_key(pod.text("/metadata/name")) && pod::is_ready(pod)
}

/// Expected pods and how many of them must be healthy. A plain `minAvailable` counts the pods that there are, all
/// others the scale of their owners (`getExpectedPodCount`).
fn expectation(
    state: &State,
    key: &Key,
    spec: &PodDisruptionBudgetSpec,
    pods: &[Arc<Object>],
) -> Result<(i32, i32), String> {
    if let Some(unavailable) = &spec.max_unavailable {
        let expected = scale::expected(state, &key.namespace, pods)?;
        return Ok((expected, (expected - scaled(unavailable, expected, Round::Up)).max(0)));
    }
    match &spec.min_available {
        Some(IntOrString::Int(number)) => Ok((status::length(pods.len()), *number)),
        Some(percent @ IntOrString::String(_)) => {
            let expected = scale::expected(state, &key.namespace, pods)?;
            Ok((expected, scaled(percent, expected, Round::Up)))
        }
        None => Ok((status::length(pods.len()), 0)),
    }
}

fn set_condition(
    state: &State,
    status: &mut PodDisruptionBudgetStatus,
    budget: &PodDisruptionBudget,
    truth: &str,
    reason: &str,
    message: &str,
) {
    let conditions = status.conditions.get_or_insert_default();
    let before = conditions.iter().find(|condition| condition.type_ == "DisruptionAllowed");
    let since = before.filter(|before| before.status == truth).map(|before| before.last_transition_time.clone());
    let new = Condition {
        last_transition_time: since.unwrap_or_else(|| state.time()),
        message: message.to_owned(),
        observed_generation: budget.metadata.generation,
        reason: reason.to_owned(),
        status: truth.to_owned(),
        type_: "DisruptionAllowed".to_owned(),
    };
    conditions.retain(|condition| condition.type_ != "DisruptionAllowed");
    conditions.push(new);
}
