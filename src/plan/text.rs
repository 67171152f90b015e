//! The plan for people, as `driftproof plan` prints it: what is done to what, how much that is, what the run needs
//! to be allowed, and what stands in the way. No colour, no state: the same plan gives the same text.

use std::collections::BTreeMap;
use std::fmt::Write;

use humantime::format_duration;

use crate::scenario::{Direction, FailureMode};

use super::model::{Action, NodeTarget, Permission, Plan, PodTarget, Problem, ProblemKind, Step};

/// More names than this are counted instead of listed.
const NAMES: usize = 8;

/// The plan as text, with a newline at its end; without its permissions, see [`permissions_text`].
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  (seed {})", plan.scenario, plan.seed);
    for problem in &plan.problems {
        let _ = writeln!(out, "  {}", problem_line(problem));
    }
    for step in &plan.steps {
        write_step(&mut out, step);
    }
    let pods: usize = plan.steps.iter().map(|step| pods(&step.action).len()).max().unwrap_or(0);
    let nodes: usize = plan.steps.iter().map(|step| nodes(&step.action).len()).max().unwrap_or(0);
    let radius: Vec<String> = [(pods, "pod"), (nodes, "node")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| plural(count, noun))
        .collect();
    if !radius.is_empty() {
        let _ = writeln!(out, "  blast radius: at most {} in one step", radius.join(" and "));
    }
    if !plan.lifted.is_empty() {
        let lifted: Vec<&str> = plan.lifted.iter().map(|rail| rail.word()).collect();
        let _ = writeln!(out, "  guard rails lifted: {}", lifted.join(", "));
    }
    for line in &plan.inside {
        let _ = writeln!(out, "  from inside the cluster: {line}");
    }
    out
}

/// One line for a problem.
#[must_use]
pub fn problem_line(problem: &Problem) -> String {
    let what = match problem.kind {
        ProblemKind::NoTarget => "no target",
        ProblemKind::Refused => "refused",
        ProblemKind::Unprovable => "unprovable",
    };
    format!("{what}: step {}: {}", problem.step, problem.message)
}

fn write_step(out: &mut String, step: &Step) {
    write_deed(out, step);
    if let Some(failsafe) = failsafe(&step.action) {
        let _ = writeln!(out, "            {failsafe}");
    }
}

fn write_deed(out: &mut String, step: &Step) {
    let hold = match &step.action {
        Action::NodeDrain { .. } if step.hold.is_zero() => ", held until it has ended".to_owned(),
        _ if step.hold.is_zero() => String::new(),
        _ => format!(", held {}", format_duration(step.hold)),
    };
    let _ = writeln!(out, "  +{:<8} {}  {}{hold}", format_duration(step.at).to_string(), step.id, step.name);
    match &step.action {
        Action::PodKill { pods, grace_seconds } => {
            let how = match grace_seconds {
                Some(0) => "by force".to_owned(),
                Some(seconds) => format!("with {seconds}s of grace"),
                None => "with their own grace period".to_owned(),
            };
            let what = drawn(step, pods.len(), || pod_names(pods));
            let _ = writeln!(out, "            delete {what} {how}");
        }
        Action::NetworkPartition { policies, pods, from, direction, canaries } => {
            let other = if from.is_empty() { "everything".to_owned() } else { pod_names(from) };
            let direction = match direction {
                Direction::Ingress => "ingress",
                Direction::Egress => "egress",
                Direction::Both => "both ways",
            };
            let _ = writeln!(out, "            cut {} off from {other}, {direction}", pod_names(pods));
            for policy in policies {
                let text = |pointer| policy.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
                let _ = writeln!(
                    out,
                    "            create NetworkPolicy {}/{}",
                    text("/metadata/namespace"),
                    text("/metadata/name")
                );
            }
            for canary in canaries {
                let from = canary.from.as_ref().map_or("outside".to_owned(), ToString::to_string);
                let _ = writeln!(out, "            prove by {from} → {}:{}", canary.to, canary.port);
            }
        }
        Action::NodeDrain { nodes, timeout, delete_emptydir_data, force } => {
            let _ = writeln!(
                out,
                "            cordon and drain {} within {}",
                drawn(step, nodes.len(), || node_names(nodes)),
                format_duration(*timeout)
            );
            if *delete_emptydir_data {
                let _ = writeln!(out, "            also pods with emptyDir volumes, whose content is lost");
            }
            if *force {
                let _ = writeln!(out, "            also pods that nothing will replace");
            }
        }
        Action::NodeFailure { nodes, mode, command } => {
            let mode = match mode {
                FailureMode::PowerOff => "power off",
                FailureMode::KubeletStop => "stop the kubelet of",
                FailureMode::NetworkCut => "cut the network of",
                FailureMode::Taint => "drive out of",
            };
            let _ = writeln!(out, "            {mode} {}", drawn(step, nodes.len(), || node_names(nodes)));
            if let Some(command) = command {
                let _ = writeln!(
                    out,
                    "            on a live cluster: inject `{}`, heal `{}`",
                    command.inject, command.heal
                );
            }
        }
        Action::EtcdMemberReplace { stateful_set, leaving, guest, timeout, .. } => {
            let within = format_duration(*timeout);
            let _ = match guest {
                Some(guest) => writeln!(
                    out,
                    "            grow statefulset/{stateful_set} by {guest}, add it as a member, remove {leaving} on {} once it has caught up within {within}; back the same way",
                    leaving.node
                ),
                None => writeln!(
                    out,
                    "            delete {leaving} on {} with its claims for good; its successor joins with an empty disk within {within}",
                    leaving.node
                ),
            };
        }
    }
}

