//! One scheduling cycle: filter the nodes, score those that are left, take the best.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{PodCondition, PodSpec};
use serde_json::{Value, json};

use super::cache::{Cache, NodeInfo, PodInfo};
use super::diagnosis::Diagnosis;
use super::nomination::Nominations;
use super::plugins::{
    Rejection, inter_pod_affinity, node_affinity, node_name, node_ports, node_resources_balanced_allocation,
    node_resources_fit, node_unschedulable, pod_topology_spread, taint_toleration, volume_binding, volume_restrictions,
    volume_zone,
};
use super::{bind, preemption, queue};
use crate::store::Store;
use crate::{Key, Kind, State};

/// Below this many nodes all are looked at (`minFeasibleNodesToFind`).
const FEASIBLE_MIN: usize = 100;

/// What every plugin sees.
#[derive(Clone, Copy)]
pub(super) struct Cycle<'a> {
    pub(super) store: &'a Store,
    pub(super) cache: &'a Cache,
    pub(super) nominations: &'a Nominations,
    pub(super) pod: &'a PodInfo,
    pub(super) spec: &'a PodSpec,
}

/// What plugins have counted before any node is looked at.
pub(super) struct Prepared {
    /// Whether a claim that only one pod may use is free.
    alone: bool,
    affinity: inter_pod_affinity::Counts,
    spread: pod_topology_spread::Constraints,
    claims: volume_binding::Claims,
}

/// Where a pod may go.
struct Found {
    /// The nodes with the best score.
    best: Vec<String>,
    claims: volume_binding::Claims,
    looked_at: usize,
}

/// Schedules the pod whose turn it is.
pub(super) fn next(state: &mut State) {
    if let Some(pod) = state.scheduler.queue.pop(state.now) {
        attempt(state, &pod);
    }
    queue::kick(state);
}

fn attempt(state: &mut State, pod: &Arc<PodInfo>) {
    state.scheduler.cache.sort();
    let Some(spec) = pod.spec() else { return state.scheduler.queue.forget(&pod.key) };
    let found = match find(&cycle(state, pod, spec), state.scheduler.next_start) {
        Ok(found) => found,
        Err(mut diagnosis) => {
            preemption::attempt(state, pod, &mut diagnosis);
            return fits_nowhere(state, &pod.key, diagnosis);
        }
    };
    let nodes = state.scheduler.cache.nodes.len().max(1);
    state.scheduler.next_start = (state.scheduler.next_start + found.looked_at) % nodes;
    let choices = u64::try_from(found.best.len()).unwrap_or(1);
    let choice = usize::try_from(state.draw(0, choices)).unwrap_or_default();
    let Some(name) = found.best.get(choice) else { return };
    let cycle = cycle(state, pod, spec);
    let decision = cycle.cache.nodes.get(name).map(|node| volume_binding::decide(&cycle, &found.claims, node));
    if let Some(Ok(decision)) = decision {
        bind::reserve(state, pod, name, &decision);
    }
}

fn cycle<'a>(state: &'a State, pod: &'a PodInfo, spec: &'a PodSpec) -> Cycle<'a> {
    let scheduler = &state.scheduler;
    Cycle { store: &state.store, cache: &scheduler.cache, nominations: &scheduler.nominations, pod, spec }
}

fn find(cycle: &Cycle, start: usize) -> Result<Found, Diagnosis> {
    let order = cycle.cache.order();
    let mut diagnosis = Diagnosis::of(order.len());
    let (prepared, named) = match prepare(cycle).and_then(|prepared| Ok((prepared, node_affinity::pre_filter(cycle)?)))
    {
        Ok(prepared) => prepared,
        Err(rejection) => return Err(diagnosis.refuse_all(&rejection)),
    };
    if let Some(name) = nominated_node(cycle, &prepared) {
        return Ok(Found { best: vec![name], claims: prepared.claims, looked_at: 0 });
    }
    let enough = feasible_to_find(order.len());
    let mut feasible = Vec::new();
    let mut looked_at = 0;
    for index in 0..order.len() {
        let Some(node) = cycle.cache.nodes.get(&order[(start + index) % order.len()]) else { continue };
        if named.as_ref().is_some_and(|named| !named.contains(node.name())) {
            continue;
        }
        looked_at += 1;
        match filter_with_nominated(cycle, &prepared, node) {
            Ok(()) => feasible.push(node),
            Err(rejection) => diagnosis.refuse(node.name(), rejection),
        }
        if feasible.len() >= enough {
            break;
        }
    }
    if feasible.is_empty() {
        if named.is_some() && looked_at < order.len() {
            diagnosis.leave_out(order.len() - looked_at, node_affinity::not_named());
        }
        return Err(diagnosis);
    }
    Ok(Found { best: best(cycle, &feasible), claims: prepared.claims, looked_at })
}

/// The node on which room was made for the pod, once it fits there: it is taken without a look at the others.
fn nominated_node(cycle: &Cycle, prepared: &Prepared) -> Option<String> {
    let name = cycle.nominations.node_of(&cycle.pod.key)?;
    let node = cycle.cache.nodes.get(name)?;
    filter_with_nominated(cycle, prepared, node).is_ok().then(|| name.to_owned())
}

