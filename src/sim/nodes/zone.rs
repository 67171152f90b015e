//! How much of a zone is lost, and how fast its nodes may be tainted then.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::sim::{Object, State};

/// `--unhealthy-zone-threshold`, in percent.
const UNHEALTHY_PERCENT: usize = 55;
/// `--large-cluster-size-threshold`: smaller zones that are partly lost are not evicted at all.
const LARGE_ZONE: usize = 50;

/// How much of a zone is lost (`ZoneState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ZoneState {
    Normal,
    /// More than two nodes and at least 55 % are not ready.
    Partial,
    /// No node is ready.
    Full,
}

/// The state of a zone with so many nodes of each sort (`ComputeZoneState`).
pub(super) fn zone_state(ready: usize, unready: usize) -> ZoneState {
    if ready == 0 && unready > 0 {
        ZoneState::Full
    } else if unready > 2 && unready * 100 >= UNHEALTHY_PERCENT * (ready + unready) {
        ZoneState::Partial
    } else {
        ZoneState::Normal
    }
}

/// One zone: the nodes that wait for a `NoExecute` taint, let through one by one.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) state: ZoneState,
    /// Nodes that may be tainted per second; none when it is not positive.
    rate: f64,
    /// When the next node may be tainted (a token bucket with one token).
    pub(super) next_at: Duration,
    pub(super) waiting: VecDeque<String>,
    /// Nodes that were let through and have not come back since.
    pub(super) done: Vec<String>,
}

impl Zone {
    pub(super) fn new(rate: f64) -> Self {
        Self { state: ZoneState::Normal, rate, next_at: Duration::ZERO, waiting: VecDeque::new(), done: Vec::new() }
    }

    /// Lets a node wait, unless it waits already or was let through.
    pub(super) fn add(&mut self, node: &str) {
        if !self.waiting.iter().chain(&self.done).any(|known| known == node) {
            self.waiting.push_back(node.to_owned());
        }
    }

    /// Forgets a node that is back or gone.
    pub(super) fn remove(&mut self, node: &str) {
        self.waiting.retain(|known| known != node);
        self.done.retain(|known| known != node);
    }

    /// Changes the rate. A limiter that is used up stays so for one period of the new rate (`SwapLimiter`).
    pub(super) fn set_rate(&mut self, now: Duration, rate: f64) {
        if (self.rate - rate).abs() < f64::EPSILON {
            return;
        }
        if self.next_at > now || self.rate <= 0.0 {
            self.next_at = period(rate).map_or(self.next_at, |period| now + period);
        }
        self.rate = rate;
    }

    /// The time between two nodes; `None` when none may be tainted.
    pub(super) fn period(&self) -> Option<Duration> {
        period(self.rate)
    }
}

fn period(rate: f64) -> Option<Duration> {
    (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate))
}

/// The zone of a node, as the controller keys it.
pub(super) fn zone_of(node: &Object) -> String {
    let label = |name| node.label(name).unwrap_or_default();
    format!("{}:{}", label("topology.kubernetes.io/region"), label("topology.kubernetes.io/zone"))
}

/// The rate for a zone of this size in this state.
pub(super) fn rate(state: &State, zone: ZoneState, size: usize) -> f64 {
    match zone {
        ZoneState::Normal | ZoneState::Full => state.settings.timings.node_eviction_rate,
        ZoneState::Partial if size > LARGE_ZONE => state.settings.timings.secondary_node_eviction_rate,
        ZoneState::Partial => 0.0,
    }
}

/// Sets every zone's state and rate from how many of its nodes are ready. True when the whole cluster fell or rose.
pub(super) fn handle_disruption(state: &mut State, counts: &BTreeMap<String, (usize, usize)>) -> Option<Turn> {
    let now = state.now;
    let states: BTreeMap<_, _> =
        counts.iter().map(|(zone, (ready, unready))| (zone.clone(), zone_state(*ready, *unready))).collect();
    let all = !states.is_empty() && states.values().all(|each| *each == ZoneState::Full);
    let was_all = std::mem::replace(&mut state.nodes.all_disrupted, all);
    for (name, zone_state) in states {
        let size = counts.get(&name).map_or(0, |(ready, unready)| ready + unready);
        let rate = if all { 0.0 } else { rate(state, zone_state, size) };
        if let Some(zone) = state.nodes.zones.get_mut(&name) {
            zone.state = zone_state;
            zone.set_rate(now, rate);
        }
    }
    match (was_all, all) {
        (false, true) => Some(Turn::AllLost),
        (true, false) => Some(Turn::SomeBack),
        (false, false) | (true, true) => None,
    }
}

/// The whole cluster fell or rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// No node is ready any more.
    AllLost,
    /// Some node is ready again.
    SomeBack,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_judged_by_their_unready_nodes() {
        for (ready, unready, expected) in [
            (3, 0, ZoneState::Normal),
            (2, 1, ZoneState::Normal),
            (1, 2, ZoneState::Normal),
            (0, 1, ZoneState::Full),
            (0, 3, ZoneState::Full),
            (3, 3, ZoneState::Normal),
            (2, 3, ZoneState::Partial),
            (45, 55, ZoneState::Partial),
            (46, 54, ZoneState::Normal),
        ] {
            assert_eq!(zone_state(ready, unready), expected, "{ready} ready, {unready} not");
        }
    }

    #[test]
    fn a_small_zone_that_is_partly_lost_is_left_alone() {
        let state = State::new(crate::sim::Settings::default(), 1);
        for (zone_state, size, expected) in [
            (ZoneState::Normal, 3, 0.1),
            (ZoneState::Full, 3, 0.1),
            (ZoneState::Partial, 50, 0.0),
            (ZoneState::Partial, 51, 0.01),
        ] {
            assert!((rate(&state, zone_state, size) - expected).abs() < f64::EPSILON, "{zone_state:?} {size}");
        }
    }
}
