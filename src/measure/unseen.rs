//! What the watches should have shown and did not. A fault's proof may come from elsewhere; what it did to the target is
//! told by what was seen alone, and where nothing was seen nothing is known.

use std::collections::BTreeSet;

use crate::evidence::{Event, Evidence, Life, Seen};
use crate::plan::{Action, NodeTarget, PodTarget};
use crate::scenario::{FailureMode, WorkloadKind};

use super::model::FaultSpan;
use super::timeline::{PodLife, Timeline};

/// One line for each thing that must have been seen; none before anything was injected.
pub(super) fn unseen(evidence: &Evidence, timeline: &Timeline<'_>, faults: &[FaultSpan]) -> Vec<String> {
    if faults.iter().all(|fault| fault.injected.is_none()) {
        return Vec::new();
    }
    let mut unseen = never(evidence, timeline);
    for fault in faults {
        let proven = fault.proof.as_ref().is_some_and(|proof| proof.proven);
        let Some(from) = fault.injected.filter(|_| proven) else { continue };
        // What was done is in the intent: a repeated fault chooses anew at its moment.
        let action = timeline.faults.iter().rev().find_map(|(_, record)| match &record.life {
            Life::Intent { action, .. } if record.step == fault.step => Some(action),
            _ => None,
        });
        let missing = action.and_then(|action| effect(evidence, timeline, action, from));
        unseen.extend(missing.map(|what| format!("what {} did to {what} was not seen", fault.step)));
    }
    unseen
}

/// What a run watches from its beginning, and of which the first list already shows something.
fn never(evidence: &Evidence, timeline: &Timeline<'_>) -> Vec<String> {
    let mut never = Vec::new();
    let scenario = timeline.scenario;
    let is_refused =
        |event: &Event| matches!(event, Event::Unreadable { permission, .. } if permission.resource == "nodes");
    let refused = evidence.records.iter().any(|record| is_refused(&record.event));
    if timeline.nodes.is_empty() && (!refused || crate::plan::watches_all_nodes(scenario)) {
        never.push("no node was ever seen".to_owned());
    }
    let watched = scenario.target.workload.as_ref().filter(|workload| workload.kind != WorkloadKind::Pod);
    if let Some(workload) = watched.filter(|_| timeline.workloads.is_empty()) {
        never.push(format!("{workload} was never seen"));
    }
    let probes = scenario.probes.iter().filter(|probe| !probe.control);
    for service in probes.filter_map(|probe| probe.service.as_ref()) {
        let namespace = service.namespace.as_deref().unwrap_or(&scenario.target.namespace);
        if !timeline.endpoints.contains_key(&(namespace, service.service.as_str())) {
            never.push(format!("the endpoints of {namespace}/{} were never seen", service.service));
        }
    }
    never
}

/// The first object on which the effect of an action that is proven was not seen.
fn effect(evidence: &Evidence, timeline: &Timeline<'_>, action: &Action, from: u64) -> Option<String> {
    match action {
        Action::PodKill { pods, .. } => unchanged(evidence, pods, from),
        Action::EtcdMemberReplace { leaving, .. } => unchanged(evidence, std::slice::from_ref(leaving), from),
        // Policies are not watched: canaries tell what they do.
        Action::NetworkPartition { .. } => None,
        Action::NodeDrain { nodes, .. } => {
            let cordoned = |name: &str| timeline.nodes.get(name)?.iter().find(|(_, node)| node.cordoned);
            let unseen = nodes.iter().find(|node| cordoned(&node.name).is_none());
            unseen.map(|node| format!("node {}", node.name)).or_else(|| pods_on(timeline, nodes, from))
        }
        Action::NodeFailure { nodes, mode, .. } => {
            let bitten = |name: &str| {
                timeline.nodes.get(name)?.iter().find(|(t, node)| {
                    let tainted = node.taints.iter().any(|taint| taint.starts_with(crate::plan::TAINT_KEY));
                    *t >= from && if *mode == FailureMode::Taint { tainted } else { node.ready != "True" }
                })
            };
            let unseen = nodes.iter().find(|node| bitten(&node.name).is_none());
            unseen.map(|node| format!("node {}", node.name)).or_else(|| pods_on(timeline, nodes, from))
        }
    }
}

/// The first of these pods that was not seen to change.
fn unchanged(evidence: &Evidence, pods: &[PodTarget], from: u64) -> Option<String> {
    let records = evidence.records.iter().filter(|record| record.t >= from);
    let changed: BTreeSet<&str> = records
        .filter_map(|record| match &record.event {
            Event::Seen(seen) => match &**seen {
                Seen::Pod(pod) => Some(pod.uid.as_str()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    pods.iter().find(|pod| !changed.contains(pod.uid.as_str())).map(|pod| format!("pod {pod}"))
}

/// The pods of the target on these nodes, when not one of them was seen to change: a node's loss makes them not Ready, a
/// drain and a taint end them. Those that were on their way out and those of a DaemonSet may stay as they are.
fn pods_on(timeline: &Timeline<'_>, nodes: &[NodeTarget], from: u64) -> Option<String> {
    let stood = |life: &&PodLife<'_>| {
        let before = life.seen.iter().rev().find(|(t, _)| *t < from);
        nodes.iter().any(|node| node.name == life.node())
            && life.owner_kind() != "DaemonSet"
            && before.is_some_and(|(_, pod)| pod.ready && pod.deletion.is_empty())
    };
    let stood: Vec<&PodLife<'_>> = timeline.pods.iter().filter(stood).collect();
    let unchanged = stood.iter().all(|life| life.seen.iter().all(|(t, _)| *t < from));
    stood.first().filter(|_| unchanged).map(|life| format!("pod {} and all others there", life.name()))
}
