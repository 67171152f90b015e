//! The blocks of a register and their order: the algorithm whose proof is in the room's documentation.
//!
//! Knows numbers only: no history, no names.

use super::{Access, Compact, Flaw, INITIAL, Judgement, NEVER, NONE, Unsuitable};
use super::{flaw, order};
use crate::intern::number_of;

/// The writer of the initial value.
pub(super) const BEGINNING: u32 = NONE - 1;

/// What is known of one value. Once its block is folded, `finish` and `start` of the block's first value are the block's.
#[derive(Clone, Copy)]
pub(super) struct Cluster {
    /// The operation that writes it; `NONE` if there is none, `BEGINNING` for the initial value.
    pub(super) writer: u32,
    /// The least finish of its reads.
    pub(super) finish: u32,
    /// The greatest start of its reads.
    pub(super) start: u32,
    /// The compare-and-set of `E` from it.
    pub(super) next: u32,
}

/// Decides whether the operations of one register are linearizable.
///
/// # Errors
///
/// When a value was written twice, or the operations are out of order: see [`Unsuitable`].
pub fn judge(input: &Compact) -> Result<Judgement, Unsuitable> {
    let Compact { accesses, values } = input;
    let (mut clusters, any_cas) = gather(accesses, *values)?;
    let mut chained = 0;
    if any_cas {
        match link(accesses, &mut clusters) {
            Ok(count) => chained = count,
            Err(found) => return Ok(Judgement::Broken(flaw::plainer(accesses, &clusters, found))),
        }
    }
    let fold = match fold(accesses, &mut clusters) {
        Ok(fold) => fold,
        Err(at) => return Ok(Judgement::Broken(flaw::at_value(accesses, &clusters, at))),
    };
    if fold.chained != chained {
        return Ok(Judgement::Broken(flaw::ring(accesses, &clusters)));
    }
    let sorted = order::by_moment(&fold.blocks, accesses);
    match crossed(&clusters, &sorted) {
        None => Ok(Judgement::Linearizable(order::line(accesses, &clusters, &sorted))),
        Some((first, second)) => Ok(Judgement::Broken(flaw::between(accesses, &clusters, first, second))),
    }
}

/// Reads and writers by value, and whether there is any compare-and-set.
fn gather(accesses: &[Access], values: u32) -> Result<(Vec<Cluster>, bool), Unsuitable> {
    let none = Cluster { writer: NONE, finish: NEVER, start: 0, next: NONE };
    let mut clusters = vec![none; values.max(1) as usize];
    clusters[INITIAL as usize].writer = BEGINNING;
    let (mut previous, mut any_cas) = (0, false);
    for (index, access) in accesses.iter().enumerate() {
        if access.start <= previous || access.finish <= access.start {
            return Err(Unsuitable::Disordered { at: number_of(index) });
        }
        previous = access.start;
        if access.writes == NONE {
            let cluster = &mut clusters[access.reads as usize];
            cluster.finish = cluster.finish.min(access.finish);
            cluster.start = access.start;
        } else {
            any_cas |= access.reads != NONE;
            let cluster = &mut clusters[access.writes as usize];
            if cluster.writer != NONE {
                let first = if cluster.writer == BEGINNING { NONE } else { cluster.writer };
                return Err(Unsuitable::WrittenTwice { first, second: number_of(index) });
            }
            cluster.writer = number_of(index);
        }
    }
    Ok((clusters, any_cas))
}

/// Finds the compare-and-sets of `E` and what they follow; returns how many there are.
fn link(accesses: &[Access], clusters: &mut [Cluster]) -> Result<u32, Flaw> {
    let mut count = 0;
    for (index, access) in accesses.iter().enumerate() {
        let is_cas = access.reads != NONE && access.writes != NONE;
        if !is_cas || (access.finish == NEVER && clusters[access.writes as usize].finish == NEVER) {
            continue;
        }
        let mut cas = number_of(index);
        loop {
            let from = &mut clusters[accesses[cas as usize].reads as usize];
            if from.next == cas {
                break;
            }
            if from.next != NONE {
                let (first, second) = (from.next.min(cas), from.next.max(cas));
                return Err(Flaw::TwoFrom { first, second });
            }
            from.next = cas;
            count += 1;
            // What it requires was written: an indeterminate compare-and-set that did it is in `E` too.
            match accesses.get(from.writer as usize) {
                Some(writer) if writer.reads != NONE => cas = from.writer,
                Some(_) | None => break,
            }
        }
    }
    Ok(count)
}

struct Fold {
    /// `m << 32 | first value` of each block.
    blocks: Vec<u64>,
    /// How many compare-and-sets the blocks hold.
    chained: u32,
}

/// Folds each chain of values into its first one; the error is a value at which its block contradicts itself.
fn fold(accesses: &[Access], clusters: &mut [Cluster]) -> Result<Fold, u32> {
    let mut found = Fold { blocks: Vec::with_capacity(clusters.len()), chained: 0 };
    for value in 0..number_of(clusters.len()) {
        let root = clusters[value as usize];
        let observed = root.finish != NEVER || root.next != NONE;
        let (start, finish) = match accesses.get(root.writer as usize) {
            Some(writer) if writer.reads != NONE => continue,
            Some(writer) if writer.finish == NEVER && !observed => continue,
            Some(writer) => (writer.start, writer.finish),
            None if root.writer == BEGINNING => (0, 0),
            None if observed => return Err(value),
            None => continue,
        };
        if root.finish < start {
            return Err(value);
        }
        let (mut start, mut finish) = (start.max(root.start), finish.min(root.finish));
        let mut next = root.next;
        while next != NONE {
            let cas = accesses[next as usize];
            let cluster = clusters[cas.writes as usize];
            let before = start.max(cas.start);
            if cas.finish < start || cluster.finish < before {
                return Err(cas.writes);
            }
            start = before.max(cluster.start);
            finish = finish.min(cas.finish).min(cluster.finish);
            next = cluster.next;
            found.chained += 1;
        }
        let root = &mut clusters[value as usize];
        (root.start, root.finish) = (start, finish);
        found.blocks.push(u64::from(start.min(finish)) << 32 | u64::from(value));
    }
    Ok(found)
}

/// The first values of two blocks that must each come before the other.
fn crossed(clusters: &[Cluster], sorted: &[u32]) -> Option<(u32, u32)> {
    let (mut latest, mut start) = (NONE, 0);
    for &root in sorted {
        let block = &clusters[root as usize];
        if block.finish < start {
            return Some((latest, root));
        }
        if block.start > start {
            (latest, start) = (root, block.start);
        }
    }
    None
}
