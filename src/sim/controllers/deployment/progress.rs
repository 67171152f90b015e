//! The status of a Deployment: counts, availability, and whether its rollout makes progress before the deadline.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition, DeploymentStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::condition::{self, NEW_AVAILABLE, PROGRESSING, TIMED_OUT, has_reason};
use super::replica_sets::{counted, size};
use super::rollout::Rollout;
use crate::controllers::status::{self, count};
use crate::controllers::{Controller, queue};
use crate::{Kind, State};

/// The counts of this moment with the conditions gathered so far (`calculateStatus`).
fn calculate(state: &State, rollout: &Rollout) -> DeploymentStatus {
    let sum = |field| rollout.all().map(|set| counted(set, field)).sum::<i32>();
    let available = sum("availableReplicas");
    let total: i32 = rollout.all().map(|set| size(set)).sum();
    let mut status = DeploymentStatus {
        available_replicas: count(available),
        collision_count: rollout.status.collision_count,
        conditions: rollout.status.conditions.clone(),
        observed_generation: rollout.object.typed::<Deployment>().metadata.generation,
        ready_replicas: count(sum("readyReplicas")),
        replicas: count(sum("replicas")),
        terminating_replicas: None,
        unavailable_replicas: count((total - available).max(0)),
        updated_replicas: count(rollout.new.as_ref().map_or(0, |new| counted(new, "replicas"))),
    };
    let (_, max_unavailable) = rollout.limits();
    let (truth, reason, message) = if available >= rollout.replicas() - max_unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    condition::set(&mut status, condition::new(state, "Available", truth, reason, message.to_owned()));
    status
}

/// Stores the counts; leaves Progressing as it is.
pub(super) fn store_status(state: &mut State, rollout: &Rollout) {
    let status = calculate(state, rollout);
    status::set(state, Kind::Deployment, &rollout.key, &status);
}

/// Whether every wanted pod runs the present template, is available, and no other is left (`DeploymentComplete`).
pub(super) fn is_complete(rollout: &Rollout) -> bool {
    let wanted = rollout.replicas();
    let sum = |field| rollout.all().map(|set| counted(set, field)).sum::<i32>();
    let updated = rollout.new.as_ref().map_or(0, |new| counted(new, "replicas"));
    updated == wanted && sum("replicas") == wanted && sum("availableReplicas") == wanted
}

/// Stores the counts and how the rollout gets on (`syncRolloutStatus`), and asks to be woken at the deadline.
pub(super) fn sync_status(state: &mut State, rollout: &mut Rollout) {
    let before = rollout.object.typed::<Deployment>().status.clone().unwrap_or_default();
    let mut new = calculate(state, rollout);
    let deadline =
        rollout.spec().and_then(|spec| spec.progress_deadline_seconds).filter(|seconds| *seconds != i32::MAX);
    let done = new.replicas == new.updated_replicas && has_reason(&new, PROGRESSING, NEW_AVAILABLE);
    match deadline {
        None => condition::remove(&mut new, PROGRESSING),
        Some(_) if done => {}
        Some(seconds) => note_progress(state, rollout, &before, &mut new, seconds),
    }
    match replica_failure(rollout) {
        Some(failure) => condition::set(&mut new, failure),
        None => condition::remove(&mut new, "ReplicaFailure"),
    }
    if let Some(seconds) = deadline
        && !is_complete(rollout)
        && let Some(at) = deadline_of(&new, seconds)
    {
        queue::enqueue_at(state, Controller::Deployment, rollout.key.clone(), at);
    }
    status::set(state, Kind::Deployment, &rollout.key, &new);
}

fn note_progress(
    state: &State,
    rollout: &Rollout,
    before: &DeploymentStatus,
    new: &mut DeploymentStatus,
    deadline_seconds: i32,
) {
    let what = match &rollout.new {
        Some(set) => format!("ReplicaSet \"{}\"", set.text("/metadata/name")),
        None => format!("Deployment \"{}\"", rollout.key.name),
    };
    if is_complete(rollout) {
        let message = format!("{what} has successfully progressed.");
        condition::set(new, condition::new(state, PROGRESSING, "True", NEW_AVAILABLE, message));
    } else if has_moved(before, new) {
        let message = format!("{what} is progressing.");
        let mut condition = condition::new(state, PROGRESSING, "True", "ReplicaSetUpdated", message);
        if let Some(present) = condition::get(new, PROGRESSING).filter(|present| present.status == "True") {
            condition.last_transition_time.clone_from(&present.last_transition_time);
        }
        condition::replace(new, condition);
    } else if has_timed_out(state, new, deadline_seconds) {
        let message = format!("{what} has timed out progressing.");
        condition::set(new, condition::new(state, PROGRESSING, "False", TIMED_OUT, message));
    }
}

/// Whether more pods are new, ready or available, or fewer old ones left, than at the last look.
fn has_moved(before: &DeploymentStatus, new: &DeploymentStatus) -> bool {
    let n = |number: Option<i32>| number.unwrap_or(0);
    let old_pods = |status: &DeploymentStatus| n(status.replicas) - n(status.updated_replicas);
    n(new.updated_replicas) > n(before.updated_replicas)
        || old_pods(new) < old_pods(before)
        || n(new.ready_replicas) > n(before.ready_replicas)
        || n(new.available_replicas) > n(before.available_replicas)
}

fn deadline_of(status: &DeploymentStatus, seconds: i32) -> Option<Timestamp> {
    let progressing = condition::get(status, PROGRESSING)?;
    let settled = [NEW_AVAILABLE, TIMED_OUT].map(Some).contains(&progressing.reason.as_deref());
    if settled {
        return None;
    }
    let updated = progressing.last_update_time.as_ref()?.0;
    // One second later than the deadline, as the real one does: timestamps have whole seconds.
    updated.checked_add(SignedDuration::from_secs(i64::from(seconds) + 1)).ok()
}

fn has_timed_out(state: &State, status: &DeploymentStatus, seconds: i32) -> bool {
    has_reason(status, PROGRESSING, TIMED_OUT) || deadline_of(status, seconds).is_some_and(|at| at <= state.timestamp())
}

/// `ReplicaFailure` of the first ReplicaSet that has it, the new one first.
fn replica_failure(rollout: &Rollout) -> Option<DeploymentCondition> {
    let failing = rollout.new.iter().chain(&rollout.old).find_map(|set| set.condition("ReplicaFailure").cloned())?;
    let text = |field: &str| failing.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
    let time: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> =
        failing.get("lastTransitionTime").and_then(|time| serde_json::from_value(time.clone()).ok());
    Some(DeploymentCondition {
        last_transition_time: time.clone(),
        last_update_time: time,
        message: text("message"),
        reason: text("reason"),
        status: "True".to_owned(),
        type_: "ReplicaFailure".to_owned(),
    })
}
