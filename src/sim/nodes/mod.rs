//! The node lifecycle controller, taint eviction and pod garbage collection.
//! They know of machines only what Leases and Node objects say.

mod eviction_queue;
mod lifecycle;
mod mark;
mod pod_gc;
mod taint_eviction;
mod taints;
#[cfg(test)]
mod tests;
mod watch;
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Event, Key, State};

pub use watch::on_change;

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// All nodes' heartbeats are looked at.
    Monitor,
    /// A node's `NoSchedule` taints follow its conditions.
    NoSchedule(String),
    /// The next node of a zone may get its `NoExecute` taint.
    NoExecute(String),
    /// The pods of a node meet its `NoExecute` taints.
    Taints(String),
    /// A pod meets the `NoExecute` taints of its node.
    Pod(Key),
    /// A pod is evicted unless that was called off since; planned for this time.
    Evict(Key, Duration),
    /// Pods that nobody else will end are collected.
    CollectPods,
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    /// What was last seen of each node.
    health: BTreeMap<String, lifecycle::Health>,
    /// Zones, and which of their nodes wait for a taint.
    zones: BTreeMap<String, zone::Zone>,
    /// No node of the cluster is ready: nothing is evicted (`master disruption mode`).
    all_disrupted: bool,
    /// Evictions to come, by pod.
    evictions: BTreeMap<Key, taint_eviction::Planned>,
    /// When a node was first missed by the pod collector.
    missing: BTreeMap<String, Duration>,
    /// Pods that terminate.
    terminating: BTreeSet<Key>,
}

/// Starts the timers. The node monitor's phase comes from the seed, for on real clusters it is nobody's choice.
pub fn boot(state: &mut State) {
    let period = state.settings.timings.node_monitor_period;
    let millis = u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
    let phase = Duration::from_millis(state.draw(0, millis));
    state.after(phase, Event::Nodes(Work::Monitor));
    state.after(state.settings.timings.pod_gc_period, Event::Nodes(Work::CollectPods));
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Monitor => lifecycle::monitor(state),
        Work::NoSchedule(node) => taints::follow_conditions(state, &node),
        Work::NoExecute(zone) => eviction_queue::next(state, &zone),
        Work::Taints(node) => taint_eviction::node_changed(state, &node),
        Work::Pod(key) => taint_eviction::pod_changed(state, &key),
        Work::Evict(key, at) => taint_eviction::evict(state, &key, at),
        Work::CollectPods => pod_gc::collect(state),
    }
}
