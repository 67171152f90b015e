//! The status of a StatefulSet, and the revisions that nothing uses any more.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetStatus};

use super::replica;
use super::set::Set;
use crate::controllers::history::{self, REVISION_HASH};
use crate::controllers::status::{self, count, length};
use crate::controllers::{Controller, pod, queue};
use crate::{Kind, State};

/// Counts the pods as they are now and stores the status.
pub(super) fn store(state: &mut State, set: &Set) {
    let pods = set.pods(state);
    let now = state.timestamp();
    let of_revision = |revision: &str| {
        length(pods.values().filter(|pod| !pod.is_terminating() && pod.label(REVISION_HASH) == Some(revision)).count())
    };
    let current = set.current.text("/metadata/name");
    let updated = set.updated.text("/metadata/name");
    let from: Vec<_> = pods
        .values()
        .filter(|pod| replica::is_running_and_ready(pod))
        .filter_map(|pod| pod::available_from(pod, set.min_ready_seconds()))
        .collect();
    let mut new = StatefulSetStatus {
        available_replicas: count(length(from.iter().filter(|from| **from <= now).count())),
        collision_count: Some(set.status.collision_count.unwrap_or(0)),
        conditions: set.status.conditions.clone(),
        current_replicas: count(of_revision(current)),
        current_revision: Some(current.to_owned()),
        observed_generation: set.object.typed::<StatefulSet>().metadata.generation,
        ready_replicas: count(length(from.len())),
        replicas: length(pods.len()),
        update_revision: Some(updated.to_owned()),
        updated_replicas: count(of_revision(updated)),
    };
    complete_update(set, &mut new);
    status::set(state, Kind::StatefulSet, &set.key, &new);
    if let Some(next) = from.into_iter().filter(|from| *from > now).min() {
        queue::enqueue_at(state, Controller::StatefulSet, set.key.clone(), next);
    }
    let mut live: BTreeSet<String> =
        pods.values().filter_map(|pod| pod.label(REVISION_HASH).map(ToOwned::to_owned)).collect();
    live.extend([updated.to_owned(), new.current_revision.unwrap_or_default()]);
    let limit = set.spec().and_then(|spec| spec.revision_history_limit).unwrap_or(10);
    history::truncate(state, &set.object, &live, limit);
}

/// When every pod is updated and ready, the updated revision becomes the current one (`completeRollingUpdate`).
fn complete_update(set: &Set, status: &mut StatefulSetStatus) {
    let all = count(status.replicas);
    if replica::partition(set).is_some() && status.updated_replicas == all && status.ready_replicas == all {
        status.current_replicas = status.updated_replicas;
        status.current_revision.clone_from(&status.update_revision);
    }
}
