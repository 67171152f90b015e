//! Which pods of a node a drain evicts, by the rules of `kubectl drain` (`k8s.io/kubectl/pkg/drain/filters.go`), and
//! whether it can ever end. It must not ask the cluster.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use crate::scenario::Target;

use super::inventory::{Inventory, is_finished, is_ready, is_running, is_terminating, node_of, pod_target};
use super::make::Trouble;
use super::marks::{MANAGED_BY, MANAGER};
use super::model::{Action, HeldBy};
use super::pods::{controller, pods_of};
use super::selector;

/// Reasons that are told before the rest is counted.
const TOLD: usize = 3;

/// What the scenario allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainRules {
    /// Evict pods with emptyDir volumes, whose content is then lost.
    pub delete_emptydir_data: bool,
    /// Evict pods that nothing will replace.
    pub force: bool,
}

/// What happens to a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is evicted.
    Evict,
    /// It stays: a DaemonSet's pod would come back at once, a mirror pod cannot be deleted through the API.
    Stay,
    /// The drain must not begin.
    Refuse(String),
}

/// Decides over one pod.
#[must_use]
pub fn fate(pod: &Pod, rules: DrainRules) -> Fate {
    let annotations = pod.metadata.annotations.as_ref();
    if annotations.is_some_and(|annotations| annotations.contains_key("kubernetes.io/config.mirror")) {
        return Fate::Stay;
    }
    // Driftproof's own pod is not part of what is drained; if its node goes, another one takes its place.
    if is_agent(pod) {
        return Fate::Stay;
    }
    // A pod that has ended loses nothing, whatever it was.
    if is_finished(pod) {
        return Fate::Evict;
    }
    let owner = controller(&pod.metadata);
    if matches!(owner, Some(("DaemonSet", _, _))) {
        return Fate::Stay;
    }
    let name = pod_target(pod);
    if owner.is_none() && !rules.force {
        return Fate::Refuse(format!(
            "pod {name} belongs to no controller, nothing would replace it; set force = true to evict it"
        ));
    }
    if has_empty_dir(pod) && !rules.delete_emptydir_data {
        return Fate::Refuse(format!(
            "pod {name} has an emptyDir volume, whose content would be lost; set delete_emptydir_data = true to evict it"
        ));
    }
    Fate::Evict
}

/// Refuses, before anything is touched, a drain that can only be given up: one that must not begin, and one that waits
/// for a budget which allows nothing although every pod under it is healthy.
///
/// A budget that allows nothing because a pod is down at this moment may allow the eviction later; that drain begins.
pub(super) fn can_end(action: &Action, target: &Target, inventory: &Inventory) -> Result<(), Trouble> {
    let Action::NodeDrain { nodes, delete_emptydir_data, force, .. } = action else { return Ok(()) };
    let rules = DrainRules { delete_emptydir_data: *delete_emptydir_data, force: *force };
    let own: BTreeSet<&str> =
        pods_of(target, inventory).into_iter().filter_map(|pod| pod.metadata.uid.as_deref()).collect();
    let (mut reasons, mut must_not_begin) = (Vec::new(), false);
    let mut held: Option<HeldBy> = None;
    for pod in inventory.pods.iter().filter(|pod| nodes.iter().any(|node| node.name == node_of(pod))) {
        match fate(pod, rules) {
            Fate::Stay => {}
            Fate::Refuse(reason) => {
                must_not_begin = true;
                reasons.push(reason);
            }
            Fate::Evict => {
                let Some((budget, reason)) = blocked_for_ever(pod, inventory) else { continue };
                let own = pod.metadata.uid.as_deref().is_some_and(|uid| own.contains(uid));
                // What the target's own budget says comes first.
                if held.as_ref().is_none_or(|held| own && !held.own) {
                    held = Some(HeldBy { budget, own });
                }
                reasons.push(reason);
            }
        }
    }
    reasons.dedup();
    if reasons.is_empty() {
        return Ok(());
    }
    let more = reasons.len().saturating_sub(TOLD);
    reasons.truncate(TOLD);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let names = nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ");
    let refused = Trouble::refused(format!("the drain of {names} could never end: {}{more}", reasons.join("; ")));
    // Where the scenario itself keeps the drain from beginning, the budget was not put to the test.
    Err(Trouble { budget: held.filter(|_| !must_not_begin), ..refused })
}

/// The budget for which the Eviction API will always refuse this pod, and why: the rules of `pkg/registry/core/pod/storage/eviction.go`.
fn blocked_for_ever(pod: &Pod, inventory: &Inventory) -> Option<(String, String)> {
    // A pod that does not run, or is going already, is evicted without a look at budgets.
    if !is_running(pod) || is_terminating(pod) || !is_ready(pod) {
        return None;
    }
    let mut budgets = budgets_of(pod, inventory);
    let budget = budgets.next()?;
    let name = name(budget);
    if let Some(second) = budgets.next() {
        let pod = pod_target(pod);
        let reason = format!(
            "pod {pod} is under PodDisruptionBudget {name} and {}, and the Eviction API refuses a pod with more than one",
            self::name(second)
        );
        return Some((name, reason));
    }
    let status = budget.status.as_ref()?;
    let current = status.observed_generation.is_some() && status.observed_generation == budget.metadata.generation;
    let (healthy, expected) = (status.current_healthy.unwrap_or(0), status.expected_pods.unwrap_or(0));
    let whole = expected > 0 && healthy >= expected;
    let spent = status.disruptions_allowed.unwrap_or(0) == 0;
    let never = current && whole && spent && status.disrupted_pods.iter().flatten().count() == 0;
    never.then(|| {
        let reason = format!(
            "PodDisruptionBudget {name} allows 0 disruptions while {healthy} of {expected} pods are healthy (it wants {}); let it allow one",
            status.desired_healthy.unwrap_or(0)
        );
        (name, reason)
    })
}

