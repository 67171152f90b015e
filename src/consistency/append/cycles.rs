//! Cycles inside one component: the shortest of each class, by the rules of Adya. Knows no transaction's contents.

use super::components::{Components, Graph, LABEL_BITS};
use super::graph::{LINK, MAYBE, PROCESS, REALTIME, RW, WR, WW};
use crate::allowance::Meter;
use crate::outcome::AnomalyKind;

/// Steps of breadth-first searches for shortest cycles in one history; beyond it the shortest so far is told.
pub(super) const STEPS_MAX: usize = 20_000_000;
/// Of one class in one component.
const STEPS_OF_ONE: usize = 2_000_000;
const NONE: u32 = u32::MAX;

/// A cycle: nodes of the component, each with the label of the edge that leaves it. Group nodes included.
pub(super) type Cycle = Vec<(u32, u32)>;

/// A class of cycles.
#[derive(Clone, Copy, Debug)]
pub(super) struct Class {
    /// Labels that may occur.
    pub(super) mask: u32,
    /// Whether two `rw` edges may be neighbours.
    pub(super) adjacent: bool,
}

/// The classes that decide about some claim, from the gravest.
pub(super) const CLASSES: [Class; 4] = [
    Class { mask: 1 << WW, adjacent: true },
    Class { mask: 1 << WW | 1 << MAYBE | 1 << WR, adjacent: true },
    Class { mask: 1 << WW | 1 << MAYBE | 1 << WR | 1 << RW, adjacent: false },
    Class { mask: 1 << WW | 1 << MAYBE | 1 << WR | 1 << RW, adjacent: true },
];

impl Class {
    /// The same with edges of the order of a process.
    pub(super) fn with_processes(self) -> Self {
        Self { mask: self.mask | 1 << PROCESS, ..self }
    }

    /// States for each node: where `rw` edges must not be neighbours, it is there twice.
    pub(super) fn copies(self) -> u32 {
        if self.adjacent { 1 } else { 2 }
    }
}

/// The name of a cycle, from the edges that it has.
pub(super) fn kind(cycle: &[(u32, u32)]) -> AnomalyKind {
    use AnomalyKind as Kind;
    let has = |label: u32| cycle.iter().any(|(_, other)| *other == label);
    let labels: Vec<u32> = cycle.iter().map(|(_, label)| *label).filter(|label| *label != LINK).collect();
    let anti = labels.iter().filter(|label| **label == RW).count();
    let before = labels.iter().cycle().skip(labels.len().saturating_sub(1));
    let adjacent = anti > 1 && labels.iter().zip(before).any(|(one, before)| *one == RW && *before == RW);
    let [plain, process, realtime] = match (anti, adjacent, has(WR) || has(MAYBE)) {
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

/// The graph in which every cycle is one of the class. Where `rw` edges must not be neighbours, each node is there twice:
/// entered by another edge (even), or by an `rw` edge (odd), which no `rw` edge then leaves.
pub(super) fn states(component: &Graph, class: Class) -> Graph {
    Graph::build(component.len() * class.copies() as usize, |add| {
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

/// A short cycle of states, the shortest if there are not too many of them to tell; none if none was found in time. Nodes are
/// those of the component.
pub(super) fn shortest(
    states: &Graph,
    components: &Components,
    class: Class,
    budget: &mut usize,
    meter: &Meter<'_>,
) -> Option<Cycle> {
    let mut best: Option<Cycle> = None;
    let allowed = STEPS_OF_ONE.min(*budget);
    let mut steps = 0;
    for nodes in components.cyclic() {
        let inner = inside(states, &nodes);
        let mut search = Search { reached: vec![(NONE, NONE, 0); inner.len()], round: 0 };
        for start in 0..u32::try_from(inner.len()).unwrap_or(NONE) {
            let enough = best.as_ref().is_some_and(|best| length(best) <= 2 || steps > allowed);
            if meter.spent(1) || enough {
                break;
            }
            let limit = best.as_ref().map_or(usize::MAX, |best| length(best));
            let to = |target: u32| target == start;
            if let Some((path, label)) = search.path(&inner, start, to, limit, &mut steps, meter) {
                let mut cycle = path;
                if let Some(last) = cycle.last_mut() {
                    last.1 = label;
                }
                best = Some(cycle.into_iter().map(|(at, label)| (nodes[at as usize], label)).collect());
            }
        }
    }
    *budget = budget.saturating_sub(steps);
    best.map(|best| real(best, class))
}

/// Steps between transactions: what is inside a group costs nothing.
pub(super) fn length(cycle: &[(u32, u32)]) -> usize {
    cycle.iter().filter(|(_, label)| *label != LINK).count()
}

/// Nodes of the component instead of states.
pub(super) fn real(states: Cycle, class: Class) -> Cycle {
    states.into_iter().map(|(state, label)| (state / class.copies(), label)).collect()
}

/// Breadth-first searches in one graph, one after the other.
pub(super) struct Search {
    /// Whence each node was reached, by which label, and in which round.
    reached: Vec<(u32, u32, u32)>,
    round: u32,
}

impl Search {
    pub(super) fn of(graph: &Graph) -> Self {
        Self { reached: vec![(NONE, NONE, 0); graph.len()], round: 0 }
    }

    /// The shortest path from `start` over fewer than `limit` edges to where `to` says, with the labels of its edges; the last
    /// node of the path is the one before the end, and its label is given beside.
    pub(super) fn path(
        &mut self,
        graph: &Graph,
        start: u32,
        to: impl Fn(u32) -> bool,
        limit: usize,
        steps: &mut usize,
        meter: &Meter<'_>,
    ) -> Option<(Cycle, u32)> {
        self.round += 1;
        let mut wave = vec![start];
        let mut length = 1;
        while !wave.is_empty() && length < limit {
            let mut next = Vec::new();
            let mut at = 0;
            while let Some(node) = wave.get(at).copied() {
                at += 1;
                if meter.spent(4) {
                    return None;
                }
                for (target, label) in graph.of(node) {
                    *steps += 1;
                    if to(target) {
                        return Some((self.back(start, node), label));
                    }
                    let place = &mut self.reached[target as usize];
                    if place.2 != self.round && target != start {
                        *place = (node, label, self.round);
                        // What is inside a group costs nothing.
                        if label == LINK { wave.push(target) } else { next.push(target) }
                    }
                }
            }
            wave = next;
            length += 1;
        }
        None
    }

    /// The path to a node that was reached; its own label is not known.
    fn back(&self, start: u32, last: u32) -> Cycle {
        let mut path = vec![(last, NONE)];
        let mut node = last;
        while node != start {
            let (before, label, round) = self.reached[node as usize];
            if round != self.round {
                break;
            }
            path.push((before, label));
            node = before;
        }
        path.reverse();
        path
    }
}

const _: () = assert!(LINK < 1 << LABEL_BITS && MAYBE < 1 << LABEL_BITS);
