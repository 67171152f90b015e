//! The guard rails: what a plan must not do unless the scenario lifts the rail by name.
//!
//! Network partitions are not counted against the shares: nothing is taken away, and cutting off all pods of a target
//! is a question that people want answered.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Pod;

use crate::scenario::{PROTECTED_NAMESPACES, Percent, Rail, Scenario};

use super::drain;
use super::inventory::{Inventory, is_control_plane, is_finished, is_ready, is_terminating, node_of};
use super::make::{Trouble, all};
use super::model::{Action, Problem, Step};
use super::pods::{Group, controller, pods_of};

/// Rails that the scenario lifts, each once, in order.
pub(super) fn lifted(scenario: &Scenario) -> Vec<Rail> {
    let lifted: BTreeSet<Rail> = scenario.guard.allow.iter().copied().collect();
    lifted.into_iter().collect()
}

/// Holds one step against all rails, on the cluster as it is, beside the steps that are in force: pods that are not Ready
/// already count as taken.
///
/// # Errors
/// Every rail that refuses.
pub(super) fn check(scenario: &Scenario, inventory: &Inventory, step: &Step, in_force: &[Step]) -> Result<(), Trouble> {
    let at_once: Vec<&Step> = in_force.iter().chain([step]).collect();
    all([
        environment(scenario, inventory),
        window(scenario, inventory),
        protected_namespace(scenario, step),
        control_plane(scenario, inventory, step),
        own_agent(scenario, inventory, step),
        together(scenario, inventory, &at_once),
    ])
}

/// Holds steps that are in force at the same time against the shares and against the last ready replica.
pub(super) fn overlaps(scenario: &Scenario, inventory: &Inventory, steps: &[Step]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut accepted: Vec<&Step> = Vec::new();
    for step in steps {
        let mut at_once: Vec<&Step> =
            accepted.iter().copied().filter(|other| step.at <= other.at.saturating_add(other.hold)).collect();
        at_once.push(step);
        match together(scenario, inventory, &at_once) {
            Ok(()) => accepted.push(step),
            Err(trouble) => {
                problems.push(trouble.at(step.id.clone()));
            }
        }
    }
    problems
}

/// The target's namespace must say of itself that it is meant.
fn environment(scenario: &Scenario, inventory: &Inventory) -> Result<(), Trouble> {
    let namespace = &scenario.target.namespace;
    let has = |name: &str| inventory.namespace_labels.get(namespace).and_then(|labels| labels.get(name));
    let wanted = &scenario.guard.namespace_labels;
    match wanted.iter().find(|(name, value)| has(name) != Some(*value)) {
        None => Ok(()),
        Some((name, value)) => {
            let is = has(name).map_or_else(|| "it has no such label".to_owned(), |other| format!("it is \"{other}\""));
            Err(Trouble::refused(format!(
                "guard rail namespace_labels: namespace {namespace} must have the label {name} = \"{value}\", and {is}; label it, or take the label out of guard.namespace_labels"
            )))
        }
    }
}

