//! Blocks in the order of their moments, and the line of operations that they make.
//!
//! Decides nothing: the caller knows whether the line is a proof.

use super::blocks::Cluster;
use super::{Access, INITIAL, NONE};
use crate::intern::number_of;

/// The first values of the blocks, sorted by `m` (the upper half of each entry).
pub(super) fn by_moment(blocks: &[u64], accesses: &[Access]) -> Vec<u32> {
    // A moment of a block is never above its greatest start.
    let last = accesses.last().map_or(0, |access| access.start);
    if last as usize / 8 > blocks.len() {
        let mut sorted = blocks.to_vec();
        sorted.sort_unstable();
        return sorted.into_iter().map(low).collect();
    }
    // Dense moments, all different: a table with a place for each is a sort.
    let mut table = vec![NONE; last as usize + 1];
    for &block in blocks {
        table[(block >> 32) as usize] = low(block);
    }
    table.retain(|&value| value != NONE);
    table
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn low(block: u64) -> u32 {
    block as u32
}

/// The operations block after block, stage after stage, reads by their start.
pub(super) fn line(accesses: &[Access], clusters: &[Cluster], sorted: &[u32]) -> Vec<u32> {
    // First the number of reads of each value, then the place of its next read in the line.
    let mut places = vec![0_u32; clusters.len()];
    for access in accesses.iter().filter(|access| access.writes == NONE) {
        places[access.reads as usize] += 1;
    }
    let mut line = vec![NONE; accesses.len()];
    let mut place = 0;
    for &root in sorted {
        let mut value = root;
        loop {
            let cluster = &clusters[value as usize];
            if value != INITIAL {
                line[place as usize] = cluster.writer;
                place += 1;
            }
            let reads = places[value as usize];
            places[value as usize] = place;
            place += reads;
            if cluster.next == NONE {
                break;
            }
            value = accesses[cluster.next as usize].writes;
        }
    }
    line.truncate(place as usize);
    for (index, access) in accesses.iter().enumerate().filter(|(_, access)| access.writes == NONE) {
        let next = &mut places[access.reads as usize];
        line[*next as usize] = number_of(index);
        *next += 1;
    }
    line
}
