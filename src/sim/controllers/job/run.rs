//! One sync of a Job: count what ended, decide whether it is over, then make or delete pods.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{Job, JobSpec, JobStatus};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::indexes::{self, Indexes};
use super::outcome::{self, Counts, Outcome};
use super::pods;
use super::policy::{self, Action};
use super::tally::{self, Reached};
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::status::{self, count, length};
use crate::controllers::{Controller, control, pod};
use crate::registry::DeleteOptions;
use crate::{Key, Kind, Object, State};

/// `managedBy` of Jobs that are looked after here.
const CONTROLLER: &str = "kubernetes.io/job-controller";

/// Reconciles one Job.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::Job, key).cloned() else {
        state.controllers.job_failures.remove(key);
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
    if spec.managed_by.as_deref().is_some_and(|name| name != CONTROLLER) {
        return Ok(());
    }
    follow_suspension(state, key, spec, &mut status);
    let pods = pods::owned(state, &object);
    tally::count(state, key, spec, &mut status, &pods);
    let active: Vec<_> = pods.iter().filter(|pod| pod::is_active(pod)).cloned().collect();
    let restarts = if on_failure(spec) { active.iter().map(|pod| pod::restarts(pod)).sum() } else { 0 };
    let counts = Counts { active: length(active.len()), restarts, pods: &pods };
    let decided = outcome::decide(spec, &status, &counts, state.timestamp());
    let result = match decided {
        Some(outcome) => {
            end(state, key, &mut status, &outcome, &active);
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

/// A Job begins when it is not suspended, and anew when it is resumed.
fn follow_suspension(state: &mut State, key: &Key, spec: &JobSpec, status: &mut JobStatus) {
    let suspended = spec.suspend == Some(true);
    let (reason, message) = if suspended { ("Suspended", "Job suspended") } else { ("Resumed", "Job resumed") };
    if outcome::mark(state, status, "Suspended", suspended, [&format!("Job{reason}"), message]) {
        control::record(state, Kind::Job, key, "Normal", reason, message);
        status.start_time = None;
    }
    if status.start_time.is_none() && !suspended {
        status.start_time = Some(state.time());
    }
}

/// Notes the end, deletes what still runs, and closes the Job when nothing does.
fn end(state: &mut State, key: &Key, status: &mut JobStatus, outcome: &Outcome, active: &[Arc<Object>]) {
    outcome::set(state, status, outcome.target(), outcome);
    for pod in active {
        control::delete_pod(state, Kind::Job, key, pod);
    }
    let Some(job) = state.store.get(Kind::Job, key).cloned() else { return };
    if pods::owned(state, &job).iter().any(|pod| !pod::is_finished(pod)) {
        return;
    }
    outcome::set(state, status, outcome.condition(), outcome);
    if outcome.succeeds {
        status.completion_time = Some(state.time());
        control::record(state, Kind::Job, key, "Normal", "Completed", "Job completed");
    } else {
        control::record(state, Kind::Job, key, "Warning", &outcome.reason, &outcome.message);
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
        Some(completions) => parallelism.min(completions - succeeded).max(0),
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
    let ending = pods.iter().filter(|pod| pod.is_terminating() && !pod::is_finished(pod)).count();
    let awaited = if policy::waits_for_failure(spec) { length(ending) } else { 0 };
    let missing = usize::try_from(wanted - present - awaited).unwrap_or(0);
    if missing == 0 || (spec.backoff_limit_per_index.is_none() && backs_off(state, key)) {
        return Ok(());
    }
    let new = if policy::is_indexed(spec) {
        indexed(state, key, job, spec, status, pods, missing)
    } else {
        vec![pods::build(job); missing]
    };
    for pod in new {
        control::create_pod(state, Kind::Job, key, pod).map_err(|_| TryAgain)?;
    }
    Ok(())
}

/// Pods for the first indexes that have none and are not over. With a limit for each index, those wait apart.
fn indexed(
    state: &mut State,
    key: &Key,
    job: &Object,
    spec: &JobSpec,
    status: &JobStatus,
    pods: &[Arc<Object>],
    missing: usize,
) -> Vec<Value> {
    let reached = Reached::of(spec, status);
    let ending = policy::waits_for_failure(spec);
    let taken = pods.iter().filter(|pod| pod::is_active(pod) || (ending && !pod::is_finished(pod)));
    let taken: Indexes = taken.filter_map(|pod| indexes::of(pod)).collect();
    let pending = (0..policy::completions(spec)).filter(|index| {
        !taken.contains(index) && !reached.succeeded.contains(index) && !reached.failed.contains(index)
    });
    let now = state.timestamp();
    let mut new = Vec::new();
    for index in pending.take(missing).collect::<Vec<_>>() {
        if spec.backoff_limit_per_index.is_none() {
            new.push(pods::build_indexed(job, index, None));
            continue;
        }
        let waiting = pods
            .iter()
            .filter(|pod| indexes::of(pod) == Some(index) && pods::is_tracked(pod) && policy::has_failed(spec, pod));
        let last = waiting.max_by_key(|pod| (pods::failures(pod) + pods::ignored_failures(pod), pod.uid().to_owned()));
        let before = last.map_or((0, 0), |pod| {
            let ignored = policy::of_failure(spec, pod) == Action::Ignore;
            (pods::failures(pod) + u32::from(!ignored), pods::ignored_failures(pod) + u32::from(ignored))
        });
        let until = last.and_then(|pod| tally::held(before.0 + before.1, tally::finished_at(pod, now)));
        match until.filter(|until| *until > now) {
            Some(until) => queue::enqueue_at(state, Controller::Job, key.clone(), until),
            None => new.push(pods::build_indexed(job, index, Some(before))),
        }
    }
    new
}

/// Whether the last failure is too recent to try again; if so, the Job is looked at again in time.
fn backs_off(state: &mut State, key: &Key) -> bool {
    let until = state.controllers.job_failures.get(key).and_then(|failures| failures.hold_until());
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