pub(super) fn prepare(cycle: &Cycle) -> Result<Prepared, Rejection> {
    let alone = volume_restrictions::pre_filter(cycle)?;
    let claims = volume_binding::pre_filter(cycle)?;
    volume_zone::pre_filter(cycle)?;
    Ok(Prepared {
        alone,
        claims,
        affinity: inter_pod_affinity::pre_filter(cycle),
        spread: pod_topology_spread::pre_filter(cycle),
    })
}

/// A node must fit both as it is and with the pods, not less important, that wait for room there
/// (`RunFilterPluginsWithNominatedPods`).
pub(super) fn filter_with_nominated(cycle: &Cycle, prepared: &Prepared, node: &NodeInfo) -> Result<(), Rejection> {
    let ahead: Vec<_> = cycle.nominations.ahead_of(cycle.pod, node.name()).collect();
    if !ahead.is_empty() {
        let mut cache = cycle.cache.clone();
        for pod in ahead {
            cache.place(pod, node.name());
        }
        let crowded = Cycle { cache: &cache, ..*cycle };
        let prepared = prepare(&crowded)?;
        if let Some(node) = cache.nodes.get(node.name()) {
            filter(&crowded, &prepared, node)?;
        }
    }
    filter(cycle, prepared, node)
}

/// The filters in the order of the default profile; the first refusal counts.
fn filter(cycle: &Cycle, prepared: &Prepared, node: &NodeInfo) -> Result<(), Rejection> {
    node_unschedulable::filter(cycle, node)?;
    node_name::filter(cycle, node)?;
    taint_toleration::filter(cycle, node)?;
    node_affinity::filter(cycle, node)?;
    node_ports::filter(cycle, node)?;
    node_resources_fit::filter(cycle, node)?;
    volume_restrictions::filter(prepared.alone)?;
    volume_binding::filter(cycle, &prepared.claims, node)?;
    volume_zone::filter(cycle, &prepared.claims, node)?;
    pod_topology_spread::filter(cycle, &prepared.spread, node)?;
    inter_pod_affinity::filter(cycle, &prepared.affinity, node)
}

/// How many nodes that fit are enough (`numFeasibleNodesToFind`): all below 100, then a share of 50 % and less.
fn feasible_to_find(nodes: usize) -> usize {
    if nodes < FEASIBLE_MIN {
        return nodes;
    }
    let percent = 50_usize.saturating_sub(nodes / 125).max(5);
    (nodes * percent / 100).max(FEASIBLE_MIN)
}

/// The nodes with the highest weighted sum of scores; weights as in the default profile.
fn best(cycle: &Cycle, nodes: &[&NodeInfo]) -> Vec<String> {
    if let [only] = nodes {
        return vec![only.name().to_owned()];
    }
    let scores = [
        (3, taint_toleration::score(cycle, nodes)),
        (2, node_affinity::score(cycle, nodes)),
        (2, pod_topology_spread::score(cycle, nodes)),
        (2, inter_pod_affinity::score(cycle, nodes)),
        (1, node_resources_fit::score(cycle, nodes)),
        (1, node_resources_balanced_allocation::score(cycle, nodes)),
    ];
    let total = |index: usize| scores.iter().map(|(weight, scores)| weight * scores[index]).sum::<i64>();
    let totals: Vec<_> = (0..nodes.len()).map(total).collect();
    let highest = totals.iter().max().copied().unwrap_or_default();
    let best = nodes.iter().zip(totals).filter(|(_, total)| *total == highest);
    best.map(|(node, _)| node.name().to_owned()).collect()
}

fn fits_nowhere(state: &mut State, key: &Key, diagnosis: Diagnosis) {
    let message = diagnosis.message();
    queue::put_aside(state, key, diagnosis.plugins);
    state.event(Kind::Pod, key, "Warning", "FailedScheduling", "default-scheduler", &message);
    let time = state.time();
    let condition = PodCondition {
        type_: "PodScheduled".to_owned(),
        status: "False".to_owned(),
        reason: Some("Unschedulable".to_owned()),
        message: Some(message),
        last_transition_time: Some(time),
        ..PodCondition::default()
    };
    // A pod that is gone already needs no condition.
    drop(state.modify_value(Kind::Pod, key, |pod| set_condition(pod, &condition)));
}

/// Sets a pod's condition; the time of transition stays when the status does.
pub(super) fn set_condition(pod: &mut Value, condition: &PodCondition) {
    if !pod["status"].is_object() {
        pod["status"] = json!({});
    }
    if !pod["status"]["conditions"].is_array() {
        pod["status"]["conditions"] = json!([]);
    }
    let mut new = json!(condition);
    let Some(known) = pod["status"]["conditions"].as_array_mut() else { return };
    match known.iter_mut().find(|known| known["type"] == new["type"]) {
        Some(known) => {
            if known["status"] == new["status"] {
                new["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = new;
        }
        None => known.push(new),
    }
}
