//! How a Job ends: its conditions and what they are for.

use k8s_openapi::api::batch::v1::{JobCondition, JobSpec, JobStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::State;

/// An end that has been decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// `Complete` or `Failed`.
    pub(super) condition: &'static str,
    /// The condition that comes first, while pods still end.
    pub(super) target: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: &'static str,
}

pub(super) const COMPLETE: Outcome = Outcome {
    condition: "Complete",
    target: "SuccessCriteriaMet",
    reason: "CompletionsReached",
    message: "Reached expected number of succeeded pods",
};
pub(super) const BACKOFF_LIMIT: Outcome = Outcome {
    condition: "Failed",
    target: "FailureTarget",
    reason: "BackoffLimitExceeded",
    message: "Job has reached the specified backoff limit",
};
pub(super) const DEADLINE: Outcome = Outcome {
    condition: "Failed",
    target: "FailureTarget",
    reason: "DeadlineExceeded",
    message: "Job was active longer than specified deadline",
};

/// Whether a condition is True.
pub(super) fn is_true(status: &JobStatus, kind: &str) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == kind && condition.status == "True")
}

/// Whether a Job has ended.
pub(super) fn is_finished(status: &JobStatus) -> bool {
    is_true(status, "Complete") || is_true(status, "Failed")
}

/// Sets a condition to True; tells whether it was not before.
pub(super) fn set(state: &State, status: &mut JobStatus, kind: &str, outcome: Outcome) -> bool {
    if is_true(status, kind) {
        return false;
    }
    let condition = JobCondition {
        last_probe_time: Some(state.time()),
        last_transition_time: Some(state.time()),
        message: Some(outcome.message.to_owned()),
        reason: Some(outcome.reason.to_owned()),
        status: "True".to_owned(),
        type_: kind.to_owned(),
    };
    let conditions = status.conditions.get_or_insert_default();
    conditions.retain(|present| present.type_ != kind);
    conditions.push(condition);
    true
}

/// When a Job runs out of time.
pub(super) fn deadline(spec: &JobSpec, status: &JobStatus) -> Option<Timestamp> {
    let start = status.start_time.as_ref()?.0;
    start.checked_add(SignedDuration::from_secs(spec.active_deadline_seconds?)).ok()
}

/// The end that a Job has come to, given its counts.
pub(super) fn decide(
    spec: &JobSpec,
    status: &JobStatus,
    active: i32,
    restarts: i64,
    now: Timestamp,
) -> Option<Outcome> {
    if is_true(status, COMPLETE.target) {
        return Some(COMPLETE);
    }
    let limit = spec.backoff_limit.unwrap_or(6);
    if status.failed.unwrap_or(0) > limit || (restarts > 0 && restarts >= i64::from(limit)) {
        return Some(BACKOFF_LIMIT);
    }
    if deadline(spec, status).is_some_and(|end| end <= now) {
        return Some(DEADLINE);
    }
    let succeeded = status.succeeded.unwrap_or(0);
    let reached = match spec.completions {
        Some(wanted) => succeeded >= wanted,
        // A work queue is empty when one pod has succeeded and none runs any more.
        None => succeeded > 0 && active == 0,
    };
    reached.then_some(COMPLETE)
}
