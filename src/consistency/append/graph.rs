//! The edges between transactions. Finds no cycle.

use super::components::Graph;
use super::versions::{NOBODY, Versions};
use super::{Completion, Transactions, What};
use crate::allowance::{Allowance, Meter};

/// Why one transaction comes before another. Labels of edges.
pub(super) const WW: u32 = 0;
pub(super) const WR: u32 = 1;
pub(super) const RW: u32 = 2;
pub(super) const PROCESS: u32 = 3;
pub(super) const REALTIME: u32 = 4;
/// Inside a group of nodes that stands for many edges: it continues the edge that led into the group.
pub(super) const LINK: u32 = 5;
/// As `WW`, where one of the two transactions is indeterminate: it committed if reads of it are no aborted reads, so that this
/// edge counts from read-committed up.
pub(super) const MAYBE: u32 = 6;

/// All edges of values.
pub(super) const VALUES: u32 = 1 << WW | 1 << MAYBE | 1 << WR | 1 << RW;

/// A key's appends that no read shows, with those that they follow: whoever read or wrote the last version.
struct Tail {
    unread: Vec<u32>,
    /// Transactions that come before all of `unread` but themselves, and why.
    sources: Vec<(u32, u32)>,
    /// First of the nodes that stand for prefixes and suffixes of `unread`; `NOBODY` if one append needs none.
    nodes: u32,
}

/// All edges, ready to be put into a graph.
pub(super) struct Edges<'a> {
    all: &'a Transactions,
    versions: &'a Versions,
    tails: Vec<Tail>,
    /// First node of the chain of real time, and how many there are.
    pub(super) chain: u32,
    pub(super) nodes: usize,
    meter: Meter<'a>,
}

impl<'a> Edges<'a> {
    /// Once the time is over, edges are missing.
    pub(super) fn of(all: &'a Transactions, versions: &'a Versions, allowance: Allowance<'a>) -> Self {
        let mut nodes = u32::try_from(all.len()).unwrap_or(NOBODY);
        let mut tails = tails(all, versions);
        for tail in &mut tails {
            if tail.unread.len() > 1 {
                tail.nodes = nodes;
                nodes += 2 * u32::try_from(tail.unread.len()).unwrap_or(0);
            }
        }
        let chain = nodes;
        let nodes = nodes as usize + all.len();
        Self { all, versions, tails, chain, nodes, meter: allowance.meter() }
    }

    /// Bytes that a graph of all edges and the search for its components hold at most, with those that are there already.
    pub(super) fn bytes(&self) -> u64 {
        let sources: usize = self.tails.iter().map(|tail| tail.sources.len() * 2 + tail.unread.len() * 5).sum();
        let versions: usize = self.all.longest.iter().map(Vec::len).sum();
        let edges = self.all.micros.len() * 2 + versions + sources + self.all.len() * 4;
        // Two arrays of a graph's nodes, the numbers of components, and a path through all nodes.
        let search = self.nodes * (4 + 4 + 4 + 12);
        (edges * 4 + search) as u64 + self.all.bytes() + self.versions.bytes()
    }

    /// A graph of the edges whose labels are in `mask`; links always.
    pub(super) fn graph(&self, mask: u32) -> Graph {
        let nodes = if mask & 1 << REALTIME == 0 { self.chain as usize } else { self.nodes };
        Graph::build(nodes, |add| {
            let mut add = |from: u32, to: u32, label: u32| {
                if from != to && (label == LINK || mask & 1 << label != 0) {
                    add(from, to, label);
                }
            };
            self.values(&mut add);
            self.tails.iter().for_each(|tail| tail.edges(&mut add));
            if mask & 1 << PROCESS != 0 {
                self.processes(&mut add);
            }
            if mask & 1 << REALTIME != 0 {
                self.realtime(&mut add);
            }
        })
    }

    fn happened(&self, transaction: u32) -> bool {
        transaction != NOBODY && self.versions.happened[transaction as usize]
    }

    /// Between writers of versions, and between writers and readers.
    fn values(&self, add: &mut impl FnMut(u32, u32, u32)) {
        for key in 0..u32::try_from(self.all.keys.len()).unwrap_or(NOBODY) {
            let (mut before, mut sure) = (NOBODY, NOBODY);
            for writer in self.versions.writers(key).iter().filter(|writer| self.happened(**writer)) {
                if self.meter.spent(1) {
                    return;
                }
                if before != NOBODY {
                    add(before, *writer, overwrites(self.all, before, *writer));
                }
                if self.all.completions[*writer as usize] == Completion::Ok {
                    if sure != NOBODY && sure != before {
                        add(sure, *writer, WW);
                    }
                    sure = *writer;
                }
                before = *writer;
            }
        }
        for reader in 0..u32::try_from(self.all.len()).unwrap_or(NOBODY) {
            for micro in self.all.micros(reader).iter().filter(|micro| micro.what == What::Read) {
                if self.meter.spent(1) {
                    return;
                }
                let version = usize::try_from(micro.value).unwrap_or(0);
                let writers = self.versions.writers(micro.key);
                if let Some(writer) = writers[..version].last().filter(|writer| self.happened(**writer)) {
                    add(*writer, reader, WR);
                }
                let mut later = writers[version..].iter();
                if let Some(next) = later.find(|writer| self.meter.spent(1) || self.happened(**writer)) {
                    add(reader, *next, RW);
                }
            }
        }
    }

