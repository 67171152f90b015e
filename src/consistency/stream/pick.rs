//! Which operations it takes to tell a flaw: all that `explain` may look at, and few. Tells nothing itself.

use std::collections::BTreeMap;

use super::judge::Keyed;
use crate::intern::number_of;
use crate::register::{Access, Flaw, NEVER, NONE, WITNESS_MAX};

/// Of the operations that see one value so many certain and so many uncertain ones.
const SEEN_MAX: u8 = 7;
const _: () = assert!(SEEN_MAX as usize > WITNESS_MAX, "a witness holds fewer");
/// Of a chain of compare-and-sets so many: with those that a witness has anyway it holds no more.
const CHAIN_MAX: usize = 2 * WITNESS_MAX;

/// One operation that is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Picked {
    /// The event that calls it, from 1.
    pub(super) start: u32,
    /// Its number: calls are counted from 0.
    pub(super) operation: u32,
}

/// What is wrong with a key.
pub(super) struct Finding {
    pub(super) key: u32,
    /// In terms of places in `picked`.
    pub(super) flaw: Flaw,
    /// In the order of the calls.
    pub(super) picked: Vec<Picked>,
    /// The value of which it takes the first write that failed, by its number among all keys.
    pub(super) meant: Option<u32>,
}

pub(super) fn pick(keyed: &Keyed, mut flaw: Flaw) -> Finding {
    let accesses = &keyed.input.accesses;
    let mut meant = None;
    let mut chosen: Vec<u32> = Vec::new();
    visit(&mut flaw, |index| chosen.push(*index));
    match flaw {
        Flaw::NobodyWrote { reader } => meant = Some(keyed.values[accesses[reader as usize].reads as usize]),
        Flaw::TwoFrom { first, .. } => {
            let value = accesses[first as usize].reads;
            chosen.extend(accesses.iter().position(|access| access.writes == value).map(number_of));
        }
        Flaw::Between { .. } => {
            let is_read = |access: &Access| access.writes == NONE && access.finish != NEVER;
            chosen.extend(accesses.iter().rposition(is_read).map(number_of));
        }
        Flaw::Inside { .. } | Flaw::Ring { .. } => {}
    }
    observed(accesses, keyed.input.values, &mut chosen);
    chosen.sort_unstable();
    chosen.dedup();
    let places: BTreeMap<u32, u32> = chosen.iter().copied().zip(0..).collect();
    visit(&mut flaw, |index| *index = places[index]);
    let picked =
        |&index: &u32| Picked { start: accesses[index as usize].start, operation: keyed.operations[index as usize] };
    Finding { key: keyed.key, flaw, picked: chosen.iter().map(picked).collect(), meant }
}

/// Adds those that saw what the chosen ones set, and those that saw what these set, as far as a witness can reach.
fn observed(accesses: &[Access], values: u32, chosen: &mut Vec<u32>) {
    // By value: how many certain and uncertain operations that see it may still be chosen.
    let mut wanted = vec![[0_u8; 2]; values as usize];
    let mut known = vec![false; values as usize];
    for _ in 0..WITNESS_MAX {
        let set = chosen.iter().map(|&index| accesses[index as usize].writes).filter(|&value| value != NONE);
        let mut any = false;
        for value in set {
            if !std::mem::replace(&mut known[value as usize], true) {
                (wanted[value as usize], any) = ([SEEN_MAX; 2], true);
            }
        }
        if !any {
            return;
        }
        for (index, access) in (0_u32..).zip(accesses).filter(|(_, access)| access.reads != NONE) {
            let left = &mut wanted[access.reads as usize][usize::from(access.finish == NEVER)];
            if *left > 0 {
                *left -= 1;
                chosen.push(index);
            }
        }
    }
}

/// Each operation that the flaw names, the beginning of long chains only.
fn visit(flaw: &mut Flaw, each: impl FnMut(&mut u32)) {
    let (single, chains): (Vec<&mut u32>, Vec<&mut Vec<u32>>) = match flaw {
        Flaw::NobodyWrote { reader } => (vec![reader], vec![]),
        Flaw::TwoFrom { first, second } => (vec![first, second], vec![]),
        Flaw::Ring { members } => (vec![], vec![members]),
        Flaw::Inside { earlier, later, chain } => (vec![earlier, later], vec![chain]),
        Flaw::Between { there, back } => (
            vec![&mut there.finished, &mut there.started, &mut back.finished, &mut back.started],
            vec![&mut there.chain, &mut back.chain],
        ),
    };
    let chains = chains.into_iter().flat_map(|chain| {
        chain.truncate(CHAIN_MAX);
        chain
    });
    single.into_iter().chain(chains).filter(|index| **index != NONE).for_each(each);
}
