//! `pods/eviction` under every PodDisruptionBudget, and `pods/binding`.
//! Rules and messages from `pkg/registry/core/pod/rest/eviction.go` and `pkg/registry/core/pod/storage/storage.go`.

use k8s_openapi::api::core::v1::{Pod, PodCondition};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::{Value, json};

use crate::{Key, Kind, Object, State};

use super::error::ApiError;
use super::handle::{Call, Outcome};
use super::remove::read_options;
use super::route::Target;
use super::selector::Selector;

/// `MaxDisruptedPodSize`: evictions that the disruption controller has not confirmed yet.
const DISRUPTED_PODS_MAX: usize = 2000;

/// POST of an Eviction.
pub(super) fn evict(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let body = call.json()?;
    let key = target.key();
    pod_request(call, target, &body, "Eviction")?;
    let (mut options, dry_run) = read_options(&body["deleteOptions"])?;
    let dry_run = dry_run || call.dry_run();
    let object = state.store.get(Kind::Pod, &key).cloned().ok_or_else(|| ApiError::not_found(Kind::Pod, &key))?;
    if !ignores_budgets(&object) {
        spend_budget(state, &key, &object, dry_run)?;
    }
    if !dry_run {
        // Preconditions are about the pod as the client saw it: check them before the condition changes it.
        let version = options.resource_version.take();
        if version.is_some_and(|version| version != object.text("/metadata/resourceVersion")) {
            let why = "the ResourceVersion in the precondition does not match";
            return Err(ApiError::conflict(Kind::Pod, &key, why));
        }
        if options.uid.as_deref().is_none_or(|uid| uid == object.uid()) {
            mark(state, &key)?;
        }
        state.delete(Kind::Pod, &key, &options)?;
    }
    Ok(created())
}

fn created() -> Outcome {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Outcome::json(201, &status)
}

/// Both subresources take a POST whose object carries the pod's name.
fn pod_request(call: &Call, target: &Target, body: &Value, what: &str) -> Result<(), ApiError> {
    if target.kind != Kind::Pod {
        return Err(ApiError::unknown_path());
    }
    if call.method != http::Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let name = body.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    if !name.is_empty() && Some(name) != target.name.as_deref() {
        return Err(ApiError::bad_request(format!("name in URL does not match name in {what} object")));
    }
    Ok(())
}

/// A pod that does not count for any budget: not started yet, ended, or already on its way out.
fn ignores_budgets(pod: &Object) -> bool {
    pod.is_terminating() || matches!(pod.text("/status/phase"), "Pending" | "Succeeded" | "Failed")
}

fn spend_budget(state: &mut State, key: &Key, pod: &Object, dry_run: bool) -> Result<(), ApiError> {
    let budgets: Vec<(Key, &PodDisruptionBudget)> = state
        .store
        .in_namespace(Kind::PodDisruptionBudget, &key.namespace)
        .filter(|(_, budget)| {
            let selector = budget.value().pointer("/spec/selector");
            selector.is_some_and(|selector| Selector::of(selector).matches(pod.value()))
        })
        .map(|(key, budget)| (key.clone(), budget.typed::<PodDisruptionBudget>()))
        .collect();
    let (budget_key, budget) = match budgets.as_slice() {
        [] => return Ok(()),
        [one] => one,
        [_, _, ..] => {
            let message =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(ApiError::plain(500, "", message));
        }
    };
    if !ready(pod) && unready_may_go(budget) {
        return Ok(());
    }
    allowed(budget)?;
    if !dry_run {
        let (budget_key, name, time) = (budget_key.clone(), key.name.clone(), state.time());
        state.modify::<PodDisruptionBudget>(Kind::PodDisruptionBudget, &budget_key, |budget| {
            let status = budget.status.get_or_insert_default();
            let left = status.disruptions_allowed.unwrap_or(0) - 1;
            status.disruptions_allowed = Some(left);
            status.disrupted_pods.get_or_insert_default().insert(name, time.clone());
            let condition = status.conditions.iter_mut().flatten().find(|c| c.type_ == "DisruptionAllowed");
            if let Some(condition) = condition
                && left == 0
                && condition.status != "False"
            {
                "False".clone_into(&mut condition.status);
                "InsufficientPods".clone_into(&mut condition.reason);
                condition.last_transition_time = time;
            }
        })?;
    }
    Ok(())
}

