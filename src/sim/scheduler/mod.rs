//! The scheduler: filters, scores, binding, and the back-off of pods that fit nowhere.
//! Decides where a pod goes and never whether it should exist.

pub(crate) mod admission;
mod bind;
mod cache;
mod cycle;
mod diagnosis;
mod nomination;
pub mod placement;
mod plugins;
mod preemption;
pub(crate) mod quantity;
mod queue;
mod resources;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Key, State};

pub use watch::on_change;

/// Work of this room.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// The pod at the head of the queue gets its turn.
    Next,
    /// A pod's back-off ends at this time.
    Retry(Key, Duration),
    /// A pod that waits since this time for a helpful event gets another turn without one.
    Flush(Key, Duration),
    /// A claim of a pod that has its node changed: perhaps the pod can be bound.
    Bind(Key),
    /// The claims of a pod have not been bound by this time: it is put back.
    GiveUp(Key, Duration),
}

/// What this room remembers beside the store.
#[derive(Debug, Default)]
pub struct Local {
    cache: cache::Cache,
    queue: queue::Queue,
    /// Pods that have their node and wait for their claims.
    binding: BTreeMap<Key, bind::Waiting>,
    /// Pods that wait for the node on which room was made for them.
    nominations: nomination::Nominations,
    /// Where among the nodes the next search starts (`nextStartNodeIndex`).
    next_start: usize,
}

/// Takes in what is there already: rooms that boot earlier have created nodes.
pub fn boot(state: &mut State) {
    watch::take_in(state);
}

/// Does one piece of work.
pub fn handle(state: &mut State, work: Work) {
    match work {
        Work::Next => cycle::next(state),
        Work::Retry(key, at) => queue::retry(state, &key, at),
        Work::Flush(key, since) => queue::flush(state, &key, since),
        Work::Bind(key) => bind::claims_changed(state, &key),
        Work::GiveUp(key, deadline) => bind::give_up(state, &key, deadline),
    }
}
