//! One sync of a StatefulSet: claims, replicas in order, the condemned, then the update.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec, StatefulSetStatus};

use super::{claims, replica, status, update};
use crate::controllers::queue::TryAgain;
use crate::controllers::{control, history, pod};
use crate::{Key, Kind, Object, State};

/// A StatefulSet in the middle of a sync.
pub(super) struct Set {
    pub(super) key: Key,
    pub(super) object: Arc<Object>,
    /// The revision that pods have while no update runs.
    pub(super) current: Arc<Object>,
    /// The revision of the present template.
    pub(super) updated: Arc<Object>,
    pub(super) status: StatefulSetStatus,
}

impl Set {
    pub(super) fn spec(&self) -> Option<&StatefulSetSpec> {
        self.object.typed::<StatefulSet>().spec.as_ref()
    }

    pub(super) fn replicas(&self) -> i64 {
        i64::from(self.spec().and_then(|spec| spec.replicas).unwrap_or(1))
    }

    /// The ordinals that shall exist.
    pub(super) fn ordinals(&self) -> std::ops::Range<i64> {
        let start = self.spec().and_then(|spec| spec.ordinals.as_ref()?.start).map_or(0, i64::from);
        start..start + self.replicas()
    }

    pub(super) fn min_ready_seconds(&self) -> i32 {
        self.spec().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    fn is_ordered(&self) -> bool {
        self.spec().and_then(|spec| spec.pod_management_policy.as_deref()) != Some("Parallel")
    }

    /// The set's pods by ordinal.
    pub(super) fn pods(&self, state: &State) -> BTreeMap<i64, Arc<Object>> {
        let owned = state.store.owned_by(self.object.uid()).filter(|(kind, ..)| *kind == Kind::Pod);
        owned.filter_map(|(_, key, pod)| Some((replica::ordinal(&self.key.name, &key.name)?, pod.clone()))).collect()
    }

    pub(super) fn is_available(&self, state: &State, pod: &Object) -> bool {
        replica::is_running_and_ready(pod)
            && pod::available_from(pod, self.min_ready_seconds()).is_some_and(|from| from <= state.timestamp())
    }

    /// Whether a pod serves and is to stay.
    pub(super) fn is_healthy(&self, state: &State, pod: &Object) -> bool {
        !pod.is_terminating() && self.is_available(state, pod)
    }
}

/// Whether a sync goes on to the next pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Stop,
}

/// Reconciles one StatefulSet.
pub(in crate::controllers) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(object) = state.store.get(Kind::StatefulSet, key).cloned() else { return Ok(()) };
    let typed = object.typed::<StatefulSet>();
    let Some(spec) = typed.spec.as_ref() else { return Ok(()) };
    control::claim_pods(state, Kind::StatefulSet, &object, &spec.selector, |pod| {
        replica::ordinal(&key.name, pod.text("/metadata/name")).is_some()
    });
    let mut status = typed.status.clone().unwrap_or_default();
    let updated = history::ensure(state, Kind::StatefulSet, &object, &mut status.collision_count);
    let Ok(updated) = updated else {
        crate::controllers::status::set(state, Kind::StatefulSet, key, &status);
        return Err(TryAgain);
    };
    let current = status.current_revision.as_deref().unwrap_or_default();
    let current = state.store.find(Kind::ControllerRevision, &key.namespace, current).unwrap_or(&updated).clone();
    let set = Set { key: key.clone(), object: object.clone(), current, updated, status };
    let outcome = if object.is_terminating() { Ok(()) } else { control_pods(state, &set) };
    status::store(state, &set);
    outcome
}

fn control_pods(state: &mut State, set: &Set) -> Result<(), TryAgain> {
    let pods = set.pods(state);
    claims::keep_owners(state, set, &pods);
    for ordinal in set.ordinals() {
        let flow = control_replica(state, set, ordinal, pods.get(&ordinal))?;
        if flow == Flow::Stop && set.is_ordered() {
            return Ok(());
        }
    }
    let ordinals = set.ordinals();
    let unhealthy = pods.iter().find(|(_, pod)| !set.is_healthy(state, pod)).map(|(ordinal, _)| *ordinal);
    let first_unhealthy = unhealthy.filter(|ordinal| ordinals.contains(ordinal)).or_else(|| {
        let mut condemned = pods.iter().rev().filter(|(ordinal, _)| !ordinals.contains(ordinal));
        condemned.find(|(_, pod)| !set.is_healthy(state, pod)).map(|(ordinal, _)| *ordinal)
    });
    for (ordinal, pod) in pods.iter().rev().filter(|(ordinal, _)| !ordinals.contains(ordinal)) {
        let flow = condemn(state, set, pod, first_unhealthy == Some(*ordinal));
        if flow == Flow::Stop && set.is_ordered() {
            return Ok(());
        }
    }
    update::roll(state, set);
    Ok(())
}

/// Makes a missing pod, remakes one that ended, and waits for one that is not there yet (`processReplica`).
fn control_replica(state: &mut State, set: &Set, ordinal: i64, pod: Option<&Arc<Object>>) -> Result<Flow, TryAgain> {
    let Some(pod) = pod else {
        return replica::create(state, set, ordinal).map(|()| Flow::Stop);
    };
    if pod::is_finished(pod) {
        if !pod.is_terminating() {
            replica::recreate(state, set, pod);
        }
        return Ok(Flow::Stop);
    }
    let waits = pod.is_terminating() || !set.is_available(state, pod);
    Ok(if waits { Flow::Stop } else { Flow::Next })
}

/// Deletes a pod beyond the wanted ordinals, the highest first, each when those above it are gone.
fn condemn(state: &mut State, set: &Set, pod: &Object, is_first_unhealthy: bool) -> Flow {
    if pod.is_terminating() || (set.is_ordered() && !set.is_available(state, pod) && !is_first_unhealthy) {
        return Flow::Stop;
    }
    replica::delete(state, set, pod);
    Flow::Stop
}