fn ready(pod: &Object) -> bool {
    let conditions = pod.value().pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// `unhealthyPodEvictionPolicy`: a pod that is not ready may go without spending budget.
fn unready_may_go(budget: &PodDisruptionBudget) -> bool {
    let policy = budget.spec.as_ref().and_then(|spec| spec.unhealthy_pod_eviction_policy.as_deref());
    let enough = budget
        .status
        .as_ref()
        .is_some_and(|status| status.current_healthy >= status.desired_healthy && status.desired_healthy > Some(0));
    policy == Some("AlwaysAllow") || enough
}

fn allowed(budget: &PodDisruptionBudget) -> Result<(), ApiError> {
    let name = budget.metadata.name.clone().unwrap_or_default();
    let status = budget.status.clone().unwrap_or_default();
    let forbidden = |why: &str| {
        let key = Key::new(budget.metadata.namespace.clone().unwrap_or_default(), name.clone());
        ApiError::forbidden(Kind::PodDisruptionBudget, &key, why)
    };
    if status.observed_generation.unwrap_or(0) < budget.metadata.generation.unwrap_or(0) {
        return Err(too_many(10, &format!("The disruption budget {name} is still being processed by the server.")));
    }
    let allowed = status.disruptions_allowed.unwrap_or(0);
    if allowed < 0 {
        return Err(forbidden("pdb disruptions allowed is negative"));
    }
    if status.disrupted_pods.as_ref().is_some_and(|pods| pods.len() > DISRUPTED_PODS_MAX) {
        return Err(forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller"));
    }
    if allowed == 0 {
        let cause = format!(
            "The disruption budget {name} needs {} healthy pods and has {} currently",
            status.desired_healthy.unwrap_or(0),
            status.current_healthy.unwrap_or(0)
        );
        return Err(too_many(0, &cause));
    }
    Ok(())
}

fn too_many(retry_after_seconds: u32, cause: &str) -> ApiError {
    let mut details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": cause }] });
    if retry_after_seconds > 0 {
        details["retryAfterSeconds"] = json!(retry_after_seconds);
    }
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    ApiError { details, ..ApiError::plain(429, "TooManyRequests", message) }
}

fn mark(state: &mut State, key: &Key) -> Result<(), ApiError> {
    let now = state.time();
    state.modify::<Pod>(Kind::Pod, key, |pod| {
        let condition = PodCondition {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
            reason: Some("EvictionByEvictionAPI".to_owned()),
            message: Some("Eviction API: evicting".to_owned()),
            last_transition_time: Some(now),
            ..PodCondition::default()
        };
        set_condition(pod, condition);
    })?;
    Ok(())
}

/// Sets a condition; one that already has this status keeps its transition time.
fn set_condition(pod: &mut Pod, mut condition: PodCondition) {
    let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
    match conditions.iter_mut().find(|known| known.type_ == condition.type_) {
        Some(known) => {
            if known.status == condition.status {
                condition.last_transition_time.clone_from(&known.last_transition_time);
            }
            *known = condition;
        }
        None => conditions.push(condition),
    }
}

/// POST of a Binding: the pod gets its node, once.
pub(super) fn bind(state: &mut State, call: &Call, target: &Target) -> Result<Outcome, ApiError> {
    let body = call.json()?;
    pod_request(call, target, &body, "Binding")?;
    let key = target.key();
    let node = body.pointer("/target/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let pod = state.store.get(Kind::Pod, &key).ok_or_else(|| ApiError::not_found(Kind::Pod, &key))?;
    if node.is_empty() {
        return Err(ApiError::bad_request("target.name: Required value"));
    }
    if pod.is_terminating() {
        let why = format!("pod {} is being deleted, cannot be assigned to a host", key.name);
        return Err(ApiError::conflict(Kind::Pod, &key, &why));
    }
    let taken = pod.text("/spec/nodeName");
    if !taken.is_empty() {
        let why = format!("pod {} is already assigned to node \"{taken}\"", key.name);
        return Err(ApiError::conflict(Kind::Pod, &key, &why));
    }
    if !call.dry_run() {
        let now = state.time();
        state.modify::<Pod>(Kind::Pod, &key, |pod| {
            pod.spec.get_or_insert_default().node_name = Some(node);
            let condition = PodCondition {
                type_: "PodScheduled".to_owned(),
                status: "True".to_owned(),
                last_transition_time: Some(now),
                ..PodCondition::default()
            };
            set_condition(pod, condition);
        })?;
    }
    Ok(created())
}
