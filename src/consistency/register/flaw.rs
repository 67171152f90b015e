//! Which operations show that a register is broken. Looks at all operations once more: this is done once, at the end.
//!
//! Decides nothing: it is told where the contradiction is.

use std::collections::BTreeMap;

use super::blocks::{BEGINNING, Cluster};
use super::{Access, Before, Flaw, NONE};
use crate::intern::number_of;

/// The values of one block with their places in it.
struct Chain {
    values: Vec<u32>,
    places: BTreeMap<u32, usize>,
}

impl Chain {
    fn of(accesses: &[Access], clusters: &[Cluster], root: u32) -> Self {
        let mut values = vec![root];
        let mut next = clusters[root as usize].next;
        while next != NONE {
            let value = accesses[next as usize].writes;
            values.push(value);
            next = clusters[value as usize].next;
        }
        let places = values.iter().enumerate().map(|(place, &value)| (value, place)).collect();
        Self { values, places }
    }

    /// The stage of an operation: twice the place of its value, one more for a read. None in another block, or if it did
    /// not happen.
    fn stage(&self, clusters: &[Cluster], index: u32, access: &Access) -> Option<usize> {
        let value = value_of(access);
        let place = *self.places.get(&value)?;
        let exists = access.writes == NONE || access.reads == NONE || clusters[access.reads as usize].next == index;
        exists.then_some(2 * place + usize::from(access.writes == NONE))
    }

    fn writers(&self, clusters: &[Cluster], from: usize, to: usize) -> Vec<u32> {
        let (low, high) = (from.min(to), from.max(to));
        self.values[low..=high].iter().map(|&value| named(clusters[value as usize].writer)).collect()
    }
}

/// The value that stands after the operation.
fn value_of(access: &Access) -> u32 {
    if access.writes == NONE { access.reads } else { access.writes }
}

fn named(writer: u32) -> u32 {
    if writer == BEGINNING { NONE } else { writer }
}

fn root_of(accesses: &[Access], clusters: &[Cluster], mut value: u32) -> u32 {
    while let Some(writer) = accesses.get(clusters[value as usize].writer as usize)
        && writer.reads != NONE
    {
        value = writer.reads;
    }
    value
}

/// The contradiction inside a block that shows at `value`, or that nobody wrote the value.
pub(super) fn at_value(accesses: &[Access], clusters: &[Cluster], value: u32) -> Flaw {
    if clusters[value as usize].writer == NONE {
        let read = accesses.iter().position(|access| access.writes == NONE && access.reads == value);
        return Flaw::NobodyWrote { reader: read.map_or(clusters[value as usize].next, number_of) };
    }
    let chain = Chain::of(accesses, clusters, root_of(accesses, clusters, value));
    let last = 2 * chain.places[&value] + 1;
    let staged = || {
        (0_u32..)
            .zip(accesses)
            .filter_map(|(index, access)| Some((chain.stage(clusters, index, access)?, index, access)))
    };
    // The writer of the value may itself have been over too early; otherwise it is the read that was over first.
    let writer = staged().find(|(stage, ..)| stage + 1 == last);
    let read = staged().filter(|(stage, ..)| *stage == last).min_by_key(|(.., access)| access.finish);
    let nearest = |later: (usize, u32, &Access)| {
        staged()
            .filter(|(stage, _, access)| *stage < later.0 && access.start > later.2.finish)
            .max_by_key(|found| found.0)
    };
    let (earlier, later) = [writer, read]
        .into_iter()
        .flatten()
        .find_map(|later| Some((nearest(later)?, later)))
        .expect("the block contradicts itself at this value");
    let chain = chain.writers(clusters, earlier.0 / 2, later.0 / 2);
    Flaw::Inside { earlier: earlier.1, later: later.1, chain }
}

/// Two compare-and-sets from one value, of which one may be there only because its new value was read before it began: then
/// that read is the plainer contradiction, and nothing needs to be known of the other.
pub(super) fn plainer(accesses: &[Access], clusters: &[Cluster], found: Flaw) -> Flaw {
    let Flaw::TwoFrom { first, second } = found else { return found };
    let early = [first, second].into_iter().find_map(|cas| {
        let Access { start, writes, .. } = accesses[cas as usize];
        let finish = clusters[writes as usize].finish;
        let is_first = |access: &Access| access.writes == NONE && access.reads == writes && access.finish == finish;
        let read = accesses.iter().position(|access| finish < start && is_first(access))?;
        Some(Flaw::Inside { earlier: cas, later: number_of(read), chain: vec![cas] })
    });
    early.unwrap_or(found)
}

