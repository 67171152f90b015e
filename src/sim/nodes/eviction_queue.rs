//! The pace of `NoExecute` taints: one node of a zone at a time (`RateLimitedTimedQueue`).

use super::{Work, taints};
use crate::sim::{Event, State};

/// Sees to it that each zone with waiting nodes will be looked at when its limiter allows.
pub(super) fn pace_all(state: &mut State) {
    let zones: Vec<_> = state.nodes.zones.keys().cloned().collect();
    for zone in zones {
        pace(state, &zone);
    }
}

fn pace(state: &mut State, name: &str) {
    let now = state.now;
    let Some(zone) = state.nodes.zones.get(name) else { return };
    if !zone.waiting.is_empty() && zone.period().is_some() {
        let delay = zone.next_at.saturating_sub(now);
        state.after_once(delay, Event::Nodes(Work::NoExecute(name.to_owned())));
    }
}

/// Taints the next waiting node of a zone.
pub(super) fn next(state: &mut State, name: &str) {
    let now = state.now;
    let Some(zone) = state.nodes.zones.get_mut(name) else { return };
    // The rate may have changed since this look was planned.
    if now < zone.next_at {
        return pace(state, name);
    }
    let Some(period) = zone.period() else { return };
    if let Some(node) = zone.waiting.pop_front() {
        zone.next_at = now + period;
        zone.done.push(node.clone());
        taints::execute(state, &node);
    }
    pace(state, name);
}
