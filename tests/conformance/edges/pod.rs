//! What happened to a pod. Says nothing of its name or its node's, which differ between clusters.

use serde_json::Value;

use super::{because, condition, list, text};

/// What happened between two versions of a pod, in the order in which a pod lives. `role` names a node.
pub(crate) fn pod(old: Option<&Value>, new: &Value, role: impl Fn(&str) -> String) -> Vec<String> {
    let mut edges = Vec::new();
    let nothing = Value::Null;
    let before = old.unwrap_or(&nothing);
    if old.is_none() {
        edges.push("created".to_owned());
    }
    let node = text(new, "/spec/nodeName");
    if text(before, "/spec/nodeName") != node {
        edges.push(format!("scheduled to {}", role(node)));
    }
    let (was, is) = (condition(before, "PodScheduled"), condition(new, "PodScheduled"));
    if was != is && is.0 == "False" {
        edges.push(because("not scheduled", is.1));
    }
    let (was, is) = (condition(before, "DisruptionTarget"), condition(new, "DisruptionTarget"));
    if was != is && is.0 == "True" {
        edges.push(because("disrupted", is.1));
    }
    edges.extend(deletion(before, new));
    edges.extend(container(before, new));
    edges.extend(readiness(before, new));
    edges
}

/// A pod that starts runs first and is ready then; one that ends is not ready first.
fn readiness(before: &Value, new: &Value) -> Vec<String> {
    let (was, is) = (condition(before, "Ready").0, condition(new, "Ready"));
    // A pod begins without being ready: that is no edge.
    let changed = was != is.0 && !(was.is_empty() && is.0 == "False");
    let reason = if is.0 == "True" { "" } else { is.1 };
    let ready = changed.then(|| because(&format!("Ready={}", is.0), reason));
    let (was, phase) = (text(before, "/status/phase"), text(new, "/status/phase"));
    let phase = (was != phase && phase != "Pending").then(|| format!("phase {phase}"));
    if is.0 == "True" { [phase, ready] } else { [ready, phase] }.into_iter().flatten().collect()
}

fn deletion(before: &Value, new: &Value) -> Option<String> {
    let grace = |value: &Value| value.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64);
    let (was, is) = (grace(before), grace(new));
    match (was, is) {
        (None, Some(seconds)) => Some(format!("deleted with grace {seconds}")),
        (Some(was), Some(seconds)) if was != seconds => Some(format!("grace now {seconds}")),
        (_, None) | (Some(_), Some(_)) => None,
    }
}

/// The only container's state, in a few words; empty when there is nothing to say yet.
fn state(pod: &Value) -> String {
    let Some(status) = list(pod, "/status/containerStatuses").first() else { return String::new() };
    let restarts = status["restartCount"].as_u64().unwrap_or_default();
    if status.pointer("/state/running").is_some() {
        return if restarts == 0 { "running".to_owned() } else { format!("running, restarts {restarts}") };
    }
    if let Some(ended) = status.pointer("/state/terminated") {
        return ending(ended);
    }
    match text(status, "/state/waiting/reason") {
        "" | "ContainerCreating" | "PodInitializing" => String::new(),
        reason => format!("waiting {reason}"),
    }
}

fn ending(ended: &Value) -> String {
    // Why a process of a machine without power ended, its runtime says differently from case to case.
    let reason = if ended["exitCode"] == 255 { "" } else { text(ended, "/reason") };
    because(&format!("ended with code {}", ended["exitCode"]), reason)
}

fn container(before: &Value, new: &Value) -> Option<String> {
    let (was, is) = (state(before), state(new));
    (was != is && !is.is_empty()).then_some(is)
}

/// How a pod's object went, by its last version.
pub(crate) fn gone(last: &Value) -> String {
    match state(last).as_str() {
        "" => "gone, never started".to_owned(),
        state => format!("gone, {state}"),
    }
}
