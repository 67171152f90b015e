//! Which list of a key is the line of its versions, where lists that were read contradict each other. Whatever the order of the
//! answers, the same one is chosen. Judges nothing.
//!
//! A list may hold elements of transactions that failed: a dirty read. What it says of the others counts all the same, so lists
//! are compared without such elements, and the longest is taken.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::versions::NOBODY;
use super::{Completion, Micro, Transactions, What};
use crate::allowance::{Meter, Stop};

/// Transactions whose longest lists are chosen for good.
pub(super) struct Settled {
    /// Where they differ from those that were given.
    pub(super) changed: Option<Transactions>,
    /// Whether committed elements of some key stand in one order here and in another there: then nobody knows the order.
    pub(super) contradictory: bool,
}

/// Who appended each element of the keys in question, and whether it committed.
type Committed = BTreeMap<(u32, i64), bool>;

pub(super) fn settle(all: &Transactions, meter: &Meter<'_>) -> Result<Settled, Stop> {
    let mut odd: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    if all.odd.is_empty() {
        return Ok(Settled { changed: None, contradictory: false });
    }
    for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
        meter.spend(1)?;
        for micro in all.micros(transaction).iter().filter(|micro| micro.what == What::Odd) {
            odd.entry(micro.key).or_default().push((u32::try_from(micro.value).unwrap_or(0), transaction));
        }
    }
    let mut committed = Committed::new();
    for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
        let done = all.completions[transaction as usize] == Completion::Ok;
        for micro in all.micros(transaction).iter().filter(|micro| micro.what == What::Append) {
            if odd.contains_key(&micro.key) {
                meter.spend(16)?;
                committed.insert((micro.key, micro.value), done);
            }
        }
    }
    let mut settled = Settled { changed: None, contradictory: false };
    let mut chosen = Vec::new();
    for (key, lists) in &odd {
        meter.spend(all.longest[*key as usize].len() + lists.len())?;
        let (line, reader, agree) = line(all, *key, lists, &committed);
        settled.contradictory |= !agree;
        if let Some(line) = line {
            chosen.push((*key, line.to_vec(), reader));
        }
    }
    if !chosen.is_empty() {
        let mut changed = all.clone();
        for (key, line, reader) in chosen {
            take(&mut changed, key, line, reader);
        }
        settled.changed = Some(changed);
    }
    Ok(settled)
}

/// The line of a key and who read it (no line where it is the longest list already), and whether all lists agree with it as
/// far as they show what committed.
fn line<'a>(
    all: &'a Transactions,
    key: u32,
    lists: &[(u32, u32)],
    committed: &Committed,
) -> (Option<&'a [i64]>, u32, bool) {
    let shown = |list: &[i64]| -> Vec<i64> {
        list.iter().copied().filter(|value| committed.get(&(key, *value)).copied().unwrap_or(false)).collect()
    };
    let first = (all.longest[key as usize].as_slice(), all.longest_reader[key as usize]);
    let candidates = lists.iter().map(|(number, reader)| (all.odd[*number as usize].as_slice(), *reader));
    let candidates: Vec<_> =
        std::iter::once(first).chain(candidates).map(|(list, reader)| (shown(list), list, reader)).collect();
    let best = candidates.iter().max_by_key(|(shown, list, reader)| (shown.len(), Reverse((*list, *reader))));
    let Some((longest, list, reader)) = best else { return (None, NOBODY, true) };
    let agree = candidates.iter().all(|(shown, _, _)| longest.starts_with(shown));
    ((*list != first.0).then_some(*list), *reader, agree)
}

/// Makes a list the longest of its key, and compares all reads of the key with it anew.
fn take(all: &mut Transactions, key: u32, line: Vec<i64>, reader: u32) {
    let old = std::mem::replace(&mut all.longest[key as usize], line);
    all.longest_reader[key as usize] = reader;
    let line = &all.longest[key as usize];
    for micro in all.micros.iter_mut().filter(|micro| micro.key == key) {
        let number = usize::try_from(micro.value).unwrap_or(0);
        let list = match micro.what {
            What::Read => &old[..number],
            What::Odd => all.odd[number].as_slice(),
            What::Append | What::Unread => continue,
        };
        if line.starts_with(list) {
            *micro = Micro { what: What::Read, value: i64::try_from(list.len()).unwrap_or(0), ..*micro };
        } else if micro.what == What::Read {
            let list = list.to_vec();
            *micro = Micro { what: What::Odd, value: i64::try_from(all.odd.len()).unwrap_or(0), ..*micro };
            all.odd.push(list);
        }
    }
}
