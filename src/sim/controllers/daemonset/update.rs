//! `RollingUpdate` of a DaemonSet: old pods go as far as `maxUnavailable` allows, or after their successors with
//! `maxSurge`.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::RollingUpdateDaemonSet;

use super::eligible::Place;
use super::set::{Set, create};
use crate::controllers::history::REVISION_HASH;
use crate::controllers::intstr::{Round, scaled};
use crate::controllers::{control, pod, status};
use crate::{Kind, Object, State};

fn rolling(set: &Set) -> Option<&RollingUpdateDaemonSet> {
    set.spec().and_then(|spec| spec.update_strategy.as_ref()?.rolling_update.as_ref())
}

fn is_on_delete(set: &Set) -> bool {
    set.spec().and_then(|spec| spec.update_strategy.as_ref()?.type_.as_deref()) == Some("OnDelete")
}

fn desired(set: &Set) -> i32 {
    status::length(set.places.values().filter(|place| **place == Place::Run).count())
}

/// `maxSurge` as a number of nodes.
pub(super) fn surge(set: &Set) -> i32 {
    if is_on_delete(set) {
        return 0;
    }
    rolling(set)
        .and_then(|rolling| rolling.max_surge.as_ref())
        .map_or(0, |surge| scaled(surge, desired(set), Round::Up))
}

fn max_unavailable(set: &Set) -> i32 {
    let given = rolling(set).and_then(|rolling| rolling.max_unavailable.as_ref());
    given.map_or(1, |number| scaled(number, desired(set), Round::Up))
}

/// The old and the new pod of a node, and whether each of them is available.
struct Pair {
    node: String,
    old: Option<(Arc<Object>, bool)>,
    new: Option<(Arc<Object>, bool)>,
}

/// One step of the update.
pub(super) fn roll(state: &mut State, set: &Set) {
    if is_on_delete(set) {
        return;
    }
    let pairs = pairs(state, set);
    if surge(set) > 0 { roll_with_surge(state, set, &pairs) } else { roll_in_place(state, set, &pairs) }
}

fn pairs(state: &State, set: &Set) -> Vec<Pair> {
    let now = state.timestamp();
    let mut by_node = set.by_node(state);
    let wanted = set.places.iter().filter(|(_, place)| **place == Place::Run);
    wanted
        .map(|(node, _)| {
            let mut pair = Pair { node: node.clone(), old: None, new: None };
            for pod in by_node.remove(node).unwrap_or_default().into_iter().filter(|pod| !pod.is_terminating()) {
                let available = pod::is_available(&pod, set.min_ready_seconds(), now);
                let is_new = pod.label(REVISION_HASH) == Some(set.hash.as_str());
                if is_new { pair.new = Some((pod, available)) } else { pair.old = Some((pod, available)) }
            }
            pair
        })
        .collect()
}

fn roll_in_place(state: &mut State, set: &Set, pairs: &[Pair]) {
    let unavailable = pairs.iter().filter(|pair| {
        let available = |pod: &Option<(Arc<Object>, bool)>| pod.as_ref().is_some_and(|(_, available)| *available);
        !available(&pair.old) && !available(&pair.new)
    });
    let mut room = max_unavailable(set) - status::length(unavailable.count());
    for (pod, available) in pairs.iter().filter(|pair| pair.new.is_none()).filter_map(|pair| pair.old.as_ref()) {
        // An old pod that serves nobody costs nothing.
        if *available {
            if room <= 0 {
                continue;
            }
            room -= 1;
        }
        control::delete_pod(state, Kind::DaemonSet, &set.key, pod);
    }
}

fn roll_with_surge(state: &mut State, set: &Set, pairs: &[Pair]) {
    let surging = pairs.iter().filter(|pair| pair.old.is_some() && pair.new.is_some()).count();
    let mut room = surge(set) - status::length(surging);
    for pair in pairs {
        match (&pair.old, &pair.new) {
            (Some((old, _)), Some((_, true))) | (Some((old, false)), None) => {
                control::delete_pod(state, Kind::DaemonSet, &set.key, old);
            }
            (Some((_, true)), None) if room > 0 => {
                room -= 1;
                // A refusal is retried with the set's next sync.
                let _ = create(state, set, &pair.node);
            }
            (Some(_) | None, Some(_) | None) => {}
        }
    }
}