/// A ring of compare-and-sets: some value has a writer and no first value above it.
pub(super) fn ring(accesses: &[Access], clusters: &[Cluster]) -> Flaw {
    let mut seen = vec![0_u32; clusters.len()];
    for (round, start) in (1..).zip(0..clusters.len()) {
        let mut value = start;
        while seen[value] == 0 {
            seen[value] = round;
            let next = clusters[value].next;
            if next == NONE {
                break;
            }
            value = accesses[next as usize].writes as usize;
            if seen[value] == round {
                return Flaw::Ring { members: around(accesses, clusters, value) };
            }
        }
    }
    unreachable!("some compare-and-set is in no chain with a first value, so it is in a ring")
}

fn around(accesses: &[Access], clusters: &[Cluster], value: usize) -> Vec<u32> {
    let mut members = Vec::new();
    let mut at = value;
    loop {
        let cas = clusters[at].next;
        members.push(cas);
        at = accesses[cas as usize].writes as usize;
        if at == value {
            return members;
        }
    }
}

/// Two blocks, each of which must come before the other.
///
/// Any two pairs of operations show it. These are the ones that people see: the block of the initial value is the stale one,
/// or else the one before whose end the other's writer began; its first operation that is too late is the stale one.
pub(super) fn between(accesses: &[Access], clusters: &[Cluster], first: u32, second: u32) -> Flaw {
    let block = |root| Block::of(accesses, clusters, Chain::of(accesses, clusters, root));
    let (first, second) = (block(first), block(second));
    let rank = |stale: &Block, other: &Block| {
        let began = other.after(stale.finish).any(|found| found.access.writes != NONE);
        let reader =
            stale.after(other.finish).filter(|found| found.access.reads != NONE).map(|found| found.access.start);
        (stale.is_initial, began, reader.min())
    };
    let (stale, other) = if rank(&first, &second) >= rank(&second, &first) { (first, second) } else { (second, first) };
    let both = "each block has an operation that starts after the other's first end";
    let read =
        stale.after(other.finish).min_by_key(|found| (found.access.writes != NONE, found.access.start)).expect(both);
    let began =
        other.after(stale.finish).min_by_key(|found| (found.access.writes == NONE, found.access.start)).expect(both);
    Flaw::Between {
        there: Before { finished: stale.finished, started: began.index, chain: other.chain(clusters, began.place) },
        back: Before { finished: other.finished, started: read.index, chain: stale.chain(clusters, read.place) },
    }
}

/// An operation of a block, with the place of its value in it.
struct Found<'a> {
    place: usize,
    index: u32,
    access: &'a Access,
}

struct Block<'a> {
    chain: Chain,
    members: Vec<Found<'a>>,
    is_initial: bool,
    /// The least finish, and the operation that has it.
    finish: u32,
    finished: u32,
    finished_place: usize,
}

impl<'a> Block<'a> {
    fn of(accesses: &'a [Access], clusters: &[Cluster], chain: Chain) -> Self {
        let found = |(index, access): (u32, &'a Access)| {
            let place = chain.stage(clusters, index, access)? / 2;
            Some(Found { place, index, access })
        };
        let members: Vec<_> = (0_u32..).zip(accesses).filter_map(found).collect();
        let is_initial = clusters[chain.values[0] as usize].writer == BEGINNING;
        let first = members.iter().min_by_key(|found| found.access.finish).filter(|_| !is_initial);
        let (finish, finished, finished_place) =
            first.map_or((0, NONE, 0), |found| (found.access.finish, found.index, found.place));
        Self { chain, members, is_initial, finish, finished, finished_place }
    }

    /// Those that start after a moment.
    fn after(&self, moment: u32) -> impl Iterator<Item = &Found<'a>> {
        self.members.iter().filter(move |found| found.access.start > moment)
    }

    fn chain(&self, clusters: &[Cluster], place: usize) -> Vec<u32> {
        self.chain.writers(clusters, self.finished_place, place)
    }
}
