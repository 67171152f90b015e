//! Who appended which element, and which version of its list each append made. Finds nothing wrong and builds no graph.

use super::tell::name;
use super::{Completion, Transactions, What};
use crate::allowance::{Meter, Stop};
use crate::format::ReadError;

pub(super) const NOBODY: u32 = u32::MAX;

/// One append: its element, its transaction, and whether it is the transaction's last to this key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append {
    value: i64,
    pub(super) transaction: u32,
    pub(super) last: bool,
}

/// The appends of all keys, and the order of versions.
pub(super) struct Versions {
    /// Appends, by key and then by value.
    appends: Vec<Append>,
    /// The place of each append in the longest list of its key; `NOBODY` if no read shows it.
    places: Vec<u32>,
    /// Where each key's appends begin; one more at the end.
    starts: Vec<u32>,
    /// For each key, the writer of each element of its longest list.
    writers: Vec<Vec<u32>>,
    /// Whether each transaction happened: it is ok, or indeterminate and one of its appends was read.
    pub(super) happened: Vec<bool>,
    /// Transactions that append more than once to some key.
    pub(super) repeated: Vec<u32>,
}

impl Versions {
    /// # Errors
    /// Two appends of one value to one key: then nobody can tell whose it is. Or a budget that was used up.
    pub(super) fn of(all: &Transactions, meter: &Meter<'_>) -> Result<Self, Stop> {
        let appends = all.micros.iter().filter(|micro| micro.what == What::Append).count();
        meter.hold(all.bytes() + 28 * appends as u64 + all.len() as u64)?;
        let mut starts = vec![0_u32; all.keys.len() + 1];
        for micro in all.micros.iter().filter(|micro| micro.what == What::Append) {
            starts[micro.key as usize + 1] += 1;
        }
        for key in 1..starts.len() {
            starts[key] += starts[key - 1];
        }
        let mut next = starts.clone();
        let mut repeated = Vec::new();
        let none = Append { value: 0, transaction: NOBODY, last: false };
        let mut appends = vec![none; starts[all.keys.len()] as usize];
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            let micros = all.micros(transaction);
            meter.spend(1)?;
            for (at, micro) in micros.iter().enumerate().filter(|(_, micro)| micro.what == What::Append) {
                meter.spend((micros.len() - at) / 8)?;
                let last = !micros[at + 1..].iter().any(|other| other.what == What::Append && other.key == micro.key);
                if !last && repeated.last() != Some(&transaction) {
                    repeated.push(transaction);
                }
                let place = &mut next[micro.key as usize];
                appends[*place as usize] = Append { value: micro.value, transaction, last };
                *place += 1;
            }
        }
        for key in 0..all.keys.len() {
            let one = &mut appends[starts[key] as usize..starts[key + 1] as usize];
            meter.spend(one.len() + 1)?;
            one.sort_unstable_by_key(|append| (append.value, append.transaction));
            if let Some(pair) = one.windows(2).find(|pair| pair[0].value == pair[1].value) {
                return Err(twice(all, key, pair[0], pair[1]).into());
            }
        }
        let places = vec![NOBODY; appends.len()];
        let mut versions = Self { appends, places, starts, writers: Vec::new(), happened: Vec::new(), repeated };
        versions.attribute(all);
        Ok(versions)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        let writers: usize = self.writers.iter().map(|of_key| of_key.len() * 4 + 24).sum();
        (self.appends.len() * 28 + self.starts.len() * 4 + writers + self.happened.len()) as u64
    }

    fn attribute(&mut self, all: &Transactions) {
        self.happened = all.completions.iter().map(|completion| *completion == Completion::Ok).collect();
        let mut writers = Vec::with_capacity(all.longest.len());
        for (key, longest) in (0_u32..).zip(&all.longest) {
            let mut of_key = Vec::with_capacity(longest.len());
            for (place, value) in (0_u32..).zip(longest) {
                let Some(at) = self.index(key, *value) else {
                    of_key.push(NOBODY);
                    continue;
                };
                let writer = self.appends[at].transaction;
                self.places[at] = self.places[at].min(place);
                self.happened[writer as usize] |= all.completions[writer as usize] == Completion::Info;
                of_key.push(writer);
            }
            writers.push(of_key);
        }
        self.writers = writers;
    }

    fn index(&self, key: u32, value: i64) -> Option<usize> {
        let (from, until) = (self.starts[key as usize] as usize, self.starts[key as usize + 1] as usize);
        self.appends[from..until].binary_search_by_key(&value, |append| append.value).ok().map(|at| from + at)
    }

    pub(super) fn append(&self, key: u32, value: i64) -> Option<Append> {
        self.index(key, value).map(|at| self.appends[at])
    }

    /// Where an append stands in the longest list of its key; none if no read shows it.
    pub(super) fn place(&self, key: u32, value: i64) -> Option<u32> {
        self.index(key, value).map(|at| self.places[at]).filter(|place| *place != NOBODY)
    }

    /// The writers of a key's versions, in order; `NOBODY` where no append is known.
    pub(super) fn writers(&self, key: u32) -> &[u32] {
        &self.writers[key as usize]
    }

    /// Transactions that happened and appended to a key what no read shows; each once, in order.
    pub(super) fn unread(&self, key: u32) -> Vec<u32> {
        let of_key = self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize;
        let mut unread: Vec<u32> = of_key
            .filter(|at| self.places[*at] == NOBODY && self.happened[self.appends[*at].transaction as usize])
            .map(|at| self.appends[at].transaction)
            .collect();
        unread.sort_unstable();
        unread.dedup();
        unread
    }
}

fn twice(all: &Transactions, key: usize, first: Append, second: Append) -> ReadError {
    let key = u32::try_from(key).unwrap_or(NOBODY);
    ReadError {
        // The caller knows the lines of operations; this is the number of the operation until then.
        line: u64::from(second.transaction),
        column: 0,
        what: format!(
            "append of {} to {} for the second time: {} did it before",
            all.element(second.value),
            all.keys.name(key),
            name(first.transaction)
        ),
        why: "each value may be appended to a key once, else nobody can tell whose it is".to_owned(),
    }
}
