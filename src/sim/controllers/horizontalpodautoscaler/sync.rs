//! One look at an autoscaler's target: its bounds, its metrics, and what follows for its replicas.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler as Scaler, HorizontalPodAutoscalerSpec as Spec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::behavior::Look;
use super::metrics;
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::{Controller, control, index};
use crate::{Key, Kind, Object, State};

/// `--horizontal-pod-autoscaler-sync-period`.
const PERIOD: Duration = Duration::from_secs(15);

/// What an autoscaler came to.
struct Verdict {
    desired: i64,
    /// Why, as the event says it.
    reason: &'static str,
    scaling: Value,
    /// What held the number back: `AbleToScale`, unless the target is scaled now, and `ScalingLimited`.
    stabilized: Option<Value>,
    limited: Option<Value>,
}

/// Lets an autoscaler be looked at when the next period begins.
pub(in crate::controllers) fn arm(state: &mut State, key: &Key) {
    let periods = state.now.as_millis() / PERIOD.as_millis() + 1;
    let next = Duration::from_millis(u64::try_from(periods * PERIOD.as_millis()).unwrap_or(u64::MAX));
    let delay = next.saturating_sub(state.now);
    queue::enqueue_after(state, Controller::HorizontalPodAutoscaler, key.clone(), delay);
}

/// Reconciles one autoscaler, and looks again after a period.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::HorizontalPodAutoscaler, key).cloned() else {
        state.controllers.autoscalers.remove(key);
        return Ok(());
    };
    let spec = object.typed::<Scaler>().spec.clone();
    arm(state, key);
    let found = target(state, key, &spec);
    let Some((kind, scaled)) = found else {
        let what = format!("{} \"{}\" not found", spec.scale_target_ref.kind, spec.scale_target_ref.name);
        let message = format!("the HPA controller was unable to get the target's current scale: {what}");
        control::record(state, Kind::HorizontalPodAutoscaler, key, "Warning", "FailedGetScale", &what);
        write(state, key, &object, None, &[condition("AbleToScale", false, "FailedGetScale", &message)]);
        return Ok(());
    };
    let current = scaled.at("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let verdict = judge(state, key, &spec, &scaled, current);
    let able = if verdict.desired == current {
        let ready = || condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size");
        verdict.stabilized.clone().unwrap_or_else(ready)
    } else {
        let able = rescale(state, key, kind, &scaled, &verdict)?;
        let now = state.now;
        if spec.behavior.is_some() {
            state.controllers.autoscalers.entry(key.clone()).or_default().scaled(now, current, verdict.desired);
        }
        able
    };
    let mut conditions = vec![able, verdict.scaling];
    conditions.extend(verdict.limited);
    write(state, key, &object, Some((current, verdict.desired)), &conditions);
    Ok(())
}

/// The object that is scaled, when it is there and can be.
fn target(state: &State, key: &Key, spec: &Spec) -> Option<(Kind, Arc<Object>)> {
    let wanted = &spec.scale_target_ref;
    let kind = Kind::by_name(wanted.api_version.as_deref().unwrap_or("apps/v1"), &wanted.kind)?;
    let object = state.store.find(kind, &key.namespace, &wanted.name).filter(|_| kind.facts().scale)?;
    Some((kind, object.clone()))
}

