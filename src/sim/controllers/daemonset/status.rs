//! The status of a DaemonSet, and the revisions that nothing uses any more.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};

use super::eligible::Place;
use super::set::Set;
use crate::controllers::history::{self, REVISION_HASH};
use crate::controllers::status::{self, count};
use crate::controllers::{Controller, pod, queue};
use crate::{Kind, State};

/// Counts nodes and pods as they are now and stores the status.
pub(super) fn store(state: &mut State, set: &Set) {
    let now = state.timestamp();
    let by_node = set.by_node(state);
    let mut new = DaemonSetStatus {
        collision_count: set.collisions,
        observed_generation: set.object.typed::<DaemonSet>().metadata.generation,
        ..DaemonSetStatus::default()
    };
    let (mut available, mut updated) = (0, 0);
    let mut next = None;
    let mut live = BTreeSet::from([set.hash.clone()]);
    for (node, place) in &set.places {
        let pods = by_node.get(node).map(Vec::as_slice).unwrap_or_default();
        live.extend(pods.iter().filter_map(|pod| pod.label(REVISION_HASH).map(ToOwned::to_owned)));
        if *place != Place::Run {
            new.number_misscheduled += i32::from(!pods.is_empty());
            continue;
        }
        new.desired_number_scheduled += 1;
        // The pod that counts for the node is the oldest one that is not on its way out.
        let Some(pod) = pods.iter().find(|pod| !pod.is_terminating()).or_else(|| pods.first()) else { continue };
        new.current_number_scheduled += 1;
        new.number_ready += i32::from(pod::is_ready(pod));
        updated += i32::from(pod.label(REVISION_HASH) == Some(set.hash.as_str()));
        if let Some(from) = pod::available_from(pod, set.min_ready_seconds()) {
            if from <= now {
                available += 1;
            } else {
                next = next.into_iter().chain([from]).min();
            }
        }
    }
    new.number_available = count(available);
    new.number_unavailable = count(new.desired_number_scheduled - available);
    new.updated_number_scheduled = count(updated);
    status::set(state, Kind::DaemonSet, &set.key, &new);
    if let Some(next) = next {
        queue::enqueue_at(state, Controller::DaemonSet, set.key.clone(), next);
    }
    let limit = set.spec().and_then(|spec| spec.revision_history_limit).unwrap_or(10);
    history::truncate(state, &set.object, &live, limit);
}
