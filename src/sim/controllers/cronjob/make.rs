//! The Jobs of a `CronJob`: how one is made, replaced and, when it is old, deleted.

use std::sync::Arc;

use k8s_openapi::api::batch::v1::{CronJobSpec, Job};
use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::api::error::ApiError;
use crate::controllers::control;
use crate::controllers::pod::key_of;
use crate::{Key, Kind, Object, State};

/// Annotation of a Job with the time that it was made for.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The Jobs that a `CronJob` controls, ordered by name.
pub(super) fn owned(state: &State, cron: &Object) -> Vec<Arc<Object>> {
    let owned = state.store.owned_by(cron.uid()).filter(|(kind, ..)| *kind == Kind::Job);
    owned.map(|(_, _, job)| job.clone()).collect()
}

/// Whether a Job has ended, and how: `Complete` or `Failed`.
pub(super) fn end_of(job: &Object) -> Option<&'static str> {
    ["Complete", "Failed"].into_iter().find(|kind| job.condition(kind).is_some_and(|known| known["status"] == "True"))
}

/// The name of the Job for a time: the same for each attempt.
pub(super) fn name_for(cron: &Object, time: Timestamp) -> String {
    format!("{}-{}", cron.text("/metadata/name"), time.as_second() / 60)
}

/// Creates the Job for a time.
///
/// # Errors
/// Whatever admission says.
pub(super) fn create(
    state: &mut State,
    cron: &Object,
    time: Timestamp,
    zone: &TimeZone,
) -> Result<Arc<Object>, ApiError> {
    let key = key_of(cron);
    let template = cron.at("/spec/jobTemplate").cloned().unwrap_or_else(|| json!({}));
    let mut metadata = json!({
        "namespace": key.namespace, "name": name_for(cron, time),
        "ownerReferences": [control::controller_reference(Kind::CronJob, cron)],
    });
    for field in ["labels", "annotations"] {
        if let Some(value) = template.pointer(&format!("/metadata/{field}")) {
            metadata[field] = value.clone();
        }
    }
    let local = time.to_zoned(zone.clone());
    let offset = if local.offset().is_zero() { "Z".to_owned() } else { local.strftime("%:z").to_string() };
    metadata["annotations"][SCHEDULED] = json!(format!("{}{offset}", local.strftime("%Y-%m-%dT%H:%M:%S")));
    let made = state.create(Kind::Job, json!({ "metadata": metadata, "spec": template["spec"] }));
    match &made {
        Ok(job) => {
            let message = format!("Created job {}", job.text("/metadata/name"));
            control::record(state, Kind::CronJob, &key, "Normal", "SuccessfulCreate", &message);
        }
        Err(error) => {
            let message = format!("Error creating job: {}", error.message);
            control::record(state, Kind::CronJob, &key, "Warning", "FailedCreate", &message);
        }
    }
    made
}

/// Deletes a Job with its pods.
pub(super) fn delete(state: &mut State, cron: &Key, job: &Object) {
    if control::delete_exactly(state, Kind::Job, job) {
        let message = format!("Deleted job {}", job.text("/metadata/name"));
        control::record(state, Kind::CronJob, cron, "Normal", "SuccessfulDelete", &message);
    }
}

/// Deletes ended Jobs beyond the numbers that are kept, the oldest first.
pub(super) fn forget_old(state: &mut State, key: &Key, spec: &CronJobSpec, jobs: &[Arc<Object>]) {
    let started = |job: &Object| job.typed::<Job>().status.as_ref().and_then(|status| status.start_time.clone());
    for (end, limit) in [("Complete", spec.successful_jobs_history_limit), ("Failed", spec.failed_jobs_history_limit)] {
        let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { continue };
        let mut ended: Vec<_> = jobs.iter().filter(|job| end_of(job) == Some(end)).cloned().collect();
        ended.sort_by_key(|job| (started(job), job.text("/metadata/name").to_owned()));
        for job in ended.iter().take(ended.len().saturating_sub(limit)) {
            delete(state, key, job);
        }
    }
}

/// A reference to a Job, as `status.active` holds it.
pub(super) fn reference(job: &Object) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job", "namespace": job.text("/metadata/namespace"),
        "name": job.text("/metadata/name"), "uid": job.uid(),
        "resourceVersion": job.text("/metadata/resourceVersion"),
    })
}