fn judge(state: &mut State, key: &Key, spec: &Spec, scaled: &Object, current: i64) -> Verdict {
    let (least, most) = (i64::from(spec.min_replicas.unwrap_or(1)), i64::from(spec.max_replicas));
    let valid =
        || condition("ScalingActive", true, "ValidMetricFound", "the HPA was able to compute the replica count");
    let plain = |desired, reason| Verdict { desired, reason, scaling: valid(), stabilized: None, limited: None };
    if current == 0 && least != 0 {
        let message = "scaling is disabled since the replica count of the target is zero";
        let scaling = condition("ScalingActive", false, "ScalingDisabled", message);
        return Verdict { scaling, ..plain(0, "") };
    }
    if current > most {
        return plain(most, "Current number of replicas above Spec.MaxReplicas");
    }
    if current < least {
        return plain(least, "Current number of replicas below Spec.MinReplicas");
    }
    let selector: LabelSelector =
        scaled.at("/spec/selector").cloned().and_then(|it| serde_json::from_value(it).ok()).unwrap_or_default();
    let pods = index::pods_selected(state, &key.namespace, &selector);
    match metrics::replicas(spec, &pods, current) {
        Ok(wanted) => normalized(state, key, spec, wanted, Look { now: state.now, current, least, most }),
        Err((reason, message)) => {
            control::record(state, Kind::HorizontalPodAutoscaler, key, "Warning", reason, &message);
            Verdict { scaling: condition("ScalingActive", false, reason, &message), ..plain(current, "") }
        }
    }
}

/// What bounds, stabilization and policies leave of a recommendation.
fn normalized(state: &mut State, key: &Key, spec: &Spec, wanted: i64, look: Look) -> Verdict {
    let history = state.controllers.autoscalers.entry(key.clone()).or_default();
    let found = history.normalize(look, wanted, spec.behavior.as_ref());
    let rising = wanted > look.current;
    let reason = if rising { "cpu resource utilization above target" } else { "All metrics below target" };
    let message = "the HPA was able to successfully calculate a replica count from cpu resource utilization";
    let (why, words) = found.limit;
    Verdict {
        desired: found.desired,
        reason,
        scaling: condition("ScalingActive", true, "ValidMetricFound", message),
        stabilized: found.stabilized.map(|(reason, message)| condition("AbleToScale", true, reason, message)),
        limited: Some(condition("ScalingLimited", found.limited, why, words)),
    }
}

fn rescale(state: &mut State, key: &Key, kind: Kind, scaled: &Object, verdict: &Verdict) -> Result<Value, TryAgain> {
    let target = Key::new(&key.namespace, scaled.text("/metadata/name"));
    let desired = verdict.desired;
    state.modify_value(kind, &target, |value| value["spec"]["replicas"] = json!(desired)).map_err(|_| TryAgain)?;
    let message = format!("New size: {desired}; reason: {}", verdict.reason);
    control::record(state, Kind::HorizontalPodAutoscaler, key, "Normal", "SuccessfulRescale", &message);
    let message = format!("the HPA controller was able to update the target scale to {desired}");
    Ok(condition("AbleToScale", true, "SucceededRescale", &message))
}

fn condition(type_: &str, holds: bool, reason: &str, message: &str) -> Value {
    json!({ "type": type_, "status": if holds { "True" } else { "False" }, "reason": reason, "message": message })
}

/// Writes the status; a condition whose status is as before keeps its time.
fn write(state: &mut State, key: &Key, object: &Object, replicas: Option<(i64, i64)>, conditions: &[Value]) {
    let now = json!(state.time());
    let mut known = object.at("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    for condition in conditions {
        let before = known.iter().position(|known| known["type"] == condition["type"]);
        let since = before.map(|at| &known[at]).filter(|known| known["status"] == condition["status"]);
        let mut new = condition.clone();
        new["lastTransitionTime"] = since.map_or_else(|| now.clone(), |known| known["lastTransitionTime"].clone());
        match before {
            Some(at) => known[at] = new,
            None => known.push(new),
        }
    }
    let mut status = object.at("/status").filter(|status| status.is_object()).cloned().unwrap_or_else(|| json!({}));
    status["conditions"] = json!(known);
    status["observedGeneration"] = object.at("/metadata/generation").cloned().unwrap_or_default();
    if let Some((current, desired)) = replicas {
        status["currentReplicas"] = json!(current);
        status["desiredReplicas"] = json!(desired);
        if current != desired {
            status["lastScaleTime"] = now;
        }
    } else {
        status["desiredReplicas"] = json!(0);
    }
    crate::controllers::status::set(state, Kind::HorizontalPodAutoscaler, key, &status);
}
