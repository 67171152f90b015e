//! What this room makes of changes: work for nodes whose conditions or taints changed and for pods that got a node.

use super::Work;
use crate::sim::{Change, ChangeType, Event, Kind, Object, State};

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    if change.kind == Kind::Node {
        node(state, change);
    } else if change.kind == Kind::Pod {
        pod(state, change);
    }
}

fn node(state: &mut State, change: &Change) {
    let latency = state.settings.timings.controller_latency;
    if change.change == ChangeType::Deleted {
        return;
    }
    let differs = |part: fn(&Object) -> String| change.old.as_ref().is_none_or(|old| part(old) != part(&change.new));
    let name = &change.key.name;
    if differs(conditions) {
        state.after_once(latency, Event::Nodes(Work::NoSchedule(name.clone())));
    }
    if change.old.as_ref().is_none_or(|old| old.at("/spec/taints") != change.new.at("/spec/taints")) {
        state.after_once(latency, Event::Nodes(Work::NoSchedule(name.clone())));
        state.after_once(latency, Event::Nodes(Work::Taints(name.clone())));
    }
}

/// What the `NoSchedule` taints follow: the conditions' statuses and the cordon.
fn conditions(node: &Object) -> String {
    let mut all = node.at("/spec/unschedulable").map(ToString::to_string).unwrap_or_default();
    for condition in node.at("/status/conditions").and_then(|all| all.as_array()).into_iter().flatten() {
        for field in ["type", "status"] {
            all.push_str(condition[field].as_str().unwrap_or_default());
            all.push(' ');
        }
    }
    all
}

fn pod(state: &mut State, change: &Change) {
    if change.change == ChangeType::Deleted {
        state.nodes.terminating.remove(&change.key);
        state.nodes.evictions.remove(&change.key);
        return;
    }
    let pod = &change.new;
    if pod.is_terminating() {
        state.nodes.terminating.insert(change.key.clone());
    }
    let matters = change.old.as_ref().is_none_or(|old| {
        old.text("/spec/nodeName") != pod.text("/spec/nodeName")
            || old.at("/spec/tolerations") != pod.at("/spec/tolerations")
    });
    if matters && !pod.text("/spec/nodeName").is_empty() {
        let latency = state.settings.timings.controller_latency;
        state.after_once(latency, Event::Nodes(Work::Pod(change.key.clone())));
    }
}
