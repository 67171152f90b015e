//! The taint eviction controller: pods that do not tolerate a `NoExecute` taint are deleted, at once or when their
//! `tolerationSeconds` are over (`taint_eviction.go`).

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod, PodCondition, Taint, Toleration};

use super::Work;
use crate::sim::registry::DeleteOptions;
use crate::sim::scheduler::selector::tolerates;
use crate::sim::scheduler::set_condition;
use crate::sim::{Event, Key, Kind, State};

const COMPONENT: &str = "taint-eviction-controller";

/// A planned eviction.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    uid: String,
    at: Duration,
}

/// How long a pod may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stay {
    /// Not at all.
    No,
    /// So long.
    For(Duration),
    /// For ever.
    Always,
}

/// How long tolerations let a pod stay: the shortest time of the first toleration that covers each taint.
pub(super) fn stay(taints: &[Taint], tolerations: &[Toleration]) -> Stay {
    let mut shortest: Option<i64> = None;
    for taint in taints {
        let Some(covering) = tolerations.iter().find(|toleration| tolerates(toleration, taint)) else {
            return Stay::No;
        };
        if let Some(seconds) = covering.toleration_seconds {
            shortest = Some(shortest.map_or(seconds, |shortest| shortest.min(seconds)));
        }
    }
    match shortest.map(u64::try_from) {
        None => Stay::Always,
        Some(Err(_) | Ok(0)) => Stay::No,
        Some(Ok(seconds)) => Stay::For(Duration::from_secs(seconds)),
    }
}

/// A node's taints changed: all its pods are looked at.
pub(super) fn node_changed(state: &mut State, name: &str) {
    let taints = no_execute(state, name);
    let pods: Vec<_> = state.store.pods_on(name).map(|(key, _)| key.clone()).collect();
    for key in pods {
        process(state, &key, &taints);
    }
}

/// A pod got its node or other tolerations.
pub(super) fn pod_changed(state: &mut State, key: &Key) {
    let Some(node) = state.store.get(Kind::Pod, key).map(|pod| pod.text("/spec/nodeName").to_owned()) else { return };
    let taints = no_execute(state, &node);
    process(state, key, &taints);
}

fn no_execute(state: &State, node: &str) -> Vec<Taint> {
    let Some(node) = state.store.get(Kind::Node, &Key::cluster(node)) else { return Vec::new() };
    let taints = node.typed::<Node>().spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    taints.iter().filter(|taint| taint.effect == "NoExecute").cloned().collect()
}

fn process(state: &mut State, key: &Key, taints: &[Taint]) {
    if taints.is_empty() {
        return cancel(state, key);
    }
    let Some(object) = state.store.get(Kind::Pod, key).cloned() else { return };
    if object.is_terminating() {
        return;
    }
    let spec = object.typed::<Pod>().spec.as_ref();
    let tolerations = spec.and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let uid = object.uid().to_owned();
    match stay(taints, tolerations) {
        Stay::No => {
            let planned = Planned { uid, at: state.now };
            plan(state, key, planned);
        }
        // An eviction that is planned already is kept: the first taint counts.
        Stay::For(_) if state.nodes.evictions.get(key).is_some_and(|planned| planned.uid == uid) => {}
        Stay::For(time) => {
            let planned = Planned { uid, at: state.now + time };
            plan(state, key, planned);
        }
        Stay::Always => {}
    }
}

fn plan(state: &mut State, key: &Key, planned: Planned) {
    let at = planned.at;
    state.nodes.evictions.insert(key.clone(), planned);
    state.after(at - state.now, Event::Nodes(Work::Evict(key.clone(), at)));
}

fn cancel(state: &mut State, key: &Key) {
    if state.nodes.evictions.remove(key).is_some() {
        let message = format!("Cancelling deletion of Pod {}/{}", key.namespace, key.name);
        state.event(Kind::Pod, key, "Normal", "TaintManagerEviction", COMPONENT, &message);
    }
}

/// The time of a planned eviction has come.
pub(super) fn evict(state: &mut State, key: &Key, at: Duration) {
    let Some(planned) = state.nodes.evictions.get(key).filter(|planned| planned.at == at).cloned() else { return };
    state.nodes.evictions.remove(key);
    if state.store.get(Kind::Pod, key).is_none_or(|pod| pod.uid() != planned.uid || pod.is_terminating()) {
        return;
    }
    let message = format!("Marking for deletion Pod {}/{}", key.namespace, key.name);
    state.event(Kind::Pod, key, "Normal", "TaintManagerEviction", COMPONENT, &message);
    let condition = PodCondition {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
        reason: Some("DeletionByTaintManager".to_owned()),
        message: Some("Taint manager: deleting due to NoExecute taint".to_owned()),
        last_transition_time: Some(state.time()),
        ..PodCondition::default()
    };
    // It was there a moment ago, and nothing else runs in between.
    drop(state.modify_value(Kind::Pod, key, |pod| set_condition(pod, &condition)));
    drop(state.delete(Kind::Pod, key, &DeleteOptions::default()));
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_shortest_matching_toleration_counts() {
        let tolerates =
            |key: &str, seconds: Value| json!({ "key": key, "operator": "Exists", "tolerationSeconds": seconds });
        let null = Value::Null;
        for (taints, tolerations, expected) in [
            (vec!["a"], json!([]), Stay::No),
            (vec!["a"], json!([tolerates("a", null.clone())]), Stay::Always),
            (vec!["a"], json!([tolerates("a", json!(300))]), Stay::For(Duration::from_secs(300))),
            (vec!["a"], json!([tolerates("a", json!(0))]), Stay::No),
            (vec!["a"], json!([tolerates("a", json!(-5))]), Stay::No),
            (vec!["a", "b"], json!([tolerates("a", json!(300))]), Stay::No),
            (
                vec!["a", "b"],
                json!([tolerates("a", json!(300)), tolerates("b", json!(5))]),
                Stay::For(Duration::from_secs(5)),
            ),
            (
                vec!["a", "b"],
                json!([tolerates("a", null.clone()), tolerates("b", json!(5))]),
                Stay::For(Duration::from_secs(5)),
            ),
            (
                vec!["a"],
                json!([tolerates("a", json!(300)), tolerates("a", json!(5))]),
                Stay::For(Duration::from_secs(300)),
            ),
        ] {
            let taints: Vec<Taint> = taints
                .iter()
                .map(|key| Taint { key: (*key).to_owned(), effect: "NoExecute".to_owned(), ..Taint::default() })
                .collect();
            let parsed: Vec<Toleration> = serde_json::from_value(tolerations.clone()).expect("tolerations");
            assert_eq!(stay(&taints, &parsed), expected, "{tolerations}");
        }
    }
}