    /// From each transaction to the next of its process. What an indeterminate one did may come at any time.
    fn processes(&self, add: &mut impl FnMut(u32, u32, u32)) {
        let count = self.all.processes.iter().max().map_or(0, |last| *last as usize + 1);
        let mut last = vec![NOBODY; count];
        for transaction in 0..u32::try_from(self.all.len()).unwrap_or(NOBODY) {
            if self.meter.spent(1) {
                return;
            }
            if self.happened(transaction) {
                let before = &mut last[self.all.processes[transaction as usize] as usize];
                if *before != NOBODY {
                    add(*before, transaction, PROCESS);
                }
                if self.all.completions[transaction as usize] == Completion::Ok {
                    *before = transaction;
                }
            }
        }
    }

    /// One chain node for each completion: a transaction leads to the node of its end, each node to the next, and the
    /// last node before a call to the transaction called.
    fn realtime(&self, add: &mut impl FnMut(u32, u32, u32)) {
        let mut passed = 0;
        for (node, transaction) in (self.chain..).zip(&self.all.ended) {
            add(*transaction, node, REALTIME);
            if node > self.chain {
                add(node - 1, node, REALTIME);
            }
        }
        for transaction in (0..u32::try_from(self.all.len()).unwrap_or(NOBODY)).filter(|one| self.happened(*one)) {
            if self.meter.spent(1) {
                return;
            }
            let call = self.all.calls[transaction as usize];
            while self.all.ended.get(passed).is_some_and(|other| self.all.ends[*other as usize] < call) {
                passed += 1;
            }
            if passed > 0 {
                add(self.chain + u32::try_from(passed - 1).unwrap_or(0), transaction, REALTIME);
            }
        }
    }
}

/// The label of an edge between writers of two versions.
fn overwrites(all: &Transactions, one: u32, other: u32) -> u32 {
    let sure = |transaction: u32| all.completions[transaction as usize] == Completion::Ok;
    if sure(one) && sure(other) { WW } else { MAYBE }
}

/// Keys that were read, with appends that happened and that no read shows; those of indeterminate transactions apart, since
/// the edges that lead to them have other labels.
fn tails(all: &Transactions, versions: &Versions) -> Vec<Tail> {
    let mut tails: Vec<Tail> = Vec::new();
    let mut of_key = vec![(0, 0); all.keys.len()];
    for key in 0..u32::try_from(all.keys.len()).unwrap_or(NOBODY) {
        // Without any read nothing is known of the order of a key's versions.
        if all.longest_reader[key as usize] == NOBODY {
            continue;
        }
        let sure = |one: &u32| all.completions[*one as usize] == Completion::Ok;
        let (ended, open): (Vec<u32>, Vec<u32>) = versions.unread(key).into_iter().partition(sure);
        let first = tails.len();
        let shown = || versions.writers(key).iter().rev().filter(|one| **one != NOBODY);
        let last = shown().find(|one| versions.happened[**one as usize]);
        let last_sure = shown().find(|one| sure(one)).filter(|one| Some(*one) != last);
        for unread in [ended, open].into_iter().filter(|unread| !unread.is_empty()) {
            let label = |source: &u32| (*source, overwrites(all, *source, unread[0]));
            let sources = last.into_iter().chain(last_sure).map(label).collect();
            tails.push(Tail { unread, sources, nodes: NOBODY });
        }
        of_key[key as usize] = (first, tails.len());
    }
    for reader in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
        for micro in all.micros(reader).iter().filter(|micro| micro.what == What::Read) {
            let whole = usize::try_from(micro.value) == Ok(all.longest[micro.key as usize].len());
            let (first, end) = of_key[micro.key as usize];
            for tail in tails[first..end].iter_mut().filter(|_| whole) {
                tail.sources.push((reader, RW));
            }
        }
    }
    tails
}

impl Tail {
    /// Edges from each source to each unread append but its own, with a node for each prefix and suffix of those.
    fn edges(&self, add: &mut impl FnMut(u32, u32, u32)) {
        let count = u32::try_from(self.unread.len()).unwrap_or(0);
        if count == 1 {
            self.sources.iter().for_each(|(source, label)| add(*source, self.unread[0], *label));
            return;
        }
        let (prefix, suffix) = (self.nodes, self.nodes + count);
        for (at, unread) in (0_u32..).zip(&self.unread) {
            add(prefix + at, *unread, LINK);
            add(suffix + at, *unread, LINK);
            if at > 0 {
                add(prefix + at, prefix + at - 1, LINK);
                add(suffix + at - 1, suffix + at, LINK);
            }
        }
        for (source, label) in &self.sources {
            match self.unread.binary_search(source) {
                Err(_) => add(*source, suffix, *label),
                Ok(own) => {
                    let own = u32::try_from(own).unwrap_or(0);
                    if own > 0 {
                        add(*source, prefix + own - 1, *label);
                    }
                    if own + 1 < count {
                        add(*source, suffix + own + 1, *label);
                    }
                }
            }
        }
    }
}
