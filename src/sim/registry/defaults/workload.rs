//! Deployment, ReplicaSet, StatefulSet, DaemonSet and Job.

use k8s_openapi::api::apps::v1::{
    DaemonSet, Deployment, ReplicaSet, RollingUpdateDaemonSet, RollingUpdateDeployment, StatefulSet,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
};
use k8s_openapi::api::batch::v1::{CronJob, Job, JobSpec};
use k8s_openapi::api::core::v1::{PodTemplateSpec, ReplicationController};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::pod::pod_spec;
use super::volumes::claim_template;
use super::{unless_set, unless_text};

fn template(template: &mut PodTemplateSpec) {
    pod_spec(template.spec.get_or_insert_default());
}

fn quarter() -> IntOrString {
    IntOrString::String("25%".to_owned())
}

/// A Deployment.
pub(in crate::registry) fn deployment(deployment: &mut Deployment) {
    let spec = deployment.spec.get_or_insert_default();
    unless_set(&mut spec.replicas, 1);
    unless_set(&mut spec.revision_history_limit, 10);
    unless_set(&mut spec.progress_deadline_seconds, 600);
    let strategy = spec.strategy.get_or_insert_default();
    unless_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_with(RollingUpdateDeployment::default);
        unless_set(&mut rolling.max_unavailable, quarter());
        unless_set(&mut rolling.max_surge, quarter());
    }
    template(&mut spec.template);
}

/// A ReplicaSet.
pub(in crate::registry) fn replica_set(set: &mut ReplicaSet) {
    let spec = set.spec.get_or_insert_default();
    unless_set(&mut spec.replicas, 1);
    template(spec.template.get_or_insert_default());
}

/// A StatefulSet.
pub(in crate::registry) fn stateful_set(set: &mut StatefulSet) {
    let spec = set.spec.get_or_insert_default();
    unless_set(&mut spec.replicas, 1);
    unless_set(&mut spec.revision_history_limit, 10);
    unless_text(&mut spec.pod_management_policy, "OrderedReady");
    let strategy = spec.update_strategy.get_or_insert_default();
    unless_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_default();
        unless_set(&mut rolling.partition, 0);
        // Behind `MaxUnavailableStatefulSet`, which is off unless somebody turns it on: the server drops it.
        rolling.max_unavailable = None;
    }
    let retention = spec
        .persistent_volume_claim_retention_policy
        .get_or_insert_with(StatefulSetPersistentVolumeClaimRetentionPolicy::default);
    unless_text(&mut retention.when_deleted, "Retain");
    unless_text(&mut retention.when_scaled, "Retain");
    spec.volume_claim_templates.iter_mut().flatten().for_each(claim_template);
    template(&mut spec.template);
}

/// A DaemonSet.
pub(in crate::registry) fn daemon_set(set: &mut DaemonSet) {
    let spec = set.spec.get_or_insert_default();
    unless_set(&mut spec.revision_history_limit, 10);
    let strategy = spec.update_strategy.get_or_insert_default();
    unless_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_with(RollingUpdateDaemonSet::default);
        unless_set(&mut rolling.max_unavailable, IntOrString::Int(1));
        unless_set(&mut rolling.max_surge, IntOrString::Int(0));
    }
    template(&mut spec.template);
}

/// A Job.
pub(in crate::registry) fn job(job: &mut Job) {
    job_spec(job.spec.get_or_insert_default());
}

/// The Job of a `CronJob` gets its defaults with it.
pub(in crate::registry) fn cron_job(cron: &mut CronJob) {
    let spec = &mut cron.spec;
    unless_text(&mut spec.concurrency_policy, "Allow");
    unless_set(&mut spec.suspend, false);
    unless_set(&mut spec.successful_jobs_history_limit, 3);
    unless_set(&mut spec.failed_jobs_history_limit, 1);
    let job = spec.job_template.spec.get_or_insert_default();
    template(&mut job.template);
}

fn job_spec(spec: &mut JobSpec) {
    // With neither of them a Job runs one pod to completion; parallelism alone is a work queue.
    if spec.completions.is_none() && spec.parallelism.is_none() {
        spec.completions = Some(1);
    }
    unless_set(&mut spec.parallelism, 1);
    unless_set(&mut spec.backoff_limit, if spec.backoff_limit_per_index.is_some() { i32::MAX } else { 6 });
    unless_text(&mut spec.completion_mode, "NonIndexed");
    unless_set(&mut spec.suspend, false);
    unless_set(&mut spec.manual_selector, false);
    let replacement = if spec.pod_failure_policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
    unless_text(&mut spec.pod_replacement_policy, replacement);
    let rules = spec.pod_failure_policy.iter_mut().flat_map(|policy| policy.rules.iter_mut());
    for condition in rules.flat_map(|rule| rule.on_pod_conditions.iter_mut().flatten()) {
        unless_text(&mut condition.status, "True");
    }
    template(&mut spec.template);
}

/// A `ReplicationController`.
pub(in crate::registry) fn replication_controller(controller: &mut ReplicationController) {
    let spec = controller.spec.get_or_insert_default();
    unless_set(&mut spec.replicas, 1);
    let of_pod = spec.template.get_or_insert_default();
    template(of_pod);
    let labels = of_pod.metadata.as_ref().and_then(|metadata| metadata.labels.clone()).unwrap_or_default();
    let is_empty = |map: &Option<std::collections::BTreeMap<String, String>>| {
        map.as_ref().is_none_or(std::collections::BTreeMap::is_empty)
    };
    if is_empty(&spec.selector) {
        spec.selector = Some(labels.clone());
    }
    if is_empty(&controller.metadata.labels) && !labels.is_empty() {
        controller.metadata.labels = Some(labels);
    }
}
