//! One sync of a `CronJob`: what has become of its Jobs, whether the next one is due, and when to look again.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, CronJobStatus, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::tz::TimeZone;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::make;
use super::schedule::Schedule;
use crate::controllers::queue::{self, TryAgain};
use crate::controllers::{Controller, control, pod, status};
use crate::{Key, Kind, Object, State};

/// How much later than its time a Job is made (`nextScheduleDelta`).
const LATE: SignedDuration = SignedDuration::from_millis(100);
/// With more missed times than this the controller complains.
const MISSED_MAX: usize = 100;
/// So many missed times are looked through at most.
const LOOKED_THROUGH_MAX: usize = 100_000;

/// Reconciles one `CronJob`.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(cron) = state.store.get(Kind::CronJob, key).cloned() else { return Ok(()) };
    let typed = cron.typed::<CronJob>();
    let spec = &typed.spec;
    let mut status = typed.status.clone().unwrap_or_default();
    let jobs = make::owned(state, &cron);
    follow_jobs(state, key, &mut status, &jobs);
    let outcome = if cron.is_terminating() { Ok(()) } else { start(state, key, &cron, spec, &mut status) };
    let jobs = make::owned(state, &cron);
    make::forget_old(state, key, spec, &jobs);
    status::set(state, Kind::CronJob, key, &status);
    outcome
}

/// Takes ended and missing Jobs off the list of active ones.
fn follow_jobs(state: &mut State, key: &Key, status: &mut CronJobStatus, jobs: &[Arc<Object>]) {
    let mut active = status.active.take().unwrap_or_default();
    for job in jobs {
        let Some(end) = make::end_of(job) else { continue };
        let before = active.len();
        active.retain(|known| known.uid.as_deref() != Some(job.uid()));
        if active.len() < before {
            let message = format!("Saw completed job: {}, condition: {end}", job.text("/metadata/name"));
            control::record(state, Kind::CronJob, key, "Normal", "SawCompletedJob", &message);
        }
        let completed = job.typed::<Job>().status.as_ref().and_then(|status| status.completion_time.clone());
        if end == "Complete" && completed > status.last_successful_time {
            status.last_successful_time = completed;
        }
    }
    active.retain(|known| {
        let there = jobs.iter().any(|job| known.uid.as_deref() == Some(job.uid()));
        if !there {
            let message = format!("Active job went missing: {}", known.name.as_deref().unwrap_or_default());
            control::record(state, Kind::CronJob, key, "Normal", "MissingJob", &message);
        }
        there
    });
    status.active = Some(active).filter(|active| !active.is_empty());
}

/// Makes the Job that is due, unless the ones before forbid it.
fn start(
    state: &mut State,
    key: &Key,
    cron: &Object,
    spec: &CronJobSpec,
    status: &mut CronJobStatus,
) -> Result<(), TryAgain> {
    let Some((schedule, zone)) = read(state, key, spec) else { return Ok(()) };
    if spec.suspend == Some(true) {
        return Ok(());
    }
    let now = state.timestamp();
    let since = status.last_schedule_time.as_ref().map(|time| time.0).or_else(|| pod::created_at(cron)).unwrap_or(now);
    let (due, missed) = most_recent(&schedule, &zone, since, now, spec.starting_deadline_seconds);
    let next = schedule.next(due.unwrap_or(since).max(now), &zone);
    if let Some(next) = next.and_then(|next| next.checked_add(LATE).ok()) {
        queue::enqueue_at(state, Controller::CronJob, key.clone(), next);
    }
    let Some(due) = due else { return Ok(()) };
    let mut tell = |level: &str, reason: &str, message: &str| {
        control::record(state, Kind::CronJob, key, level, reason, message);
    };
    if missed > MISSED_MAX {
        let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        tell("Warning", "TooManyMissedTimes", message);
    }
    let active = status.active.clone().unwrap_or_default();
    let name = make::name_for(cron, due);
    if active.iter().any(|known| known.name.as_ref() == Some(&name)) || status.last_schedule_time == Some(Time(due)) {
        return Ok(());
    }
    match spec.concurrency_policy.as_deref() {
        Some("Forbid") if !active.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            tell("Normal", "JobAlreadyActive", message);
            return Ok(());
        }
        Some("Replace") => {
            for job in make::owned(state, cron).iter().filter(|job| make::end_of(job).is_none()) {
                make::delete(state, key, job);
            }
            status.active = None;
        }
        Some(_) | None => {}
    }
    let job = match state.store.find(Kind::Job, &key.namespace, &name).cloned() {
        Some(known) if known.controller_uid() != Some(cron.uid()) => return Ok(()),
        Some(known) => known,
        None => make::create(state, cron, due, &zone).map_err(|_| TryAgain)?,
    };
    let reference = serde_json::from_value(make::reference(&job)).unwrap_or_default();
    status.active.get_or_insert_default().push(reference);
    status.last_schedule_time = Some(Time(due));
    Ok(())
}

/// The schedule and its time zone; nothing when either cannot be read, which is told.
fn read(state: &mut State, key: &Key, spec: &CronJobSpec) -> Option<(Schedule, TimeZone)> {
    let mut tell = |reason: &str, message: &str| control::record(state, Kind::CronJob, key, "Warning", reason, message);
    let zone = match spec.time_zone.as_deref() {
        None | Some("" | "UTC" | "Etc/UTC") => TimeZone::UTC,
        Some(name) => match TimeZone::get(name) {
            Ok(zone) => zone,
            Err(error) => {
                tell("UnknownTimeZone", &format!("invalid timeZone: {name:?}: {error}"));
                return None;
            }
        },
    };
    match Schedule::read(&spec.schedule) {
        Ok(schedule) => Some((schedule, zone)),
        Err(why) => {
            tell("UnparseableSchedule", &format!("unparseable schedule: {:?} : {why}", spec.schedule));
            None
        }
    }
}

/// The last time that has come and was not missed by more than the deadline, and how many times have come.
fn most_recent(
    schedule: &Schedule,
    zone: &TimeZone,
    since: Timestamp,
    now: Timestamp,
    deadline: Option<i64>,
) -> (Option<Timestamp>, usize) {
    let limit = deadline.and_then(|seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok());
    let mut last = limit.map_or(since, |limit| since.max(limit));
    let (mut found, mut missed) = (None, 0);
    while missed < LOOKED_THROUGH_MAX {
        match schedule.next(last, zone) {
            Some(next) if next <= now => {
                (last, found) = (next, Some(next));
                missed += 1;
            }
            Some(_) | None => break,
        }
    }
    (found, missed)
}
