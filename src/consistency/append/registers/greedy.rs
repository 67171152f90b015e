//! An order of the transactions that is found by going along with the time at which they ended. Proves; refutes nothing.

use std::collections::BTreeMap;

use super::read::{Access, Registers, Version};
use super::solve::Level;
use crate::allowance::Meter;

/// Transactions that are looked at for the next place.
const AHEAD: usize = 64;

/// An order in which each transaction reads what it read, and which agrees with the order of the claim; none if this way leads
/// to none.
pub(super) fn order(all: &Registers, level: Level, meter: &Meter<'_>) -> Option<Vec<u32>> {
    if level.has_snapshots() {
        return None;
    }
    let mut waiting: Vec<u32> = all.numbered().filter(|(_, txn)| txn.happened).map(|(number, _)| number).collect();
    waiting.sort_by_key(|number| (all.txns[*number as usize].end, *number));
    let mut now = Now { all, current: BTreeMap::new(), readers: readers(all) };
    let mut before = vec![0_u32; all.len()];
    let mut after: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    if level == Level::Session {
        all.sessions(|one, next| {
            before[next as usize] += 1;
            after.entry(one).or_default().push(next);
        });
    }
    let mut order = Vec::with_capacity(waiting.len());
    // Those that were passed over stand at the end of `waiting`, turned round, so that the next is its last.
    waiting.reverse();
    while !waiting.is_empty() {
        if meter.spent(32) {
            return None;
        }
        let ahead = waiting.iter().rev().take(AHEAD);
        // Nothing comes before what had ended when it began.
        let first_end = ahead.clone().map(|number| all.txns[*number as usize].end).min();
        let may = |number: &u32| {
            let call = all.txns[*number as usize].call;
            (level != Level::Strict || first_end.is_none_or(|end| call <= end)) && before[*number as usize] == 0
        };
        let place = ahead.clone().position(|number| may(number) && now.can(*number))?;
        let number = waiting.remove(waiting.len() - 1 - place);
        now.run(number);
        after.remove(&number).into_iter().flatten().for_each(|next| before[next as usize] -= 1);
        order.push(number);
    }
    Some(order)
}

/// How many transactions still have to read each version from outside.
fn readers(all: &Registers) -> BTreeMap<(u32, Version), u32> {
    let mut readers = BTreeMap::new();
    for (_, txn) in all.numbered().filter(|(_, txn)| txn.happened) {
        for read in all.outside(txn) {
            *readers.entry(read).or_default() += 1;
        }
    }
    readers
}

/// The registers after some of the transactions.
struct Now<'a> {
    all: &'a Registers,
    current: BTreeMap<u32, Version>,
    readers: BTreeMap<(u32, Version), u32>,
}

impl Now<'_> {
    fn version(&self, key: u32) -> Version {
        self.current.get(&key).copied().unwrap_or(Version::Initial)
    }

    /// Whether it reads what is there, and overwrites nothing that another has still to read.
    fn can(&self, number: u32) -> bool {
        let txn = &self.all.txns[number as usize];
        let reads = self.all.outside(txn);
        let left = |key: u32| {
            let version = self.version(key);
            let own = u32::from(reads.contains(&(key, version)));
            self.readers.get(&(key, version)).copied().unwrap_or(0) - own
        };
        reads.iter().all(|(key, version)| self.version(*key) == *version)
            && txn.accesses.iter().all(|access| match access {
                Access::Write { key, .. } => left(*key) == 0,
                Access::Read { .. } => true,
            })
    }

    fn run(&mut self, number: u32) {
        let txn = &self.all.txns[number as usize];
        for read in self.all.outside(txn) {
            self.readers.entry(read).and_modify(|count| *count -= 1);
        }
        for access in &txn.accesses {
            if let Access::Write { key, write } = access {
                self.current.insert(*key, Version::Written(*write));
            }
        }
    }
}
