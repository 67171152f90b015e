//! Cycles inside one component: the shortest of each class, by the rules of Adya. Knows no transaction's contents.

use std::collections::BTreeMap;

use super::components::{Graph, LABEL_BITS, Successors};
use super::graph::{LINK, PROCESS, REALTIME, RW, WR, WW};
use crate::allowance::Meter;
use crate::outcome::AnomalyKind;

/// Steps of breadth-first searches for shortest cycles in one history; beyond it the shortest so far is told.
pub(super) const STEPS_MAX: usize = 20_000_000;
/// Of one class in one component.
const STEPS_OF_ONE: usize = 2_000_000;

/// A cycle: nodes of the component, each with the label of the edge that leaves it. Chain and group nodes included.
pub(super) type Cycle = Vec<(u32, u32)>;

/// A class of cycles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// Labels that may occur.
    pub(super) mask: u32,
    /// Whether two `rw` edges may be neighbours.
    pub(super) adjacent: bool,
}

const BASES: [Class; 4] = [
    Class { mask: 1 << WW, adjacent: true },
    Class { mask: 1 << WW | 1 << WR, adjacent: true },
    Class { mask: 1 << WW | 1 << WR | 1 << RW, adjacent: false },
    Class { mask: 1 << WW | 1 << WR | 1 << RW, adjacent: true },
];

/// Each class that decides about some claim, from the gravest: alone, with the order of processes, with real time.
pub(super) fn classes() -> impl Iterator<Item = Class> {
    [0, 1 << PROCESS, 1 << REALTIME]
        .into_iter()
        .flat_map(|more| BASES.into_iter().map(move |class| Class { mask: class.mask | more, ..class }))
}

/// The name of a cycle, from the edges that it has.
pub(super) fn kind(cycle: &[(u32, u32)]) -> AnomalyKind {
    use AnomalyKind as Kind;
    let has = |label: u32| cycle.iter().any(|(_, other)| *other == label);
    let labels: Vec<u32> = cycle.iter().map(|(_, label)| *label).filter(|label| *label != LINK).collect();
    let anti = labels.iter().filter(|label| **label == RW).count();
    let before = labels.iter().cycle().skip(labels.len().saturating_sub(1));
    let adjacent = anti > 1 && labels.iter().zip(before).any(|(one, before)| *one == RW && *before == RW);
    let [plain, process, realtime] = match (anti, adjacent, has(WR)) {
        (0, _, false) => [Kind::G0, Kind::G0Process, Kind::G0Realtime],
        (0, _, true) => [Kind::G1c, Kind::G1cProcess, Kind::G1cRealtime],
        (1, _, _) => [Kind::GSingle, Kind::GSingleProcess, Kind::GSingleRealtime],
        (_, false, _) => [Kind::GNonadjacent, Kind::GNonadjacentProcess, Kind::GNonadjacentRealtime],
        (_, true, _) => [Kind::G2Item, Kind::G2ItemProcess, Kind::G2ItemRealtime],
    };
    if has(REALTIME) {
        realtime
    } else if has(PROCESS) {
        process
    } else {
        plain
    }
}

/// The part of the graph between the nodes of one component, which are numbered anew.
pub(super) fn inside(graph: &Graph, nodes: &[u32]) -> Graph {
    let near = |node: u32| nodes.binary_search(&node).ok().and_then(|at| u32::try_from(at).ok());
    Graph::build(nodes.len(), |add| {
        for (at, node) in (0_u32..).zip(nodes) {
            for (target, label) in graph.of(*node) {
                if let Some(target) = near(target) {
                    add(at, target, label);
                }
            }
        }
    })
}

/// A short cycle of the class, the shortest if the component is not too large to tell; none if there is none, or if none was
/// found in time.
pub(super) fn shortest(component: &Graph, class: Class, budget: &mut usize, meter: &Meter<'_>) -> Option<Cycle> {
    let states = states(component, class);
    let cyclic = states.components(meter)?.cyclic();
    let mut best: Option<Vec<(u32, u32)>> = None;
    let allowed = STEPS_OF_ONE.min(*budget);
    let mut steps = 0;
    for nodes in cyclic {
        let inner = inside(&states, &nodes);
        for start in 0..u32::try_from(inner.len()).unwrap_or(u32::MAX) {
            if meter.spent(1) || best.as_ref().is_some_and(|best| best.len() <= 2 || steps > allowed) {
                break;
            }
            let limit = best.as_ref().map_or(usize::MAX, Vec::len);
            if let Some(cycle) = from(&inner, start, limit, &mut steps, meter) {
                best = Some(cycle.into_iter().map(|(at, label)| (nodes[at as usize], label)).collect());
            }
        }
    }
    *budget = budget.saturating_sub(steps);
    best.map(|best| real(best, class))
}

fn real(states: Cycle, class: Class) -> Cycle {
    let divisor = if class.adjacent { 1 } else { 2 };
    states.into_iter().map(|(state, label)| (state / divisor, label)).collect()
}

/// The graph in which every cycle is one of the class. Where `rw` edges must not be neighbours, each node is there twice:
/// entered by another edge (even), or by an `rw` edge (odd), which no `rw` edge then leaves.
fn states(component: &Graph, class: Class) -> Graph {
    let copies = if class.adjacent { 1 } else { 2 };
    Graph::build(component.len() * copies, |add| {
        for node in 0..u32::try_from(component.len()).unwrap_or(u32::MAX) {
            for (target, label) in component.of(node) {
                if label != LINK && class.mask & 1 << label == 0 {
                    continue;
                }
                if class.adjacent {
                    add(node, target, label);
                    continue;
                }
                match label {
                    RW => add(node * 2, target * 2 + 1, label),
                    LINK => {
                        add(node * 2, target * 2, label);
                        add(node * 2 + 1, target * 2 + 1, label);
                    }
                    _ => {
                        add(node * 2, target * 2, label);
                        add(node * 2 + 1, target * 2, label);
                    }
                }
            }
        }
    })
}

/// The shortest cycle through `start` that is shorter than `limit`.
fn from(graph: &Graph, start: u32, limit: usize, steps: &mut usize, meter: &Meter<'_>) -> Option<Cycle> {
    let mut reached: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    let mut wave = vec![start];
    let mut length = 1;
    while !wave.is_empty() && length < limit {
        let mut next = Vec::new();
        for node in &wave {
            if meter.spent(4) {
                return None;
            }
            for (target, label) in graph.of(*node) {
                *steps += 1;
                if target == start {
                    return Some(back(&reached, start, *node, label));
                }
                reached.entry(target).or_insert_with(|| {
                    next.push(target);
                    (*node, label)
                });
            }
        }
        wave = next;
        length += 1;
    }
    None
}

fn back(reached: &BTreeMap<u32, (u32, u32)>, start: u32, last: u32, label: u32) -> Cycle {
    let mut cycle = vec![(last, label)];
    let mut node = last;
    while node != start {
        let Some((before, label)) = reached.get(&node) else { break };
        cycle.push((*before, *label));
        node = *before;
    }
    cycle.reverse();
    cycle
}

const _: () = assert!(LINK < 1 << LABEL_BITS);
