//! Deletes pods that do not tolerate a `NoExecute` taint, at once or when their toleration has run out.
//! Source: `pkg/controller/tainteviction/taint_eviction.go`.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Node, Pod, PodCondition, Taint, Toleration};

use super::Work;
use crate::registry::DeleteOptions;
use crate::{Change, ChangeType, Event, Key, Kind, State, labels};

/// A deletion to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    uid: String,
    at: Duration,
}

pub(super) fn node_changed(state: &mut State, change: &Change) {
    let taints = |object: &crate::Object| object.value().pointer("/spec/taints").cloned();
    if change.old.as_ref().and_then(|old| taints(old)) != taints(&change.new) {
        state.after_once(Duration::from_millis(10), Event::Nodes(Work::EvictFrom(change.key.name.clone())));
    }
}

pub(super) fn pod_changed(state: &mut State, change: &Change) {
    if change.change == ChangeType::Deleted {
        state.nodes.evictions.remove(&change.key);
        return;
    }
    let part = |pointer: &str| {
        change.old.as_ref().and_then(|old| old.value().pointer(pointer)) != change.new.value().pointer(pointer)
    };
    if !change.new.text("/spec/nodeName").is_empty() && (part("/spec/nodeName") || part("/spec/tolerations")) {
        state.after_once(Duration::from_millis(10), Event::Nodes(Work::EvictPod(change.key.clone())));
    }
}

pub(super) fn look_at_node(state: &mut State, name: &str) {
    let pods: Vec<Key> = state.store.pods_on(name).map(|(key, _)| key.clone()).collect();
    for pod in pods {
        look_at_pod(state, &pod);
    }
}

/// How long a pod may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stay {
    Forever,
    For(Duration),
    Not,
}

/// Every taint must be tolerated; of the tolerations that match, the shortest time counts.
fn stay(taints: &[&Taint], tolerations: &[Toleration]) -> Stay {
    let mut shortest: Option<i64> = None;
    for taint in taints {
        let mut matching = tolerations.iter().filter(|toleration| labels::tolerates(toleration, taint)).peekable();
        if matching.peek().is_none() {
            return Stay::Not;
        }
        for seconds in matching.filter_map(|toleration| toleration.toleration_seconds) {
            shortest = Some(shortest.map_or(seconds, |before| before.min(seconds)));
        }
    }
    match shortest {
        None => Stay::Forever,
        Some(seconds) => match u64::try_from(seconds) {
            Ok(seconds) if seconds > 0 => Stay::For(Duration::from_secs(seconds)),
            Ok(_) | Err(_) => Stay::Not,
        },
    }
}

pub(super) fn look_at_pod(state: &mut State, key: &Key) {
    let Some(object) = state.store.get(Kind::Pod, key) else { return };
    let pod = object.typed::<Pod>();
    let spec = pod.spec.as_ref();
    let node = spec.and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
    let Some(node) = state.store.find(Kind::Node, "", node) else { return };
    let taints = node.typed::<Node>().spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let taints: Vec<&Taint> = taints.iter().filter(|taint| taint.effect == "NoExecute").collect();
    let tolerations = spec.and_then(|spec| spec.tolerations.as_deref()).unwrap_or_default();
    let uid = object.uid().to_owned();
    match stay(&taints, tolerations) {
        Stay::Forever => cancel(state, key),
        Stay::Not => {
            state.nodes.evictions.remove(key);
            evict(state, key, &uid);
        }
        Stay::For(time) => plan(state, key, uid, time),
    }
}

fn cancel(state: &mut State, key: &Key) {
    if state.nodes.evictions.remove(key).is_some() {
        let message = format!("Cancelling deletion of Pod {}/{}", key.namespace, key.name);
        state.event(Kind::Pod, key, "Normal", "TaintManagerEviction", "taint-eviction-controller", &message);
    }
}

/// An earlier time that was already planned stays.
fn plan(state: &mut State, key: &Key, uid: String, time: Duration) {
    let at = state.now + time;
    if state.nodes.evictions.get(key).is_some_and(|planned| planned.uid == uid && planned.at <= at) {
        return;
    }
    state.nodes.evictions.insert(key.clone(), Planned { uid, at });
    state.after(time, Event::Nodes(Work::Expire(key.clone())));
}

pub(super) fn expire(state: &mut State, key: &Key) {
    let Some(planned) = state.nodes.evictions.get(key).cloned() else { return };
    if planned.at <= state.now {
        state.nodes.evictions.remove(key);
        evict(state, key, &planned.uid);
    }
}

/// Marks the pod as disrupted and deletes it with its own grace period.
fn evict(state: &mut State, key: &Key, uid: &str) {
    let Some(object) = state.store.get(Kind::Pod, key) else { return };
    if object.uid() != uid || object.is_terminating() {
        return;
    }
    let message = format!("Marking for deletion Pod {}/{}", key.namespace, key.name);
    state.event(Kind::Pod, key, "Normal", "TaintManagerEviction", "taint-eviction-controller", &message);
    disrupt(state, key, "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");
    let options = DeleteOptions { uid: Some(uid.to_owned()), ..DeleteOptions::default() };
    let _gone_meanwhile = state.delete(Kind::Pod, key, &options);
}

/// Sets the `DisruptionTarget` condition.
pub(super) fn disrupt(state: &mut State, key: &Key, reason: &str, message: &str) {
    let now = state.time();
    let _gone_meanwhile = state.modify::<Pod>(Kind::Pod, key, |pod| {
        let conditions = pod.status.get_or_insert_default().conditions.get_or_insert_default();
        conditions.retain(|condition| condition.type_ != "DisruptionTarget");
        conditions.push(PodCondition {
            type_: "DisruptionTarget".to_owned(),
            status: "True".to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_transition_time: Some(now),
            ..PodCondition::default()
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taint(key: &str) -> Taint {
        Taint { key: key.to_owned(), effect: "NoExecute".to_owned(), ..Taint::default() }
    }

    fn toleration(key: &str, seconds: Option<i64>) -> Toleration {
        Toleration {
            key: (!key.is_empty()).then(|| key.to_owned()),
            operator: Some("Exists".to_owned()),
            toleration_seconds: seconds,
            ..Toleration::default()
        }
    }

    #[test]
    fn the_shortest_toleration_counts_and_every_taint_needs_one() {
        let (a, b) = (taint("a"), taint("b"));
        let seconds = |seconds| Stay::For(Duration::from_secs(seconds));
        for (taints, tolerations, expected) in [
            (vec![], vec![], Stay::Forever),
            (vec![&a], vec![], Stay::Not),
            (vec![&a], vec![toleration("a", None)], Stay::Forever),
            (vec![&a], vec![toleration("a", Some(300))], seconds(300)),
            (vec![&a], vec![toleration("a", Some(0))], Stay::Not),
            (vec![&a, &b], vec![toleration("a", Some(300))], Stay::Not),
            (vec![&a, &b], vec![toleration("a", Some(300)), toleration("b", Some(5))], seconds(5)),
            (vec![&a, &b], vec![toleration("", None)], Stay::Forever),
            (vec![&a], vec![toleration("a", Some(300)), toleration("", None)], seconds(300)),
        ] {
            assert_eq!(stay(&taints, &tolerations), expected, "{taints:?} {tolerations:?}");
        }
    }
}
