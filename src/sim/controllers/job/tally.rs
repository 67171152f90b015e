//! What of a Job's pods has ended: each is counted once, in the Job's status and for the back-off, and then let go.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{JobSpec, JobStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::indexes::{self, Indexes};
use super::pods;
use super::policy::{self, Action};
use crate::controllers::{pod, queue};
use crate::{Key, Object, State};

/// Back-off between a failed pod and its successor (`DefaultJobPodFailureBackOff`, `MaxJobPodFailureBackOff`).
const FAILURE_BACKOFF: Duration = Duration::from_secs(10);
const FAILURE_BACKOFF_MAX: Duration = Duration::from_secs(600);

/// Failures since the last success (`backoffRecord`).
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::controllers) struct Failures {
    number: u32,
    last: Option<Timestamp>,
}

impl Failures {
    /// Until when no pod is made.
    pub(super) fn hold_until(self) -> Option<Timestamp> {
        held(self.number, self.last?)
    }
}

/// Until when a pod is not made again that failed so often, last at this time.
pub(super) fn held(failures: u32, last: Timestamp) -> Option<Timestamp> {
    let wait = queue::backoff(FAILURE_BACKOFF, FAILURE_BACKOFF_MAX, failures);
    last.checked_add(SignedDuration::try_from(wait).ok()?).ok().filter(|_| failures > 0)
}

/// What an Indexed Job has reached so far.
#[derive(Debug, Default)]
pub(super) struct Reached {
    pub(super) succeeded: Indexes,
    pub(super) failed: Indexes,
}

impl Reached {
    pub(super) fn of(spec: &JobSpec, status: &JobStatus) -> Self {
        let read =
            |text: &Option<String>| indexes::parse(text.as_deref().unwrap_or_default(), policy::completions(spec));
        Self { succeeded: read(&status.completed_indexes), failed: read(&status.failed_indexes) }
    }

    fn write(&self, spec: &JobSpec, status: &mut JobStatus) {
        status.completed_indexes = Some(indexes::write(&self.succeeded)).filter(|text| !text.is_empty());
        status.succeeded = Some(i32::try_from(self.succeeded.len()).unwrap_or(i32::MAX)).filter(|number| *number > 0);
        if spec.backoff_limit_per_index.is_some() {
            status.failed_indexes = Some(indexes::write(&self.failed));
        }
    }
}

/// Counts each ended pod; its finalizer goes with that. A pod whose index waits for its successor is kept, because the
/// successor takes its number of failures over.
pub(super) fn count(state: &mut State, key: &Key, spec: &JobSpec, status: &mut JobStatus, pods: &[Arc<Object>]) {
    let indexed = policy::is_indexed(spec);
    let mut reached = Reached::of(spec, status);
    let mut failures = state.controllers.job_failures.get(key).copied().unwrap_or_default();
    for pod in pods.iter().filter(|pod| pods::is_tracked(pod)) {
        let index = indexes::of(pod).filter(|index| *index < policy::completions(spec));
        if pod::phase(pod) == "Succeeded" {
            failures = Failures::default();
            match index {
                Some(index) if indexed => drop(reached.succeeded.insert(index)),
                Some(_) | None if indexed => {}
                Some(_) | None => *status.succeeded.get_or_insert(0) += 1,
            }
        } else if policy::has_failed(spec, pod) {
            if let Some(index) = index.filter(|_| spec.backoff_limit_per_index.is_some()) {
                if index_is_over(spec, pod) {
                    reached.failed.insert(index);
                }
                if awaits_successor(spec, &reached, pods, pod, index) {
                    continue;
                }
            }
            failures.number += 1;
            failures.last = failures.last.max(Some(finished_at(pod, state.timestamp())));
            if policy::of_failure(spec, pod) != Action::Ignore {
                *status.failed.get_or_insert(0) += 1;
            }
        } else {
            continue;
        }
        pods::untrack(state, pod);
    }
    state.controllers.job_failures.insert(key.clone(), failures);
    if indexed {
        reached.write(spec, status);
    }
}

/// Whether a failed pod was its index' last.
fn index_is_over(spec: &JobSpec, pod: &Object) -> bool {
    match policy::of_failure(spec, pod) {
        Action::FailIndex => true,
        Action::Ignore => false,
        Action::Count | Action::FailJob(_) => {
            spec.backoff_limit_per_index.is_some_and(|limit| i64::from(pods::failures(pod)) >= i64::from(limit))
        }
    }
}

/// Whether a failed pod is the last one of an index that goes on and has no successor yet.
fn awaits_successor(spec: &JobSpec, reached: &Reached, pods: &[Arc<Object>], pod: &Object, index: u32) -> bool {
    let same = |other: &&Arc<Object>| indexes::of(other) == Some(index) && other.uid() != pod.uid();
    let over = reached.succeeded.contains(&index) || reached.failed.contains(&index);
    let order =
        |pod: &Object| (pods::failures(pod) + pods::ignored_failures(pod), pod.text("/metadata/name").to_owned());
    let replaced = pods.iter().filter(same).any(|other| {
        pod::is_active(other)
            || (pods::is_tracked(other) && policy::has_failed(spec, other) && order(other) > order(pod))
    });
    !over && !replaced
}

/// When a pod finished: with its last container, or when it was no longer ready, or deleted, or else made.
pub(super) fn finished_at(pod: &Object, now: Timestamp) -> Timestamp {
    let statuses = pod.at("/status/containerStatuses").and_then(Value::as_array).cloned().unwrap_or_default();
    let ends: Option<Vec<Timestamp>> =
        statuses.iter().map(|status| status.pointer("/state/terminated/finishedAt")?.as_str()?.parse().ok()).collect();
    let last = ends.filter(|ends| !ends.is_empty()).and_then(|ends| ends.into_iter().max());
    let unready = || pod.condition("Ready").filter(|ready| ready["status"] == "False").and(pod::ready_since(pod));
    last.or_else(unready).or_else(|| deleted_at(pod)).or_else(|| pod::created_at(pod)).unwrap_or(now)
}

/// When a pod was deleted: its grace before the time that its deletion is planned for.
fn deleted_at(pod: &Object) -> Option<Timestamp> {
    let planned: Timestamp = pod.text("/metadata/deletionTimestamp").parse().ok()?;
    let grace = pod.at("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    planned.checked_sub(SignedDuration::from_secs(grace)).ok()
}
