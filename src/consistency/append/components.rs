//! Strongly connected components of a graph in two flat arrays. Knows nothing of transactions.

use crate::allowance::Meter;

/// A graph: the edges of node `n` are `edges[starts[n]..starts[n + 1]]`, each a target and a label of three bits.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub(super) starts: Vec<u32>,
    pub(super) edges: Vec<u32>,
}

pub(super) const LABEL_BITS: u32 = 3;

impl Graph {
    /// From edges `(from, to, label)` that are produced twice, in the same order.
    pub(super) fn build(nodes: usize, produce: impl Fn(&mut dyn FnMut(u32, u32, u32))) -> Self {
        let mut starts = vec![0_u32; nodes + 1];
        produce(&mut |from, _, _| starts[from as usize + 1] += 1);
        for node in 1..starts.len() {
            starts[node] += starts[node - 1];
        }
        let mut next = starts.clone();
        let mut edges = vec![0_u32; starts[nodes] as usize];
        produce(&mut |from, to, label| {
            let place = &mut next[from as usize];
            edges[*place as usize] = to << LABEL_BITS | label;
            *place += 1;
        });
        Self { starts, edges }
    }

    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Targets and labels.
    pub(super) fn of(&self, node: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let edges = &self.edges[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize];
        edges.iter().map(|edge| (edge >> LABEL_BITS, edge & ((1 << LABEL_BITS) - 1)))
    }
}

/// Anything whose edges can be counted off.
pub(super) trait Successors {
    /// How many nodes there are.
    fn nodes(&self) -> usize;

    /// Where edge number `at` of a node leads; none after the last.
    fn edge(&self, node: u32, at: u32) -> Option<u32>;

    /// For each node the number of its component. Numbers ascend along the edges; without cycles they are an order.
    /// (Pearce 2016, iteratively: one number for each node.)
    /// None if the time was over before.
    fn components(&self, meter: &Meter<'_>) -> Option<Components> {
        let nodes = self.nodes();
        let mut state = Search {
            number: vec![0; nodes],
            index: 1,
            component: u32::try_from(nodes).unwrap_or(u32::MAX),
            waiting: Vec::new(),
            path: Vec::new(),
            meter,
        };
        for node in 0..u32::try_from(nodes).unwrap_or(u32::MAX) {
            if state.number[node as usize] == 0 {
                state.visit(self, node)?;
            }
        }
        let first = state.component + 1;
        Some(Components { of: state.number, first, nodes })
    }
}

impl Successors for Graph {
    fn nodes(&self) -> usize {
        self.len()
    }

    #[inline]
    fn edge(&self, node: u32, at: u32) -> Option<u32> {
        let place = self.starts[node as usize] + at;
        (place < self.starts[node as usize + 1]).then(|| self.edges[place as usize] >> LABEL_BITS)
    }
}

/// The outcome of the search: component numbers from `first` to the number of nodes.
pub(super) struct Components {
    pub(super) of: Vec<u32>,
    first: u32,
    nodes: usize,
}

impl Components {
    /// Whether each node is alone in its component.
    pub(super) fn acyclic(&self) -> bool {
        (self.nodes + 1).saturating_sub(self.first as usize) == self.nodes
    }

    /// The components of more than one node, each in ascending order of its nodes.
    pub(super) fn cyclic(&self) -> Vec<Vec<u32>> {
        let mut sizes = vec![0_u32; self.nodes + 2 - self.first as usize];
        for number in &self.of {
            sizes[(number - self.first) as usize] += 1;
        }
        let mut places = vec![u32::MAX; sizes.len()];
        let mut found: Vec<Vec<u32>> = Vec::new();
        for (node, number) in (0_u32..).zip(&self.of) {
            let at = (number - self.first) as usize;
            if sizes[at] > 1 {
                if places[at] == u32::MAX {
                    places[at] = u32::try_from(found.len()).unwrap_or(u32::MAX);
                    found.push(Vec::with_capacity(sizes[at] as usize));
                }
                found[places[at] as usize].push(node);
            }
        }
        found
    }
}

struct Search<'a> {
    number: Vec<u32>,
    index: u32,
    component: u32,
    /// Nodes whose component is not complete.
    waiting: Vec<u32>,
    /// The path of the search: node, number of its next edge, and whether it is the first of its component so far.
    path: Vec<(u32, u32, bool)>,
    meter: &'a Meter<'a>,
}

impl Search<'_> {
    /// None if the time is over.
    fn visit(&mut self, graph: &(impl Successors + ?Sized), start: u32) -> Option<()> {
        self.enter(start);
        while let Some((node, at, root)) = self.path.last_mut() {
            let node = *node;
            if let Some(target) = graph.edge(node, *at) {
                *at += 1;
                let reached = self.number[target as usize];
                if reached == 0 {
                    self.enter(target);
                } else if reached < self.number[node as usize] {
                    self.number[node as usize] = reached;
                    *root = false;
                }
                continue;
            }
            let root = *root;
            if self.meter.spent(1) {
                return None;
            }
            self.path.pop();
            self.leave(node, root);
            if let Some((parent, _, root)) = self.path.last_mut()
                && self.number[node as usize] < self.number[*parent as usize]
            {
                self.number[*parent as usize] = self.number[node as usize];
                *root = false;
            }
        }
        Some(())
    }

    fn enter(&mut self, node: u32) {
        self.number[node as usize] = self.index;
        self.index += 1;
        self.path.push((node, 0, true));
    }

    fn leave(&mut self, node: u32, root: bool) {
        if !root {
            self.waiting.push(node);
            return;
        }
        self.index -= 1;
        let own = self.number[node as usize];
        while let Some(other) = self.waiting.pop_if(|other| own <= self.number[*other as usize]) {
            self.number[other as usize] = self.component;
            self.index -= 1;
        }
        self.number[node as usize] = self.component;
        self.component -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Allowance;

    fn graph(nodes: usize, edges: &[(u32, u32)]) -> Graph {
        Graph::build(nodes, |add| edges.iter().for_each(|(from, to)| add(*from, *to, 0)))
    }

    fn components(graph: &Graph) -> Components {
        graph.components(&Allowance::unlimited().meter()).expect("time enough")
    }

    #[test]
    fn components_are_found_and_numbered_along_the_edges() {
        let cyclic = components(&graph(7, &[(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3), (6, 0)]));
        assert!(!cyclic.acyclic());
        assert_eq!(cyclic.cyclic(), [vec![0, 1, 2], vec![3, 4, 5]]);
        assert!(cyclic.of[6] < cyclic.of[0] && cyclic.of[0] < cyclic.of[3]);
        let edges = [(0, 2), (2, 1), (3, 1), (1, 4)];
        let straight = components(&graph(5, &edges));
        assert!(straight.acyclic() && straight.cyclic().is_empty());
        assert!(edges.iter().all(|(from, to)| straight.of[*from as usize] < straight.of[*to as usize]));
    }
}
