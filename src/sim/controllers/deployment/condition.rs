//! The conditions Available, Progressing and `ReplicaFailure` of a Deployment.

use k8s_openapi::api::apps::v1::{DeploymentCondition, DeploymentStatus};

use super::rollout::Rollout;
use crate::State;

pub(super) const PROGRESSING: &str = "Progressing";
pub(super) const NEW_AVAILABLE: &str = "NewReplicaSetAvailable";
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// A condition by its type.
pub(super) fn get<'a>(status: &'a DeploymentStatus, kind: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}

/// Whether a condition has this reason.
pub(super) fn has_reason(status: &DeploymentStatus, kind: &str, reason: &str) -> bool {
    get(status, kind).is_some_and(|condition| condition.reason.as_deref() == Some(reason))
}

/// A condition as of now.
pub(super) fn new(state: &State, kind: &str, truth: &str, reason: &str, message: String) -> DeploymentCondition {
    DeploymentCondition {
        last_transition_time: Some(state.time()),
        last_update_time: Some(state.time()),
        message: Some(message),
        reason: Some(reason.to_owned()),
        status: truth.to_owned(),
        type_: kind.to_owned(),
    }
}

/// Sets a condition, unless status and reason are the same already; keeps the transition time while the status does.
pub(super) fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    if let Some(before) = get(status, &condition.type_) {
        if before.status == condition.status && before.reason == condition.reason {
            return;
        }
        if before.status == condition.status {
            condition.last_transition_time.clone_from(&before.last_transition_time);
        }
    }
    replace(status, condition);
}

/// Sets a condition whatever it was.
pub(super) fn replace(status: &mut DeploymentStatus, condition: DeploymentCondition) {
    remove(status, &condition.type_);
    status.conditions.get_or_insert_default().push(condition);
}

/// Removes a condition.
pub(super) fn remove(status: &mut DeploymentStatus, kind: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_ != kind);
    }
}

fn has_deadline(rollout: &Rollout) -> bool {
    rollout.spec().and_then(|spec| spec.progress_deadline_seconds).is_some_and(|seconds| seconds != i32::MAX)
}

/// A new ReplicaSet was created.
pub(super) fn note_created(state: &State, rollout: &mut Rollout, name: &str) {
    if has_deadline(rollout) {
        let message = format!("Created new replica set \"{name}\"");
        set(&mut rollout.status, new(state, PROGRESSING, "True", "NewReplicaSetCreated", message));
    }
}

/// The ReplicaSet of the template was there before the Deployment had a Progressing condition.
pub(super) fn note_found(state: &State, rollout: &mut Rollout, name: &str) {
    if has_deadline(rollout) && get(&rollout.status, PROGRESSING).is_none() {
        let message = format!("Found new replica set \"{name}\"");
        set(&mut rollout.status, new(state, PROGRESSING, "True", "FoundNewReplicaSet", message));
    }
}

/// The new ReplicaSet could not be created.
pub(super) fn note_failed_create(state: &State, rollout: &mut Rollout, message: &str) {
    if has_deadline(rollout) {
        let condition = new(state, PROGRESSING, "False", "ReplicaSetCreateError", message.to_owned());
        set(&mut rollout.status, condition);
    }
}

/// A pause stops the progress deadline; its end starts it anew (`checkPausedConditions`).
pub(super) fn note_pause(state: &State, rollout: &mut Rollout) {
    if !has_deadline(rollout) || has_reason(&rollout.status, PROGRESSING, TIMED_OUT) {
        return;
    }
    let paused = rollout.spec().and_then(|spec| spec.paused) == Some(true);
    let noted = has_reason(&rollout.status, PROGRESSING, "DeploymentPaused");
    let (reason, message) = match (paused, noted) {
        (true, false) => ("DeploymentPaused", "Deployment is paused"),
        (false, true) => ("DeploymentResumed", "Deployment is resumed"),
        (true, true) | (false, false) => return,
    };
    set(&mut rollout.status, new(state, PROGRESSING, "Unknown", reason, message.to_owned()));
}
