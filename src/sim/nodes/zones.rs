//! The pace at which lost nodes get their `NoExecute` taint: for each zone a queue and a rate, which falls when so many
//! nodes are lost that the network, not the nodes, may be the cause.
//! Source: `node_lifecycle_controller.go` (`ComputeZoneState`, `handleDisruption`, `setLimiterInZone`); a token bucket
//! with a burst of one, looked at every 100 ms (`nodeEvictionPeriod`).

use std::collections::VecDeque;
use std::time::Duration;

use super::{Work, taints};
use crate::{Event, State};

/// `nodeEvictionPeriod`
const PERIOD: Duration = Duration::from_millis(100);
/// `--unhealthy-zone-threshold`
const UNHEALTHY_SHARE: f64 = 0.55;
/// `--large-cluster-size-threshold`
const LARGE_CLUSTER: usize = 50;

/// One zone.
#[derive(Clone, Debug, Default)]
pub(super) struct Zone {
    waiting: VecDeque<String>,
    /// The bucket has a token again at this time.
    next: Duration,
    state: Disruption,
}

/// How much of a zone is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Disruption {
    #[default]
    Normal,
    /// More than 55 % and more than two nodes.
    Partial,
    /// Every node.
    Full,
}

fn disruption(ready: usize, lost: usize) -> Disruption {
    if ready == 0 && lost > 0 {
        Disruption::Full
    } else if lost > 2 && lost as f64 / (lost + ready) as f64 >= UNHEALTHY_SHARE {
        Disruption::Partial
    } else {
        Disruption::Normal
    }
}

/// A node waits for its taint.
pub(super) fn enqueue(state: &mut State, name: &str) {
    let Some(zone_name) = state.nodes.health.get(name).map(|health| health.zone.clone()) else { return };
    let zone = state.nodes.zones.entry(zone_name.clone()).or_default();
    if !zone.waiting.iter().any(|waiting| waiting == name) {
        zone.waiting.push_back(name.to_owned());
    }
    schedule(state, &zone_name);
}

/// A node does not wait any more: it carries its taint, or (`well`) it is Ready again.
pub(super) fn forget_node(state: &mut State, name: &str, well: bool) {
    if let Some(zone) = state.nodes.health.get(name).map(|health| health.zone.clone())
        && well
    {
        forget(state, &zone, name);
    }
}

/// A node is not in a zone any more.
pub(super) fn forget(state: &mut State, zone: &str, name: &str) {
    if let Some(zone) = state.nodes.zones.get_mut(zone) {
        zone.waiting.retain(|waiting| waiting != name);
    }
}

/// Nodes for each second; `None` when there are to be none.
fn rate(state: &State, zone: &str) -> Option<f64> {
    let members = state.nodes.health.values().filter(|health| health.zone == zone).count();
    let timings = &state.settings.timings;
    let rate = match state.nodes.zones.get(zone).map(|zone| zone.state).unwrap_or_default() {
        Disruption::Normal | Disruption::Full => timings.node_eviction_rate,
        Disruption::Partial if members > LARGE_CLUSTER => timings.secondary_node_eviction_rate,
        Disruption::Partial => 0.0,
    };
    (rate > 0.0 && !all_lost(state)).then_some(rate)
}

/// Every zone is lost: the control plane itself is probably cut off, so nothing is evicted.
fn all_lost(state: &State) -> bool {
    let mut zones = state.nodes.zones.values().filter(|zone| zone.state == Disruption::Full).count();
    let mut names: Vec<&str> = state.nodes.health.values().map(|health| health.zone.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    zones = zones.min(names.len());
    !names.is_empty() && zones == names.len()
}

fn schedule(state: &mut State, name: &str) {
    let now = state.now;
    let Some(zone) = state.nodes.zones.get(name) else { return };
    if zone.waiting.is_empty() {
        return;
    }
    let at = (now + PERIOD).max(zone.next);
    state.after_once(at.checked_sub(now).unwrap(), Event::Nodes(Work::Pace(name.to_owned())));
}

/// Taints the next waiting node of a zone, if the zone has a token.
pub(super) fn pace(state: &mut State, name: &str) {
    let Some(rate) = rate(state, name) else { return };
    let now = state.now;
    let Some(zone) = state.nodes.zones.get_mut(name) else { return };
    if now >= zone.next
        && let Some(node) = zone.waiting.pop_front()
    {
        zone.next = now + Duration::from_secs_f64(1.0 / rate);
        let ready = state.nodes.health.get(&node).map(|health| health.ready.clone()).unwrap_or_default();
        let key = match ready.as_str() {
            "False" => Some(taints::NOT_READY),
            "Unknown" => Some(taints::UNREACHABLE),
            _ => None,
        };
        if key.is_some() {
            taints::set_no_execute(state, &node, key);
        }
    }
    schedule(state, name);
}

/// Finds out how much of each zone is lost, and changes the pace.
pub(super) fn assess(state: &mut State) {
    let mut counts = std::collections::BTreeMap::<String, (usize, usize)>::new();
    for health in state.nodes.health.values() {
        let count = counts.entry(health.zone.clone()).or_default();
        if health.ready == "True" {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
    }
    let before = all_lost(state);
    for (name, (ready, lost)) in &counts {
        state.nodes.zones.entry(name.clone()).or_default().state = disruption(*ready, *lost);
    }
    if all_lost(state) && !before {
        // Entering full disruption takes the taints back: nothing is to be evicted while nothing can be known.
        let nodes: Vec<String> = state.nodes.health.keys().cloned().collect();
        for node in nodes {
            taints::set_no_execute(state, &node, None);
        }
    }
    if before && !all_lost(state) {
        // What was silent meanwhile is judged anew: the control plane itself may have been cut off.
        let now = state.now;
        for health in state.nodes.health.values_mut() {
            health.probed = now;
        }
    }
    for name in counts.keys() {
        if rate(state, name).is_some() {
            schedule(state, name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_judged_by_how_much_of_it_is_lost() {
        for (ready, lost, expected) in [
            (3, 0, Disruption::Normal),
            (2, 1, Disruption::Normal),
            (1, 2, Disruption::Normal),
            (2, 3, Disruption::Partial),
            (3, 3, Disruption::Normal),
            (0, 1, Disruption::Full),
            (0, 0, Disruption::Normal),
        ] {
            assert_eq!(disruption(ready, lost), expected, "{ready} ready, {lost} lost");
        }
    }
}
