//! How a Job ends: its conditions and what they are for.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{JobCondition, JobSpec, JobStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::policy::{self, Action};
use super::tally::Reached;
use crate::{Object, State};

/// An end that has been decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) succeeds: bool,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Outcome {
    fn failed(reason: &str, message: &str) -> Self {
        Self { succeeds: false, reason: reason.to_owned(), message: message.to_owned() }
    }

    fn complete(reason: &str, message: &str) -> Self {
        Self { succeeds: true, ..Self::failed(reason, message) }
    }

    /// `Complete` or `Failed`.
    pub(super) const fn condition(&self) -> &'static str {
        if self.succeeds { "Complete" } else { "Failed" }
    }

    /// The condition that comes first, while pods still end.
    pub(super) const fn target(&self) -> &'static str {
        if self.succeeds { SUCCESS } else { FAILURE }
    }
}

const SUCCESS: &str = "SuccessCriteriaMet";
const FAILURE: &str = "FailureTarget";

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
pub(super) fn set(state: &State, status: &mut JobStatus, kind: &str, outcome: &Outcome) -> bool {
    mark(state, status, kind, true, [&outcome.reason, &outcome.message])
}

/// Sets a condition with its reason and message; tells whether it was otherwise before.
pub(super) fn mark(state: &State, status: &mut JobStatus, kind: &str, holds: bool, why: [&str; 2]) -> bool {
    let text = if holds { "True" } else { "False" };
    let known = status.conditions.iter().flatten().find(|known| known.type_ == kind);
    if known.is_some_and(|known| known.status == text) || (known.is_none() && !holds) {
        return false;
    }
    let [reason, message] = why;
    let condition = JobCondition {
        last_probe_time: Some(state.time()),
        last_transition_time: Some(state.time()),
        message: Some(message.to_owned()),
        reason: Some(reason.to_owned()),
        status: text.to_owned(),
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

/// What the end of a Job is decided by.
pub(super) struct Counts<'a> {
    pub(super) active: i32,
    /// Restarts of containers, where pods start them again by themselves.
    pub(super) restarts: i64,
    pub(super) pods: &'a [Arc<Object>],
}

/// The end that a Job has come to: what was decided before stays, then failures are looked at, then successes.
pub(super) fn decide(spec: &JobSpec, status: &JobStatus, counts: &Counts<'_>, now: Timestamp) -> Option<Outcome> {
    decided_before(status).or_else(|| failure(spec, status, counts, now)).or_else(|| success(spec, status, counts))
}

fn decided_before(status: &JobStatus) -> Option<Outcome> {
    let mut all = status.conditions.iter().flatten().filter(|known| known.status == "True");
    let known = all.find(|known| known.type_ == SUCCESS || known.type_ == FAILURE)?;
    Some(Outcome {
        succeeds: known.type_ == SUCCESS,
        reason: known.reason.clone().unwrap_or_default(),
        message: known.message.clone().unwrap_or_default(),
    })
}

fn failure(spec: &JobSpec, status: &JobStatus, counts: &Counts<'_>, now: Timestamp) -> Option<Outcome> {
    let failed = counts.pods.iter().filter(|pod| policy::has_failed(spec, pod));
    for pod in failed {
        if let Action::FailJob(why) = policy::of_failure(spec, pod) {
            return Some(Outcome::failed("PodFailurePolicy", &why));
        }
    }
    let limit = spec.backoff_limit.unwrap_or(6);
    if status.failed.unwrap_or(0) > limit || (counts.restarts > 0 && counts.restarts >= i64::from(limit)) {
        return Some(Outcome::failed("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    if deadline(spec, status).is_some_and(|end| end <= now) {
        return Some(Outcome::failed("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    let reached = Reached::of(spec, status);
    let (failed, succeeded) = (reached.failed.len(), reached.succeeded.len());
    let most = spec.max_failed_indexes.and_then(|most| usize::try_from(most).ok());
    if most.is_some_and(|most| failed > most) {
        let message = "Job has exceeded the specified maximal number of failed indexes";
        return Some(Outcome::failed("MaxFailedIndexesExceeded", message));
    }
    let all = usize::try_from(policy::completions(spec)).unwrap_or(usize::MAX);
    (failed > 0 && failed + succeeded >= all).then(|| Outcome::failed("FailedIndexes", "Job has failed indexes"))
}

fn success(spec: &JobSpec, status: &JobStatus, counts: &Counts<'_>) -> Option<Outcome> {
    if let Some(why) = policy::of_success(spec, &Reached::of(spec, status).succeeded) {
        return Some(Outcome::complete("SuccessPolicy", &why));
    }
    let succeeded = status.succeeded.unwrap_or(0);
    let reached = match spec.completions {
        Some(wanted) => succeeded >= wanted,
        // A work queue is empty when one pod has succeeded and none runs any more.
        None => succeeded > 0 && counts.active == 0,
    };
    reached.then(|| Outcome::complete("CompletionsReached", "Reached expected number of succeeded pods"))
}
