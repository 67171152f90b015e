//! From a chosen node to a bound pod: the place is reserved, claims are bound, then the pod gets its node.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::PodCondition;
use serde_json::json;

use super::cache::PodInfo;
use super::cycle::set_condition;
use super::plugins::Hint;
use super::plugins::volume_binding::Decision;
use super::{Work, queue};
use crate::storage::binding;
use crate::{Event, Key, Kind, State};

/// `bindTimeoutSeconds` of the plugin `VolumeBinding`.
const BIND_TIMEOUT: Duration = Duration::from_secs(600);

/// A pod that has its node and waits for its claims.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) pod: Arc<PodInfo>,
    node: String,
    deadline: Duration,
}

/// Takes the place for a pod, and binds it unless its claims must be bound before.
pub(super) fn reserve(state: &mut State, pod: &Arc<PodInfo>, node: &str, decision: &Decision) {
    state.scheduler.cache.place(pod, node);
    state.scheduler.nominations.forget(&pod.key);
    if decision.is_empty() {
        return bind(state, pod, node);
    }
    let deadline = state.now + BIND_TIMEOUT;
    let waiting = Waiting { pod: pod.clone(), node: node.to_owned(), deadline };
    state.scheduler.binding.insert(pod.key.clone(), waiting);
    for (claim, volume) in &decision.volumes {
        binding::reserve_volume(state, claim, volume);
    }
    for claim in &decision.provision {
        binding::select_node(state, claim, node);
    }
    state.after(BIND_TIMEOUT, Event::Scheduler(Work::GiveUp(pod.key.clone(), deadline)));
}

/// Binds a pod whose claims are all bound now.
pub(super) fn claims_changed(state: &mut State, key: &Key) {
    let Some(waiting) = state.scheduler.binding.get(key) else { return };
    let bound = waiting.pod.claims.iter().all(|name| {
        let claim = state.store.find(Kind::PersistentVolumeClaim, &key.namespace, name);
        claim.is_some_and(|claim| binding::is_bound(claim))
    });
    if bound && let Some(waiting) = state.scheduler.binding.remove(key) {
        bind(state, &waiting.pod, &waiting.node);
    }
}

/// The claims took too long: the place is given back and the pod tried again.
pub(super) fn give_up(state: &mut State, key: &Key, deadline: Duration) {
    if state.scheduler.binding.get(key).is_none_or(|waiting| waiting.deadline != deadline) {
        return;
    }
    state.scheduler.binding.remove(key);
    state.scheduler.cache.lift(key);
    let message = "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded";
    state.event(Kind::Pod, key, "Warning", "FailedScheduling", "default-scheduler", message);
    queue::put_aside(state, key, BTreeSet::new());
    queue::hint(state, Hint::Volume);
}

fn bind(state: &mut State, pod: &Arc<PodInfo>, node: &str) {
    let key = &pod.key;
    let same = state.store.get(Kind::Pod, key).is_some_and(|known| known.uid() == pod.object.uid());
    if !same {
        state.scheduler.cache.lift(key);
        return state.scheduler.queue.forget(key);
    }
    let condition = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "True".to_owned(),
        last_transition_time: Some(state.time()),
        ..PodCondition::default()
    };
    let bound = state.modify_value(Kind::Pod, key, |pod| {
        pod["spec"]["nodeName"] = json!(node);
        set_condition(pod, &condition);
    });
    if bound.is_ok() {
        let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
        state.event(Kind::Pod, key, "Normal", "Scheduled", "default-scheduler", &message);
    }
}
