//! The graph of values together with real time, whose edges are computed and never stored. Finds no cycle itself.

use super::Transactions;
use super::components::{Graph, Successors};
use super::versions::NOBODY;

/// Edges of a graph of values, and beside them: each transaction leads to the node of its end, each such node to those
/// transactions that were called after it and before the next end, and to the node of the next end.
pub(super) struct Timed<'a> {
    values: &'a Graph,
    /// First node of the chain.
    chain: u32,
    /// Place of each transaction in the chain.
    places: Vec<u32>,
    /// The first transaction that was called after each end; one more at the end.
    firsts: Vec<u32>,
}

impl<'a> Timed<'a> {
    /// `chain` is the number of nodes of the graph of values that are used.
    pub(super) fn of(all: &Transactions, values: &'a Graph, chain: u32) -> Self {
        let count = u32::try_from(all.len()).unwrap_or(NOBODY);
        let mut places = vec![NOBODY; all.len()];
        let mut firsts = Vec::with_capacity(all.ended.len() + 1);
        let mut next = 0;
        for (place, transaction) in (0_u32..).zip(&all.ended) {
            places[*transaction as usize] = place;
            // Transactions are numbered in the order of their calls.
            while next < count && all.calls[next as usize] < all.ends[*transaction as usize] {
                next += 1;
            }
            firsts.push(next);
        }
        firsts.push(count);
        Self { values, chain, places, firsts }
    }
}

impl Successors for Timed<'_> {
    fn nodes(&self) -> usize {
        self.chain as usize + self.firsts.len() - 1
    }

    #[inline]
    fn edge(&self, node: u32, at: u32) -> Option<u32> {
        if node < self.chain {
            return self.values.edge(node, at).or_else(|| {
                let degree = self.values.starts[node as usize + 1] - self.values.starts[node as usize];
                let place = self.places.get(node as usize).filter(|place| **place != NOBODY && at == degree)?;
                Some(self.chain + place)
            });
        }
        let place = (node - self.chain) as usize;
        let called = self.firsts[place + 1] - self.firsts[place];
        if at < called {
            return Some(self.firsts[place] + at);
        }
        (at == called && place + 2 < self.firsts.len()).then_some(node + 1)
    }
}