/// What a step is done to: by name, or how many of which when they are drawn at its moment.
fn drawn(step: &Step, chosen: usize, names: impl FnOnce() -> String) -> String {
    match &step.drawn {
        None => names(),
        Some(draw) => format!("{chosen} of {} {}, drawn at that moment,", draw.of, draw.among),
    }
}

/// What heals the fault when nobody is there any more to do it; nothing to say of what needs no healing.
fn failsafe(action: &Action) -> Option<&'static str> {
    match action {
        Action::PodKill { .. } => None,
        Action::NetworkPartition { .. } => {
            Some("failsafe: 2m after its time the cluster's garbage collector lifts it, unless --no-failsafe")
        }
        Action::NodeFailure { command: None, mode: FailureMode::KubeletStop | FailureMode::NetworkCut, .. } => {
            Some("failsafe: on a live cluster the node heals itself by a timer")
        }
        Action::NodeDrain { .. } | Action::NodeFailure { .. } | Action::EtcdMemberReplace { .. } => {
            Some("no failsafe: if this run dies, `driftproof undo`")
        }
    }
}

/// What has to be allowed, as text: a line for each resource and place. Of several plans it is told once for all.
#[must_use]
pub fn permissions_text(permissions: &[Permission]) -> String {
    let mut lines: BTreeMap<(&str, &str, &str), Vec<&str>> = BTreeMap::new();
    for permission in permissions {
        let namespace = permission.namespace.as_deref().unwrap_or_default();
        let verbs = lines.entry((namespace, &permission.group, &permission.resource)).or_default();
        verbs.push(&permission.verb);
    }
    let mut out = String::from("permissions:\n");
    for ((namespace, group, resource), verbs) in lines {
        let resource = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let place =
            if namespace.is_empty() { "the whole cluster".to_owned() } else { format!("namespace {namespace}") };
        let _ = writeln!(out, "  {resource:<44} {:<26} {place}", verbs.join(","));
    }
    out
}

fn pods(action: &Action) -> &[PodTarget] {
    match action {
        Action::PodKill { pods, .. } | Action::NetworkPartition { pods, .. } => pods,
        Action::EtcdMemberReplace { leaving, .. } => std::slice::from_ref(leaving),
        Action::NodeDrain { .. } | Action::NodeFailure { .. } => &[],
    }
}

fn nodes(action: &Action) -> &[NodeTarget] {
    match action {
        Action::NodeDrain { nodes, .. } | Action::NodeFailure { nodes, .. } => nodes,
        Action::PodKill { .. } | Action::NetworkPartition { .. } | Action::EtcdMemberReplace { .. } => &[],
    }
}

fn pod_names(pods: &[PodTarget]) -> String {
    let names: Vec<String> = pods.iter().map(|pod| format!("{pod} on {}", pod.node)).collect();
    listed(&names, "pod")
}

fn node_names(nodes: &[NodeTarget]) -> String {
    let zone = |node: &NodeTarget| if node.zone.is_empty() { String::new() } else { format!(" in {}", node.zone) };
    let names: Vec<String> = nodes.iter().map(|node| format!("{}{}", node.name, zone(node))).collect();
    listed(&names, "node")
}

fn listed(names: &[String], noun: &str) -> String {
    if names.len() <= NAMES {
        return names.join(", ");
    }
    format!("{}: {} and {} more", plural(names.len(), noun), names[..NAMES].join(", "), names.len() - NAMES)
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
