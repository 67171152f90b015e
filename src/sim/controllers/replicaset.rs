//! ReplicaSets: as many active pods as asked for. A terminating pod counts as gone and is replaced at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::pod::{self, key_of};
use super::queue::{self, TryAgain};
use super::{Controller, control, ranking, selector, status};
use crate::sim::{Key, Kind, Object, State};

/// Most pods that one sync creates or deletes (`BurstReplicas`).
const BURST: usize = 500;

/// Reconciles one ReplicaSet.
pub(super) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(set) = state.store.get(Kind::ReplicaSet, key).cloned() else { return Ok(()) };
    let Some(spec) = set.typed::<ReplicaSet>().spec.as_ref() else { return Ok(()) };
    let pods = control::claim_pods(state, Kind::ReplicaSet, &set, &spec.selector);
    let active: Vec<_> = pods.into_iter().filter(|pod| pod::is_active(pod)).collect();
    let failure = if set.is_terminating() { None } else { manage(state, key, &set, spec, &active) };
    // The pods that were just made or deleted are seen by the next sync, as they come back through the watch.
    update_status(state, key, &set, spec, &active, failure.as_ref());
    if failure.is_some() { Err(TryAgain) } else { Ok(()) }
}

/// Why a ReplicaSet could not do what it wants, and the API's words for it.
struct Failure {
    reason: &'static str,
    message: String,
}

fn manage(
    state: &mut State,
    key: &Key,
    set: &Object,
    spec: &ReplicaSetSpec,
    active: &[Arc<Object>],
) -> Option<Failure> {
    let wanted = usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0);
    if active.len() < wanted {
        let template = set.value().pointer("/spec/template").cloned().unwrap_or_else(|| json!({}));
        let mut pod = control::pod_from_template(Kind::ReplicaSet, set, &template);
        pod["metadata"]["generateName"] = json!(format!("{}-", key.name));
        for _ in 0..(wanted - active.len()).min(BURST) {
            if let Err(error) = control::create_pod(state, Kind::ReplicaSet, key, pod.clone()) {
                return Some(Failure { reason: "FailedCreate", message: error.message });
            }
        }
    } else if active.len() > wanted {
        let excess = (active.len() - wanted).min(BURST);
        let crowd = crowding(state, set);
        for pod in ranking::to_delete(active, excess, &crowd, state.timestamp()) {
            control::delete_pod(state, Kind::ReplicaSet, key, &pod);
        }
    }
    None
}

/// Active pods for each node, of this ReplicaSet and of its siblings under the same Deployment.
fn crowding(state: &State, set: &Object) -> BTreeMap<String, usize> {
    let siblings: Vec<&str> = match set.controller_uid() {
        Some(owner) => state.store.owned_by(owner).map(|(_, _, sibling)| sibling.uid()).collect(),
        None => vec![set.uid()],
    };
    let mut crowd = BTreeMap::new();
    for sibling in siblings {
        for (_, _, pod) in
            state.store.owned_by(sibling).filter(|(kind, _, pod)| *kind == Kind::Pod && pod::is_active(pod))
        {
            *crowd.entry(pod.text("/spec/nodeName").to_owned()).or_default() += 1;
        }
    }
    crowd
}

fn update_status(
    state: &mut State,
    key: &Key,
    set: &Object,
    spec: &ReplicaSetSpec,
    active: &[Arc<Object>],
    failure: Option<&Failure>,
) {
    let now = state.timestamp();
    let min_ready = spec.min_ready_seconds.unwrap_or(0);
    let template_labels =
        spec.template.as_ref().and_then(|template| template.metadata.as_ref()?.labels.clone()).unwrap_or_default();
    let labelled = active.iter().filter(|pod| selector::matches_labels(&template_labels, pod)).count();
    let ready = active.iter().filter(|pod| pod::is_ready(pod)).count();
    let from: Vec<Timestamp> = active.iter().filter_map(|pod| pod::available_from(pod, min_ready)).collect();
    let available = from.iter().filter(|from| **from <= now).count();
    let current = set.typed::<ReplicaSet>();
    let conditions = conditions(state, current, failure);
    let new = ReplicaSetStatus {
        available_replicas: status::count(status::length(available)),
        conditions,
        fully_labeled_replicas: status::count(status::length(labelled)),
        observed_generation: current.metadata.generation,
        ready_replicas: status::count(status::length(ready)),
        replicas: status::length(active.len()),
        terminating_replicas: None,
    };
    status::set(state, Kind::ReplicaSet, key, &new);
    if let Some(next) = from.into_iter().filter(|from| *from > now).min() {
        queue::enqueue_at(state, Controller::ReplicaSet, key.clone(), next);
    }
}

fn conditions(state: &State, current: &ReplicaSet, failure: Option<&Failure>) -> Option<Vec<ReplicaSetCondition>> {
    let failure = failure?;
    let before = current.status.as_ref().and_then(|status| status.conditions.as_ref()).and_then(|list| list.first());
    let since = before.filter(|before| before.reason.as_deref() == Some(failure.reason));
    Some(vec![ReplicaSetCondition {
        last_transition_time: since
            .and_then(|before| before.last_transition_time.clone())
            .or_else(|| Some(state.time())),
        message: Some(failure.message.clone()),
        reason: Some(failure.reason.to_owned()),
        status: "True".to_owned(),
        type_: "ReplicaFailure".to_owned(),
    }])
}

/// The ReplicaSets of a namespace that would adopt an orphaned pod.
pub(super) fn adopters(state: &State, namespace: &str, pod: &Object) -> Vec<Key> {
    let selects = |set: &Arc<Object>| {
        let spec = set.typed::<ReplicaSet>().spec.as_ref();
        spec.is_some_and(|spec| selector::matches(&spec.selector, pod))
    };
    let sets = state.store.in_namespace(Kind::ReplicaSet, namespace);
    sets.filter(|(_, set)| selects(set)).map(|(_, set)| key_of(set)).collect()
}
