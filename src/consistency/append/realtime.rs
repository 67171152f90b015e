//! Cycles that real time closes: a path of values whose last transaction had ended before its first one began. Knows no keys.
//!
//! One edge of real time is enough. Take a cycle with two, `A < B … C < D … A`. If `A` ended before `D` began, the part from `D`
//! to `A` is a cycle by itself; else `C` ended before `D` began, which was before `A` ended, which was before `B` began, and
//! the part from `B` to `C` is one. Either has no edge that the whole has not, so it is of no graver class, and shorter.

use super::components::{Components, Graph};
use super::cycles::{Class, Cycle, Search, real};
use super::graph::{LINK, REALTIME};
use crate::allowance::Meter;

/// Paths up to this many edges are compared; among longer ones the first that is found is told.
const LENGTH_MAX: usize = 8;
/// Cycles of one class that are told.
const TOLD_MAX: usize = 3;
const NONE: u32 = u32::MAX;

/// When each node was called and when it ended, as places in the order of events; a node that is no transaction was called at
/// 0 and never ends.
pub(super) type Moments = [(u32, u32)];

/// Shortest cycles of a class with one edge of real time, in states without cycles of their own. Nodes are those of the
/// component. None if there are none, or if the time was over.
pub(super) fn cycles(
    states: &Graph,
    components: &Components,
    class: Class,
    moments: &Moments,
    meter: &Meter<'_>,
) -> Vec<Cycle> {
    let mut order: Vec<u32> = (0..u32::try_from(states.len()).unwrap_or(NONE)).collect();
    order.sort_unstable_by_key(|state| components.of[*state as usize]);
    let search = Overtaken { states, order, class, moments };
    let latest = search.begin();
    let Some(all) = search.further(&latest, usize::MAX, meter) else { return Vec::new() };
    let mut ends = search.broken(&all);
    if ends.is_empty() {
        return Vec::new();
    }
    let mut near = latest;
    for _ in 0..LENGTH_MAX {
        let Some(next) = search.further(&near, 1, meter) else { break };
        near = next;
        let found = search.broken(&near);
        if !found.is_empty() {
            ends = found;
            break;
        }
    }
    ends.truncate(TOLD_MAX);
    ends.into_iter().filter_map(|(from, to)| search.told(from, to, meter)).collect()
}

struct Overtaken<'a> {
    states: &'a Graph,
    /// All states, along the edges.
    order: Vec<u32>,
    class: Class,
    moments: &'a Moments,
}

impl Overtaken<'_> {
    fn moment(&self, state: u32) -> (u32, u32) {
        self.moments[(state / self.class.copies()) as usize]
    }

    /// Of two states that lead somewhere the one that was called later.
    fn later(&self, one: u32, other: u32) -> u32 {
        let call = |state: u32| if state == NONE { 0 } else { self.moment(state).0 };
        if call(other) > call(one) { other } else { one }
    }

    /// For each state itself. Real time leads into a transaction as edges do that are no `rw`.
    fn begin(&self) -> Vec<u32> {
        let states = 0..u32::try_from(self.states.len()).unwrap_or(NONE);
        let is_start = |state: &u32| state % self.class.copies() == 0 && self.moment(*state).0 > 0;
        states.map(|state| if is_start(&state) { state } else { NONE }).collect()
    }

    /// For each state the one that was called last of those that lead to it over one edge more, or over any number of them.
    fn further(&self, near: &[u32], edges: usize, meter: &Meter<'_>) -> Option<Vec<u32>> {
        let mut next = near.to_vec();
        for state in &self.order {
            if meter.spent(2) {
                return None;
            }
            for (target, label) in self.states.of(*state) {
                let known = if edges > 1 || label == LINK { next[*state as usize] } else { near[*state as usize] };
                next[target as usize] = self.later(next[target as usize], known);
            }
        }
        Some(next)
    }

    /// States that ended before another was called that leads to them.
    fn broken(&self, latest: &[u32]) -> Vec<(u32, u32)> {
        let states = (0_u32..).zip(latest).filter(|(_, from)| **from != NONE);
        let broken = states.filter(|(state, from)| self.moment(*state).1 < self.moment(**from).0);
        broken.map(|(state, from)| (*from, state)).take(TOLD_MAX).collect()
    }

    fn told(&self, from: u32, to: u32, meter: &Meter<'_>) -> Option<Cycle> {
        let mut steps = 0;
        let reached = |state: u32| state == to;
        let (mut path, label) =
            Search::of(self.states).path(self.states, from, reached, usize::MAX, &mut steps, meter)?;
        if let Some(last) = path.last_mut() {
            last.1 = label;
        }
        path.push((to, REALTIME));
        Some(real(path, self.class))
    }
}
