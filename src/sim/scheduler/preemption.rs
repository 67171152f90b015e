//! `DefaultPreemption`: a pod that fits nowhere may end pods of lower priority, on the node where that costs least.
//! Decides by trying on the cache, which is left as it was; budgets are a preference and no bar, as in a real cluster.

use std::cmp::Reverse;
use std::sync::Arc;

use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde_json::{Value, json};

use super::cache::{Cache, PodInfo};
use super::cycle::{self, Cycle};
use super::diagnosis::{Diagnosis, Preemption};
use super::nomination::{self, Nominations};
use crate::registry::DeleteOptions;
use crate::store::Store;
use crate::{Key, Kind, Object, State, labels};

/// Reason of the condition of a pod that was ended for another one.
const BY_SCHEDULER: &str = "PreemptionByScheduler";
/// `minCandidateNodesAbsolute`: with so many nodes to choose from no more are tried.
const CANDIDATES_MAX: usize = 100;

/// What would have to be ended on a node.
struct Candidate {
    node: String,
    victims: Vec<Arc<PodInfo>>,
    /// How many of them their budgets would rather keep.
    violations: usize,
}

/// Tries to make room for a pod that fits nowhere. The node that it then waits for is noted, and the diagnosis says
/// what came of it.
pub(super) fn attempt(state: &mut State, pod: &Arc<PodInfo>, diagnosis: &mut Diagnosis) {
    if let Some(why) = not_eligible(state, pod, diagnosis) {
        diagnosis.preemption = Preemption::NotEligible(why);
        return;
    }
    let best = best(candidates(state, pod, diagnosis), &state.store);
    let Some(Candidate { node, victims, .. }) = best else { return nomination::clear(state, &pod.key) };
    for victim in &victims {
        end(state, pod, victim, &node);
    }
    nomination::clear_lower(state, &node, pod.priority());
    nomination::set(state, pod, &node);
    diagnosis.preemption = Preemption::Begun;
}

fn not_eligible(state: &State, pod: &PodInfo, diagnosis: &Diagnosis) -> Option<&'static str> {
    if pod.spec().and_then(|spec| spec.preemption_policy.as_deref()) == Some("Never") {
        return Some("not eligible due to preemptionPolicy=Never.");
    }
    let node = state.scheduler.nominations.node_of(&pod.key)?;
    if !diagnosis.potential.iter().any(|name| name == node) {
        return None;
    }
    let info = state.scheduler.cache.nodes.get(node)?;
    let mut lower = info.pods.values().filter(|placed| placed.priority() < pod.priority());
    let going = lower.any(|placed| state.store.get(Kind::Pod, &placed.key).is_some_and(|known| is_preempted(known)));
    going.then_some("not eligible due to a terminating pod on the nominated node.")
}

fn is_preempted(pod: &Object) -> bool {
    pod.is_terminating()
        && pod.condition("DisruptionTarget").is_some_and(|condition| condition["reason"] == BY_SCHEDULER)
}

fn candidates(state: &mut State, pod: &Arc<PodInfo>, diagnosis: &mut Diagnosis) -> Vec<Candidate> {
    let mut cache = std::mem::take(&mut state.scheduler.cache);
    let nominations = &state.scheduler.nominations;
    let mut found = Vec::new();
    for node in diagnosis.potential.clone() {
        match victims(&state.store, &mut cache, nominations, pod, &node) {
            Ok(candidate) => found.push(candidate),
            Err(reasons) => diagnosis.spare(reasons),
        }
        if found.len() >= CANDIDATES_MAX {
            break;
        }
    }
    state.scheduler.cache = cache;
    found
}

/// The pods that would have to go from a node: all lower ones are taken away, then as many as possible are put back,
/// first those that a budget protects, the more important ones before the others (`SelectVictimsOnNode`).
fn victims(
    store: &Store,
    cache: &mut Cache,
    nominations: &Nominations,
    pod: &Arc<PodInfo>,
    node: &str,
) -> Result<Candidate, Vec<String>> {
    let lower = |placed: &&Arc<PodInfo>| placed.priority() < pod.priority();
    let placed = cache.nodes.get(node).map(|info| info.pods.values().filter(lower).cloned().collect());
    let mut lower: Vec<Arc<PodInfo>> = placed.unwrap_or_default();
    if lower.is_empty() {
        return Err(vec!["No preemption victims found for incoming pod".to_owned()]);
    }
    lower.sort_by_key(|victim| importance(store, victim));
    for victim in &lower {
        cache.lift(&victim.key);
    }
    let outcome = match fits(store, cache, nominations, pod, node) {
        Err(reasons) => Err(reasons),
        Ok(()) => Ok(reprieve(store, cache, nominations, pod, node, &lower)),
    };
    for victim in &lower {
        cache.place(victim, node);
    }
    outcome
}

