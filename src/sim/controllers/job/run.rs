//! One sync of a Job: count what ended, decide whether it is over, then make or delete pods.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::outcome::{self, Outcome};
use super::pods;
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::status::{self, count, length};
use crate::controllers::{Controller, control, pod};
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

/// Back-off between a failed pod and its successor (`DefaultJobPodFailureBackOff`, `MaxJobPodFailureBackOff`).
const FAILURE_BACKOFF: Duration = Duration::from_secs(10);
const FAILURE_BACKOFF_MAX: Duration = Duration::from_secs(600);

/// Reconciles one Job.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::Job, key).cloned() else {
        pods::untrack_orphans(state, key);
        return Ok(());
    };
    let Some(spec) = object.typed::<Job>().spec.as_ref() else { return Ok(()) };
    let mut status = object.typed::<Job>().status.clone().unwrap_or_default();
    if outcome::is_finished(&status) || object.is_terminating() {
        for pod in pods::owned(state, &object) {
            pods::untrack(state, &pod);
        }
        if outcome::is_finished(&status) {
            delete_when_due(state, key, &object, spec, &status);
        }
        return Ok(());
    }
    let suspended = spec.suspend == Some(true);
    if status.start_time.is_none() && !suspended {
        status.start_time = Some(state.time());
    }
    let pods = pods::owned(state, &object);
    count_ended(state, &mut status, &pods);
    let active: Vec<_> = pods.iter().filter(|pod| pod::is_active(pod)).cloned().collect();
    let restarts = if on_failure(spec) { active.iter().map(|pod| pod::restarts(pod)).sum() } else { 0 };
    let decided = outcome::decide(spec, &status, length(active.len()), restarts, state.timestamp());
    let result = match decided {
        Some(outcome) => {
            end(state, key, &mut status, outcome, &active);
            Ok(())
        }
        None => manage(state, key, &object, spec, &status, &active, &pods),
    };
    store(state, key, &object, spec, status);
    result
}

fn on_failure(spec: &JobSpec) -> bool {
    spec.template.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) == Some("OnFailure")
}

/// Counts each ended pod once; its finalizer goes with that. A pod that is being deleted counts as failed.
fn count_ended(state: &mut State, status: &mut JobStatus, pods: &[Arc<Object>]) {
    for pod in pods.iter().filter(|pod| pods::is_tracked(pod)) {
        if pod::phase(pod) == "Succeeded" {
            *status.succeeded.get_or_insert(0) += 1;
        } else if pod::phase(pod) == "Failed" || pod.is_terminating() {
            *status.failed.get_or_insert(0) += 1;
        } else {
            continue;
        }
        pods::untrack(state, pod);
    }
}

/// Notes the end, deletes what still runs, and closes the Job when nothing does.
fn end(state: &mut State, key: &Key, status: &mut JobStatus, outcome: Outcome, active: &[Arc<Object>]) {
    outcome::set(state, status, outcome.target, outcome);
    for pod in active {
        control::delete_pod(state, Kind::Job, key, pod);
    }
    let Some(job) = state.store.get(Kind::Job, key).cloned() else { return };
    if pods::owned(state, &job).iter().any(|pod| !pod::is_finished(pod)) {
        return;
    }
    outcome::set(state, status, outcome.condition, outcome);
    if outcome == outcome::COMPLETE {
        status.completion_time = Some(state.time());
        control::record(state, Kind::Job, key, "Normal", "Completed", "Job completed");
    } else {
        control::record(state, Kind::Job, key, "Warning", outcome.reason, outcome.message);
    }
}

fn manage(
    state: &mut State,
    key: &Key,
    job: &Object,
    spec: &JobSpec,
    status: &JobStatus,
    active: &[Arc<Object>],
    pods: &[Arc<Object>],
) -> Result<(), TryAgain> {
    let parallelism = if spec.suspend == Some(true) { 0 } else { spec.parallelism.unwrap_or(1) };
    let succeeded = status.succeeded.unwrap_or(0);
    let present = length(active.len());
    let wanted = match spec.completions {
        Some(completions) => parallelism.min(completions - succeeded),
        None if succeeded > 0 => present.min(parallelism),
        None => parallelism,
    };
    if present > wanted {
        let excess = usize::try_from(present - wanted).unwrap_or(0);
        for pod in active.iter().rev().take(excess) {
            control::delete_pod(state, Kind::Job, key, pod);
        }
        return Ok(());
    }
    if present < wanted && !backs_off(state, key, status, pods) {
        for _ in present..wanted {
            control::create_pod(state, Kind::Job, key, pods::build(job)).map_err(|_| TryAgain)?;
        }
    }
    Ok(())
}

/// Whether the last failure is too recent to try again; if so, the Job is looked at again in time.
fn backs_off(state: &mut State, key: &Key, status: &JobStatus, pods: &[Arc<Object>]) -> bool {
    let failed = pods.iter().filter(|pod| pod::phase(pod) == "Failed");
    let last = failed.filter_map(|pod| pod::ready_since(pod).or_else(|| pod::created_at(pod))).max();
    let Some(last) = last else { return false };
    let failures = u32::try_from(status.failed.unwrap_or(0)).unwrap_or(0).max(1);
    let wait = queue::backoff(FAILURE_BACKOFF, FAILURE_BACKOFF_MAX, failures);
    let until = SignedDuration::try_from(wait).ok().and_then(|wait| last.checked_add(wait).ok());
    let Some(until) = until.filter(|until| *until > state.timestamp()) else { return false };
    queue::enqueue_at(state, Controller::Job, key.clone(), until);
    true
}

fn store(state: &mut State, key: &Key, job: &Object, spec: &JobSpec, mut status: JobStatus) {
    let pods = pods::owned(state, job);
    let of = |wanted: fn(&Object) -> bool| length(pods.iter().filter(|pod| wanted(pod)).count());
    status.active = count(of(pod::is_active));
    status.ready = Some(of(|pod| pod::is_active(pod) && pod::is_ready(pod)));
    status.terminating = Some(of(|pod| pod.is_terminating() && !pod::is_finished(pod)));
    let deadline = outcome::deadline(spec, &status).filter(|end| *end > state.timestamp());
    if let Some(end) = deadline.filter(|_| !outcome::is_finished(&status)) {
        queue::enqueue_at(state, Controller::Job, key.clone(), end);
    }
    if outcome::is_finished(&status) {
        delete_when_due(state, key, job, spec, &status);
    }
    status::set(state, Kind::Job, key, &status);
}

/// `ttlSecondsAfterFinished`.
fn delete_when_due(state: &mut State, key: &Key, job: &Object, spec: &JobSpec, status: &JobStatus) {
    let Some(seconds) = spec.ttl_seconds_after_finished else { return };
    let ended = status.conditions.iter().flatten().filter(|one| one.type_ == "Complete" || one.type_ == "Failed");
    let ended: Option<Timestamp> = ended.filter_map(|one| one.last_transition_time.as_ref()).map(|time| time.0).max();
    let wait = SignedDuration::from_secs(i64::from(seconds));
    let Some(due) = ended.and_then(|ended| ended.checked_add(wait).ok()) else { return };
    if due > state.timestamp() {
        queue::enqueue_at(state, Controller::Job, key.clone(), due);
        return;
    }
    let options = DeleteOptions {
        uid: Some(job.uid().to_owned()),
        propagation: Some("Foreground".to_owned()),
        ..DeleteOptions::default()
    };
    // It may be gone already.
    let _ = state.delete(Kind::Job, key, &options);
}