/// The budgets that a pod is under.
pub(super) fn budgets_of<'a>(pod: &'a Pod, inventory: &'a Inventory) -> impl Iterator<Item = &'a PodDisruptionBudget> {
    inventory.budgets.iter().filter(|budget| {
        let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
        budget.metadata.namespace == pod.metadata.namespace
            && selector.is_some_and(|selector| selector::selects(selector, pod.metadata.labels.as_ref()))
    })
}

fn name(budget: &PodDisruptionBudget) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}/{}", part(&budget.metadata.namespace), part(&budget.metadata.name))
}

fn is_agent(pod: &Pod) -> bool {
    let label = |key: &str| pod.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map(String::as_str);
    label("app.kubernetes.io/name") == Some("driftproof-agent") && label(MANAGED_BY) == Some(MANAGER)
}

fn has_empty_dir(pod: &Pod) -> bool {
    pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten()).any(|volume| volume.empty_dir.is_some())
}

#[cfg(test)]
mod tests {
    use super::super::testing;
    use super::*;
    use serde_json::json;

    fn pod(owner: Option<&str>, phase: &str, mirror: bool, empty_dir: bool) -> Pod {
        let owners = owner.map(
            |kind| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": "u", "controller": true }]),
        );
        let annotations = if mirror { json!({ "kubernetes.io/config.mirror": "x" }) } else { json!({}) };
        let volumes = if empty_dir { json!([{ "name": "tmp", "emptyDir": {} }]) } else { json!([]) };
        serde_json::from_value(json!({
            "metadata": { "name": "web-1", "namespace": "shop", "annotations": annotations, "ownerReferences": owners },
            "spec": { "containers": [], "volumes": volumes },
            "status": { "phase": phase },
        }))
        .unwrap()
    }

    #[test]
    fn a_drain_that_could_never_end_is_refused_before_it_begins() {
        let status = |healthy, expected, allowed, seen| json!({ "currentHealthy": healthy, "expectedPods": expected, "desiredHealthy": 3, "disruptionsAllowed": allowed, "observedGeneration": seen });
        let closed = "the drain of worker-2 could never end: PodDisruptionBudget shop/web allows 0 disruptions while 3 of 3 pods are healthy (it wants 3); let it allow one";
        for (what, budgets, wanted) in [
            ("open", vec![("web", status(3, 3, 1, 1))], ""),
            ("closed", vec![("web", status(3, 3, 0, 1))], closed),
            ("one is down at this moment", vec![("web", status(2, 3, 0, 1))], ""),
            ("the controller has not caught up", vec![("web", status(3, 3, 0, 0))], ""),
            ("of others", vec![("db", status(3, 3, 0, 1))], ""),
            (
                "two",
                vec![("web", status(3, 3, 1, 1)), ("web", status(3, 3, 1, 1))],
                "the drain of worker-2 could never end: pod shop/web-b is under PodDisruptionBudget shop/web and shop/web, and the Eviction API refuses a pod with more than one",
            ),
        ] {
            let mut inventory = testing::cluster();
            inventory.pods.retain(|pod| pod.metadata.name.as_deref() == Some("web-b"));
            inventory.budgets = budgets.iter().map(|(name, status)| budget(name, status)).collect();
            let nodes = inventory.nodes.iter().filter(|node| node.metadata.name.as_deref() == Some("worker-2"));
            let nodes = nodes.map(super::super::inventory::node_target).collect();
            let timeout = std::time::Duration::from_secs(60);
            let drain = Action::NodeDrain { nodes, timeout, delete_emptydir_data: false, force: false };
            for (of, own) in [("deployment/web", true), ("deployment/db", false)] {
                let trouble = can_end(&drain, &testing::target(of), &inventory).err();
                let held = trouble.as_ref().and_then(|trouble| trouble.budget.clone());
                let wanted_held = (!wanted.is_empty()).then(|| HeldBy { budget: "shop/web".to_owned(), own });
                assert_eq!(held, wanted_held, "{what}");
                assert_eq!(trouble.map(|trouble| trouble.message).unwrap_or_default(), wanted, "{what}");
            }
        }
    }

    fn budget(app: &str, status: &serde_json::Value) -> PodDisruptionBudget {
        testing::object(json!({
            "metadata": { "namespace": "shop", "name": app, "generation": 1 },
            "spec": { "selector": { "matchLabels": { "app": app } } },
            "status": status,
        }))
    }

    #[test]
    fn pods_are_filtered_as_kubectl_drain_does() {
        let strict = DrainRules { delete_emptydir_data: false, force: false };
        let loose = DrainRules { delete_emptydir_data: true, force: true };
        for (what, pod, under_strict, under_loose) in [
            ("replicated", pod(Some("ReplicaSet"), "Running", false, false), "evict", "evict"),
            ("daemon", pod(Some("DaemonSet"), "Running", false, true), "stay", "stay"),
            ("mirror", pod(Some("Node"), "Running", true, false), "stay", "stay"),
            ("bare", pod(None, "Running", false, false), "refuse", "evict"),
            ("emptyDir", pod(Some("ReplicaSet"), "Running", false, true), "refuse", "evict"),
            ("finished and bare", pod(None, "Succeeded", false, true), "evict", "evict"),
        ] {
            let word = |rules| match fate(&pod, rules) {
                Fate::Evict => "evict",
                Fate::Stay => "stay",
                Fate::Refuse(_) => "refuse",
            };
            assert_eq!((word(strict), word(loose)), (under_strict, under_loose), "{what}");
        }
    }
}