fn reprieve(
    store: &Store,
    cache: &mut Cache,
    nominations: &Nominations,
    pod: &Arc<PodInfo>,
    node: &str,
    lower: &[Arc<PodInfo>],
) -> Candidate {
    let protected = protected(store, lower);
    let (first, then): (Vec<_>, Vec<_>) = lower.iter().partition(|victim| protected.contains(&victim.key));
    let mut candidate = Candidate { node: node.to_owned(), victims: Vec::new(), violations: 0 };
    for victim in first.into_iter().chain(then) {
        cache.place(victim, node);
        if fits(store, cache, nominations, pod, node).is_err() {
            cache.lift(&victim.key);
            candidate.violations += usize::from(protected.contains(&victim.key));
            candidate.victims.push(victim.clone());
        }
    }
    candidate.victims.sort_by_key(|victim| importance(store, victim));
    candidate
}

fn fits(
    store: &Store,
    cache: &Cache,
    nominations: &Nominations,
    pod: &Arc<PodInfo>,
    node: &str,
) -> Result<(), Vec<String>> {
    let (Some(spec), Some(info)) = (pod.spec(), cache.nodes.get(node)) else { return Ok(()) };
    let cycle = Cycle { store, cache, nominations, pod, spec };
    let prepared = cycle::prepare(&cycle).map_err(|rejection| rejection.reasons)?;
    cycle::filter_with_nominated(&cycle, &prepared, info).map_err(|rejection| rejection.reasons)
}

/// Sorts the more important pod first: by priority, then by how long it runs.
fn importance(store: &Store, pod: &PodInfo) -> (Reverse<i32>, String, Key) {
    (Reverse(pod.priority()), started(store, pod), pod.key.clone())
}

/// When a pod started, as text that sorts; one that has not started yet comes last.
fn started(store: &Store, pod: &PodInfo) -> String {
    let known = store.get(Kind::Pod, &pod.key).map(|known| known.text("/status/startTime").to_owned());
    known.filter(|time| !time.is_empty()).unwrap_or_else(|| "~".to_owned())
}

/// The pods whose end a budget does not allow, when they are ended in this order (`filterPodsWithPDBViolation`).
fn protected(store: &Store, pods: &[Arc<PodInfo>]) -> Vec<Key> {
    let budgets: Vec<_> = store.all(Kind::PodDisruptionBudget).collect();
    let mut allowed: Vec<i32> = budgets.iter().map(|(_, budget)| disruptions_allowed(budget)).collect();
    let mut protected = Vec::new();
    for pod in pods {
        let mut violates = false;
        for ((key, budget), left) in budgets.iter().zip(&mut allowed) {
            if key.namespace == pod.key.namespace && selects(budget, pod) {
                *left -= 1;
                violates |= *left < 0;
            }
        }
        if violates {
            protected.push(pod.key.clone());
        }
    }
    protected
}

fn disruptions_allowed(budget: &Object) -> i32 {
    budget.typed::<PodDisruptionBudget>().status.as_ref().and_then(|status| status.disruptions_allowed).unwrap_or(0)
}

fn selects(budget: &Object, pod: &PodInfo) -> bool {
    let budget = budget.typed::<PodDisruptionBudget>();
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let disrupted = budget.status.as_ref().and_then(|status| status.disrupted_pods.as_ref());
    selector.is_some_and(|selector| !labels::is_empty(selector) && labels::matches(selector, &pod.object))
        && disrupted.is_none_or(|pods| !pods.contains_key(&pod.key.name))
}

/// The candidate that costs least (`pickOneNodeForPreemption`); the first one among equals.
fn best(candidates: Vec<Candidate>, store: &Store) -> Option<Candidate> {
    let cost = |candidate: &Candidate| {
        let priorities = candidate.victims.iter().map(|victim| victim.priority());
        let highest = priorities.clone().max().unwrap_or(i32::MIN);
        let sum: i64 = priorities.map(|priority| i64::from(priority) + i64::from(i32::MAX) + 1).sum();
        let most_important = candidate.victims.iter().filter(|victim| victim.priority() == highest);
        let earliest = most_important.map(|victim| started(store, victim)).min().unwrap_or_default();
        (candidate.violations, highest, sum, candidate.victims.len(), Reverse(earliest))
    };
    candidates.into_iter().min_by_key(cost)
}

/// Ends a pod for a more important one, with its own grace.
fn end(state: &mut State, pod: &PodInfo, victim: &PodInfo, node: &str) {
    let key = &victim.key;
    let time = json!(state.time());
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": BY_SCHEDULER, "lastTransitionTime": time,
        "message": "default-scheduler: preempting to accommodate a higher priority pod",
    });
    // A victim that is gone by now needs neither the condition nor a deletion.
    drop(state.modify_value(Kind::Pod, key, |value| {
        let conditions = &mut value["status"]["conditions"];
        if !conditions.is_array() {
            *conditions = json!([]);
        }
        if let Some(known) = conditions.as_array_mut() {
            known.retain(|known: &Value| known["type"] != "DisruptionTarget");
            known.push(condition);
        }
    }));
    let message = format!("Preempted by pod {} on node {node}", pod.object.uid());
    state.event(Kind::Pod, key, "Normal", "Preempted", "default-scheduler", &message);
    let options = DeleteOptions { uid: Some(victim.object.uid().to_owned()), ..DeleteOptions::default() };
    drop(state.delete(Kind::Pod, key, &options));
}
