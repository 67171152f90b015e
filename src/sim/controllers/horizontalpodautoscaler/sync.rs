//! One look at an autoscaler's target: its bounds, its metrics, and what follows for its replicas.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler as Scaler, HorizontalPodAutoscalerSpec as Spec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::metrics;
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::{Controller, control, index};
use crate::{Key, Kind, Object, State};

/// `--horizontal-pod-autoscaler-sync-period`.
const PERIOD: Duration = Duration::from_secs(15);
/// `--horizontal-pod-autoscaler-downscale-stabilization`.
const STABILIZATION: Duration = Duration::from_secs(300);

/// What an autoscaler came to.
struct Verdict {
    desired: i64,
    /// Why, as the event says it.
    reason: &'static str,
    scaling: Value,
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
        state.controllers.recommendations.remove(key);
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
        condition("AbleToScale", true, "ReadyForNewScale", "recommended size matches current size")
    } else {
        rescale(state, key, kind, &scaled, &verdict)?
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
    let plain = |desired, reason| Verdict { desired, reason, scaling: valid(), limited: None };
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
    match metrics::replicas(spec.metrics.as_deref().unwrap_or_default(), &pods, current) {
        Ok(wanted) => bounded(stabilized(state, key, spec, wanted, current), current, least, most),
        Err((reason, message)) => {
            control::record(state, Kind::HorizontalPodAutoscaler, key, "Warning", reason, &message);
            Verdict { scaling: condition("ScalingActive", false, reason, &message), ..plain(current, "") }
        }
    }
}

/// The largest number that was recommended lately: nothing is scaled down for a short dip.
fn stabilized(state: &mut State, key: &Key, spec: &Spec, wanted: i64, current: i64) -> i64 {
    let down = spec.behavior.as_ref().and_then(|behavior| behavior.scale_down.as_ref());
    let seconds = down.and_then(|rules| rules.stabilization_window_seconds).and_then(|it| u64::try_from(it).ok());
    let window = seconds.map_or(STABILIZATION, Duration::from_secs);
    let now = state.now;
    let known = state.controllers.recommendations.entry(key.clone()).or_insert_with(|| vec![(now, current)]);
    known.retain(|(at, _)| now.saturating_sub(*at) < window);
    known.push((now, wanted));
    let largest = known.iter().map(|(_, number)| *number).max().unwrap_or(wanted);
    if wanted < current { largest.min(current) } else { wanted }
}

/// Keeps a number within the bounds, and a rise within what is allowed at once: double, or four more.
fn bounded(wanted: i64, current: i64, least: i64, most: i64) -> Verdict {
    let rise = (current * 2).max(current + 4);
    let desired = wanted.min(rise).clamp(least, most);
    let limited = |reason, message| Some(condition("ScalingLimited", true, reason, message));
    let limited = if wanted > most {
        limited("TooManyReplicas", "the desired replica count is more than the maximum replica count")
    } else if wanted < least {
        limited("TooFewReplicas", "the desired replica count is less than the minimum replica count")
    } else if desired < wanted {
        limited("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
    } else {
        let message = "the desired count is within the acceptable range";
        Some(condition("ScalingLimited", false, "DesiredWithinRange", message))
    };
    let reason = if desired > current { "cpu resource utilization above target" } else { "All metrics below target" };
    let message = "the HPA was able to successfully calculate a replica count from cpu resource utilization";
    Verdict { desired, reason, scaling: condition("ScalingActive", true, "ValidMetricFound", message), limited }
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