fn window(scenario: &Scenario, inventory: &Inventory) -> Result<(), Trouble> {
    match scenario.guard.window.as_ref().zip(inventory.now) {
        Some((window, now)) if !window.contains(now) => Err(Trouble::refused(format!(
            "guard rail window: it is not {window}; wait, or change guard.window to allow it now"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// A fault that takes the eyes away cannot be proven, nor its end be seen.
fn own_agent(scenario: &Scenario, inventory: &Inventory, step: &Step) -> Result<(), Trouble> {
    if scenario.guard.allow.contains(&Rail::OwnAgentNode) {
        return Ok(());
    }
    let ours = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        labels.is_some_and(|labels| labels.get("app.kubernetes.io/name").is_some_and(|name| name == "driftproof-agent"))
            && !is_finished(pod)
    };
    let hit = nodes(&step.action).find_map(|name| {
        inventory.pods.iter().filter(ours).find(|pod| node_of(pod) == name).map(|pod| (name.to_owned(), pod))
    });
    match hit {
        None => Ok(()),
        Some((node, pod)) => Err(Trouble::refused(format!(
            "guard rail own-agent-node: Driftproof's own agent {} runs on node {node}; set guard.allow = [\"own-agent-node\"] to allow it",
            pod.metadata.name.as_deref().unwrap_or_default()
        ))),
    }
}

fn protected_namespace(scenario: &Scenario, step: &Step) -> Result<(), Trouble> {
    if scenario.guard.allow.contains(&Rail::ProtectedNamespace) {
        return Ok(());
    }
    let pods = match &step.action {
        Action::PodKill { pods, .. } | Action::NetworkPartition { pods, .. } => pods.as_slice(),
        Action::EtcdMemberReplace { leaving, .. } => std::slice::from_ref(leaving),
        Action::NodeDrain { .. } | Action::NodeFailure { .. } => &[],
    };
    match pods.iter().find(|pod| PROTECTED_NAMESPACES.contains(&pod.namespace.as_str())) {
        None => Ok(()),
        Some(pod) => Err(Trouble::refused(format!(
            "guard rail protected-namespace: pod {pod} is in {}; set guard.allow = [\"protected-namespace\"] to allow it",
            pod.namespace
        ))),
    }
}

fn control_plane(scenario: &Scenario, inventory: &Inventory, step: &Step) -> Result<(), Trouble> {
    if scenario.guard.allow.contains(&Rail::ControlPlaneNode) {
        return Ok(());
    }
    let hit = nodes(&step.action).find(|name| inventory.node(name).is_some_and(is_control_plane));
    match hit {
        None => Ok(()),
        Some(name) => Err(Trouble::refused(format!(
            "guard rail control-plane-node: node {name} carries the control plane; set guard.allow = [\"control-plane-node\"] to allow it"
        ))),
    }
}

fn together(scenario: &Scenario, inventory: &Inventory, steps: &[&Step]) -> Result<(), Trouble> {
    let taken = taken(inventory, steps);
    let at_once = taken.iter().filter(|(_, how)| **how == How::AtOnce).map(|(uid, _)| *uid).collect();
    all([
        max_nodes(scenario, inventory, steps),
        max_pods(scenario, inventory, &taken),
        max_namespace_pods(scenario, inventory, &taken),
        replicas(scenario, inventory, &at_once),
    ])
}

fn max_nodes(scenario: &Scenario, inventory: &Inventory, steps: &[&Step]) -> Result<(), Trouble> {
    let taken: BTreeSet<&str> = steps.iter().flat_map(|step| nodes(&step.action)).collect();
    let (total, share) = (inventory.nodes.len(), scenario.guard.max_nodes);
    let limit = limit(share, total);
    if taken.len() <= limit {
        return Ok(());
    }
    Err(Trouble::refused(format!(
        "guard rail max_nodes: {} of {total} nodes would be taken at a time ({}), at most {limit} may be ({share}); raise guard.max_nodes to allow it",
        taken.len(),
        taken.into_iter().collect::<Vec<_>>().join(", "),
    )))
}

fn max_pods(scenario: &Scenario, inventory: &Inventory, taken: &BTreeMap<&str, How>) -> Result<(), Trouble> {
    let group = Group::from(&scenario.target);
    let pods: Vec<&Pod> =
        pods_of(group, inventory).into_iter().filter(|pod| !is_finished(pod) && !is_terminating(pod)).collect();
    let hit = pods.iter().filter(|pod| taken.contains_key(uid(pod))).count();
    let gone = pods.iter().filter(|pod| !is_ready(pod) && !taken.contains_key(uid(pod))).count();
    let (total, share) = (pods.len(), scenario.guard.max_pods);
    let limit = limit(share, total);
    if hit == 0 || hit + gone <= limit {
        return Ok(());
    }
    let already = if gone > 0 { format!(" ({gone} of them not Ready already)") } else { String::new() };
    Err(Trouble::refused(format!(
        "guard rail max_pods: {} of {total} pods of {} would be gone at a time{already}, at most {limit} may be ({share}); raise guard.max_pods to allow it",
        hit + gone,
        group.describe(),
    )))
}

fn max_namespace_pods(scenario: &Scenario, inventory: &Inventory, taken: &BTreeMap<&str, How>) -> Result<(), Trouble> {
    let (namespace, share) = (&scenario.target.namespace, scenario.guard.max_namespace_pods);
    let here =
        |pod: &&Pod| pod.metadata.namespace.as_ref() == Some(namespace) && !is_finished(pod) && !is_terminating(pod);
    let pods: Vec<&Pod> = inventory.pods.iter().filter(here).collect();
    let hit = pods.iter().filter(|pod| taken.contains_key(uid(pod))).count();
    let (total, limit) = (pods.len(), limit(share, pods.len()));
    if hit <= limit {
        return Ok(());
    }
    Err(Trouble::refused(format!(
        "guard rail max_namespace_pods: {hit} of {total} pods of namespace {namespace} would be gone at a time, at most {limit} may be ({share}); raise guard.max_namespace_pods to allow it"
    )))
}

/// The share rounded down, but one at least: a rail that forbids every fault on a small target would only be lifted.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of pods is small and not negative"
)]
fn limit(share: Percent, total: usize) -> usize {
    ((total as f64 * share.0 / 100.0).floor() as usize).max(1)
}

/// Of one workload: its pods, those that are Ready, and those of them that are taken.
#[derive(Default)]
struct Replicas {
    all: usize,
    ready: usize,
    hit: usize,
}

/// Never the last ready replica, never the majority of a StatefulSet.
fn replicas(scenario: &Scenario, inventory: &Inventory, taken: &BTreeSet<&str>) -> Result<(), Trouble> {
    let mut workloads: BTreeMap<(&str, String), Replicas> = BTreeMap::new();
    for pod in inventory.pods.iter().filter(|pod| !is_finished(pod)) {
        if let Some(workload) = workload(pod, inventory) {
            let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
            let replicas = workloads.entry((namespace, workload)).or_default();
            let ready = is_ready(pod);
            replicas.all += 1;
            replicas.ready += usize::from(ready);
            replicas.hit += usize::from(ready && taken.contains(uid(pod)));
        }
    }
    let lifted = |rail: Rail| scenario.guard.allow.contains(&rail);
    let mut refused = Vec::new();
    for ((namespace, workload), Replicas { all: total, ready, hit }) in workloads {
        if hit > 0 && hit == ready && !lifted(Rail::LastReadyReplica) {
            refused.push(Err(Trouble::refused(format!(
                "guard rail last-ready-replica: all {ready} ready replica(s) of {workload} in {namespace} would be taken at once; set guard.allow = [\"last-ready-replica\"] to allow it"
            ))));
        }
        let majority = total / 2 + 1;
        let grouped = workload.starts_with("statefulset/") && total > 2;
        if grouped && hit > 0 && ready - hit < majority && !lifted(Rail::StatefulSetMajority) {
            refused.push(Err(Trouble::refused(format!(
                "guard rail statefulset-majority: {} of {total} replicas of {workload} in {namespace} would be left, {majority} are a majority; set guard.allow = [\"statefulset-majority\"] to allow it",
                ready - hit
            ))));
        }
    }
    all(refused)
}

/// The workload that a pod is a replica of; none for pods that come and go by their nature (Jobs), that belong to
/// their node (those of a DaemonSet, mirror pods).
fn workload(pod: &Pod, inventory: &Inventory) -> Option<String> {
    let Some((kind, name, owner)) = controller(&pod.metadata) else {
        return Some(format!("pod/{}", pod.metadata.name.as_deref().unwrap_or_default()));
    };
    match kind {
        "Job" | "DaemonSet" | "Node" => None,
        "ReplicaSet" => {
            let set = inventory.replica_sets.iter().find(|set| set.metadata.uid.as_deref() == Some(owner));
            match set.and_then(|set| controller(&set.metadata)) {
                Some((kind, name, _)) => Some(format!("{}/{name}", kind.to_lowercase())),
                None => Some(format!("replicaset/{name}")),
            }
        }
        _ => Some(format!("{}/{name}", kind.to_lowercase())),
    }
}

/// How a pod is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Together with all others.
    AtOnce,
    /// By eviction under a budget, which spares the last ones itself.
    ByBudget,
}

/// UIDs of the pods that the steps take.
fn taken<'a>(inventory: &'a Inventory, steps: &[&'a Step]) -> BTreeMap<&'a str, How> {
    let mut taken = BTreeMap::new();
    for step in steps {
        match &step.action {
            Action::PodKill { pods, .. } => taken.extend(pods.iter().map(|pod| (pod.uid.as_str(), How::AtOnce))),
            Action::NetworkPartition { .. } => {}
            Action::EtcdMemberReplace { leaving, .. } => {
                taken.insert(leaving.uid.as_str(), How::AtOnce);
            }
            Action::NodeFailure { nodes, .. } => {
                let on = inventory.pods.iter().filter(|pod| nodes.iter().any(|node| node.name == node_of(pod)));
                taken.extend(on.map(|pod| (uid(pod), How::AtOnce)));
            }
            Action::NodeDrain { nodes, .. } => {
                let on = inventory.pods.iter().filter(|pod| nodes.iter().any(|node| node.name == node_of(pod)));
                for pod in on.filter(|pod| is_evictable(pod)) {
                    let how =
                        if drain::budgets_of(pod, inventory).next().is_some() { How::ByBudget } else { How::AtOnce };
                    taken.entry(uid(pod)).or_insert(how);
                }
            }
        }
    }
    taken
}

fn is_evictable(pod: &Pod) -> bool {
    let owner = controller(&pod.metadata).map(|(kind, _, _)| kind);
    !is_finished(pod) && !matches!(owner, Some("DaemonSet" | "Node"))
}

fn nodes(action: &Action) -> impl Iterator<Item = &str> {
    let nodes = match action {
        Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => nodes.as_slice(),
        Action::PodKill { .. } | Action::NetworkPartition { .. } | Action::EtcdMemberReplace { .. } => &[],
    };
    nodes.iter().map(|node| node.name.as_str())
}

fn uid(pod: &Pod) -> &str {
    pod.metadata.uid.as_deref().unwrap_or_default()
}
