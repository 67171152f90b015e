//! The node lifecycle controller, taint eviction and pod garbage collection. Never touches a machine: it knows of
//! them only by their leases and statuses.
//!
//! - `lifecycle`: heartbeats that stop make a node's conditions Unknown and its pods not Ready.
//! - `taints`: `NoSchedule` taints at once; `NoExecute` taints paced for each zone (`zones`).
//! - `taint_eviction`: pods that do not tolerate a `NoExecute` taint are deleted, at once or after their time.
//! - `pod_gc`: pods of nodes that are gone, and of nodes declared out of service, are removed by force.

mod lifecycle;
mod pod_gc;
mod taint_eviction;
mod taints;
mod zones;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Change, Event, Key, Kind, State};

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// Looks at every node's heartbeat (`--node-monitor-period`).
    Monitor,
    /// Brings a node's `NoSchedule` taints in line with its conditions and cordon.
    NoSchedule(String),
    /// Gives the next waiting node of a zone its `NoExecute` taint.
    Pace(String),
    /// Looks at all pods of a node whose taints changed.
    EvictFrom(String),
    /// Looks at one pod that was bound or changed its tolerations.
    EvictPod(Key),
    /// A pod's toleration has run out.
    Expire(Key),
    /// Collects pods that nobody else will remove.
    CollectPods,
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    health: BTreeMap<String, lifecycle::Health>,
    zones: BTreeMap<String, zones::Zone>,
    evictions: BTreeMap<Key, taint_eviction::Planned>,
    missing_nodes: BTreeMap<String, Duration>,
}

/// Delay between a change and the controller that acts on it, as measured on a real cluster: within 0.1 s.
const LATENCY: Duration = Duration::from_millis(50);

/// Starts timers and creates what a fresh cluster has.
pub fn boot(state: &mut State) {
    let period = state.settings.timings.node_monitor_period;
    state.after(period, Event::Nodes(Work::Monitor));
    let period = state.settings.timings.pod_gc_period;
    state.after(period, Event::Nodes(Work::CollectPods));
}

/// Reacts to a change of the store by enqueuing work.
pub fn on_change(state: &mut State, change: &Change) {
    match change.kind {
        Kind::Lease if change.key.namespace == "kube-node-lease" => lifecycle::lease_changed(state, change),
        Kind::Node => {
            lifecycle::node_changed(state, change);
            taints::node_changed(state, change);
            taint_eviction::node_changed(state, change);
        }
        Kind::Pod => taint_eviction::pod_changed(state, change),
        _ => {}
    }
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Monitor => lifecycle::monitor(state),
        Work::NoSchedule(node) => taints::sync_no_schedule(state, &node),
        Work::Pace(zone) => zones::pace(state, &zone),
        Work::EvictFrom(node) => taint_eviction::look_at_node(state, &node),
        Work::EvictPod(pod) => taint_eviction::look_at_pod(state, &pod),
        Work::Expire(pod) => taint_eviction::expire(state, &pod),
        Work::CollectPods => pod_gc::collect(state),
    }
}
