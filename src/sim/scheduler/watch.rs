//! What the scheduler makes of changes: nodes and placed pods go into the cache, pods without a node into the queue.

use std::sync::Arc;

use super::cache::PodInfo;
use super::plugins::Hint;
use super::{Work, queue};
use crate::{Change, ChangeType, Event, Key, Kind, Object, State};

const NAME: &str = "default-scheduler";

/// Reacts to a change of the store.
pub fn on_change(state: &mut State, change: &Change) {
    match change.kind {
        Kind::Pod => pod(state, change),
        Kind::Node => node(state, change),
        Kind::PersistentVolumeClaim => claim(state, &change.key),
        Kind::PersistentVolume | Kind::StorageClass => queue::hint(state, Hint::Volume),
        Kind::Namespace
        | Kind::Service
        | Kind::ConfigMap
        | Kind::Secret
        | Kind::ServiceAccount
        | Kind::Event
        | Kind::Deployment
        | Kind::ReplicaSet
        | Kind::StatefulSet
        | Kind::DaemonSet
        | Kind::ControllerRevision
        | Kind::Job
        | Kind::PodDisruptionBudget
        | Kind::EndpointSlice
        | Kind::NetworkPolicy
        | Kind::VolumeAttachment
        | Kind::Lease
        | Kind::PriorityClass
        | Kind::Role
        | Kind::RoleBinding
        | Kind::ClusterRole
        | Kind::ClusterRoleBinding
        | Kind::CronJob
        | Kind::HorizontalPodAutoscaler
        | Kind::LimitRange
        | Kind::ResourceQuota
        | Kind::RuntimeClass
        | Kind::Stored(_) => {}
    }
}

/// Takes in the nodes and pods that are there before the scheduler starts.
pub(super) fn take_in(state: &mut State) {
    let nodes: Vec<_> = state.store.all(Kind::Node).map(|(_, node)| node.clone()).collect();
    for node in nodes {
        state.scheduler.cache.set_node(&node);
    }
    let pods: Vec<_> = state.store.all(Kind::Pod).map(|(key, pod)| (key.clone(), pod.clone())).collect();
    for (key, object) in pods {
        known(state, &key, None, &object);
    }
}

fn pod(state: &mut State, change: &Change) {
    match change.change {
        ChangeType::Added => known(state, &change.key, None, &change.new),
        ChangeType::Modified => known(state, &change.key, change.old.as_ref(), &change.new),
        ChangeType::Deleted => gone(state, &change.key),
    }
}

fn gone(state: &mut State, key: &Key) {
    state.scheduler.queue.forget(key);
    state.scheduler.binding.remove(key);
    let waited = state.scheduler.nominations.forget(key);
    if state.scheduler.cache.lift(key) || waited {
        queue::hint(state, Hint::PodGone);
    }
}

fn known(state: &mut State, key: &Key, old: Option<&Arc<Object>>, pod: &Arc<Object>) {
    let node = pod.text("/spec/nodeName");
    let ended = matches!(pod.text("/status/phase"), "Succeeded" | "Failed");
    if ended || (node.is_empty() && pod.is_terminating()) {
        return gone(state, key);
    }
    let matters = old.is_none_or(|old| differs(old, pod));
    if node.is_empty() {
        return unbound(state, key, matters, pod);
    }
    let known = state.scheduler.cache.placed(key).is_some_and(|placed| placed.node == node);
    if matters || !known {
        state.scheduler.queue.forget(key);
        state.scheduler.binding.remove(key);
        state.scheduler.nominations.forget(key);
        let info = Arc::new(PodInfo::new(key, pod));
        state.scheduler.cache.place(&info, node);
        queue::hint(state, Hint::PodPlaced);
    }
}

fn unbound(state: &mut State, key: &Key, matters: bool, pod: &Arc<Object>) {
    let gated =
        pod.at("/spec/schedulingGates").and_then(|gates| gates.as_array()).is_some_and(|gates| !gates.is_empty());
    let waiting = state.scheduler.queue.knows(key);
    if pod.text("/spec/schedulerName") != NAME || gated || (waiting && !matters) {
        return;
    }
    let info = Arc::new(PodInfo::new(key, pod));
    if waiting { queue::update(state, info) } else { queue::add(state, info) }
}

/// Whether anything changed that scheduling looks at.
fn differs(old: &Object, new: &Object) -> bool {
    old.at("/spec") != new.at("/spec")
        || old.at("/metadata/labels") != new.at("/metadata/labels")
        || old.is_terminating() != new.is_terminating()
}

fn node(state: &mut State, change: &Change) {
    if change.change == ChangeType::Deleted {
        return state.scheduler.cache.remove_node(&change.key.name);
    }
    let same = |pointer| change.old.as_ref().is_some_and(|old| old.at(pointer) == change.new.at(pointer));
    if same("/spec") && same("/metadata/labels") && same("/status/allocatable") {
        return;
    }
    state.scheduler.cache.set_node(&change.new);
    queue::hint(state, Hint::Node);
}

/// Claims matter to pods that wait for them, before and after they have their node.
fn claim(state: &mut State, key: &Key) {
    queue::hint(state, Hint::Volume);
    let uses = |pod: &PodInfo| pod.key.namespace == key.namespace && pod.claims.contains(&key.name);
    let waiting = state.scheduler.binding.values().filter(|waiting| uses(&waiting.pod));
    let waiting: Vec<_> = waiting.map(|waiting| waiting.pod.key.clone()).collect();
    for pod in waiting {
        state.after_once(state.settings.timings.controller_latency, Event::Scheduler(Work::Bind(pod)));
    }
}
