//! ReplicaSets: as many active pods as asked for. A terminating pod counts as gone and is replaced at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetSpec, ReplicaSetStatus};
use k8s_openapi::jiff::Timestamp;
use serde_json::json;

use super::pod;
use super::queue::{self, TryAgain};
use super::{Controller, control, ranking, status};
use crate::labels;
use crate::{Key, Kind, Object, State};

/// Most pods that one sync creates or deletes (`BurstReplicas`).
const BURST: usize = 500;

/// Reconciles one ReplicaSet.
pub(super) fn sync(state: &mut State, key: &Key) -> Result<(), TryAgain> {
    let Some(set) = state.store.get(Kind::ReplicaSet, key).cloned() else { return Ok(()) };
    let Some(spec) = set.typed::<ReplicaSet>().spec.as_ref() else { return Ok(()) };
    let pods = control::claim_pods(state, Kind::ReplicaSet, &set, &spec.selector, |_| true);
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
        let template = set.at("/spec/template").cloned().unwrap_or_else(|| json!({}));
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
    let labelled = active.iter().filter(|pod| labels::has_labels(&template_labels, pod)).count();
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::controllers::testing::{NS, at, cluster, create, pods, run, start, start_all, template};
    use crate::{Key, Kind, State};

    fn set(state: &mut State, replicas: i32) {
        let spec = json!({
            "replicas": replicas, "selector": { "matchLabels": { "app": "web" } }, "template": template("web", "web:1"),
        });
        create(state, Kind::ReplicaSet, json!({ "metadata": { "name": "web" }, "spec": spec }));
        run(state, 1);
    }

    fn label(state: &mut State, pod: &str, app: &str) {
        let key = Key::new(NS, pod);
        state
            .modify_value(Kind::Pod, &key, |pod| pod["metadata"]["labels"]["app"] = json!(app))
            .expect("the pod exists");
        run(state, 1);
    }

    #[test]
    fn pods_are_adopted_and_released_by_their_labels() {
        let mut state = cluster();
        let mut pod = template("other", "web:1");
        pod["metadata"]["name"] = json!("stray");
        create(&mut state, Kind::Pod, pod);
        set(&mut state, 2);
        assert_eq!(pods(&state).len(), 3);
        label(&mut state, "stray", "web");
        assert_eq!(pods(&state).len(), 2, "the stray was adopted, so one was too many");
        let uid = at(&state, Kind::ReplicaSet, "web", "/metadata/uid");
        let kept = pods(&state).remove(0);
        assert_eq!(at(&state, Kind::Pod, &kept, "/metadata/ownerReferences/0/uid"), uid);
        label(&mut state, &kept, "debug");
        assert_eq!(at(&state, Kind::Pod, &kept, "/metadata/ownerReferences"), Value::Null);
        assert_eq!(pods(&state).len(), 3, "a released pod is replaced");
    }

    #[test]
    fn a_scale_down_keeps_the_ready_ones() {
        let mut state = cluster();
        set(&mut state, 4);
        let names = pods(&state);
        start(&mut state, &names[1], "worker-1");
        start(&mut state, &names[3], "worker-2");
        state
            .modify_value(Kind::ReplicaSet, &Key::new(NS, "web"), |set| set["spec"]["replicas"] = json!(2))
            .expect("the set exists");
        run(&mut state, 1);
        assert_eq!(pods(&state), [names[1].clone(), names[3].clone()]);
        assert_eq!(at(&state, Kind::ReplicaSet, "web", "/status/readyReplicas"), 2);
    }

    #[test]
    fn an_ended_pod_is_replaced_and_left() {
        let mut state = cluster();
        set(&mut state, 1);
        start_all(&mut state, "worker-1");
        let key = Key::new(NS, pods(&state).remove(0));
        state.modify_value(Kind::Pod, &key, |pod| pod["status"]["phase"] = json!("Failed")).expect("the pod exists");
        run(&mut state, 1);
        assert_eq!(pods(&state).len(), 2);
        assert_eq!(at(&state, Kind::ReplicaSet, "web", "/status/replicas"), 1);
    }

    #[test]
    fn events_are_recorded() {
        let mut state = cluster();
        set(&mut state, 1);
        let event =
            state.store.in_namespace(Kind::Event, NS).find(|(_, event)| event.text("/reason") == "SuccessfulCreate");
        let event = event.expect("an event").1;
        assert_eq!(event.text("/source/component"), "replicaset-controller");
        assert_eq!(event.text("/message"), format!("Created pod: {}", pods(&state)[0]));
    }
}
