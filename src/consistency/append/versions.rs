//! Who appended which element, and what is wrong without any cycle: aborted and intermediate reads, duplicates,
//! incompatible orders, internal contradictions, lost updates. Builds no graph.

use super::tell::{self, name};
use super::{Completion, Micro, Transactions, What};
use crate::allowance::{Meter, Stop};
use crate::format::ReadError;
use crate::outcome::{Anomaly, AnomalyKind};

pub(super) const NOBODY: u32 = u32::MAX;
/// Anomalies of one kind that are told; one is enough for a verdict.
const TOLD_MAX: usize = 10;

/// One append: its element, its transaction, and whether it is the transaction's last to this key.
#[derive(Clone, Copy, Debug)]
struct Append {
    value: i64,
    transaction: u32,
    last: bool,
}

/// The appends of all keys, and the order of versions.
pub(super) struct Versions {
    /// Appends, by key and then by value.
    appends: Vec<Append>,
    /// Where each key's appends begin; one more at the end.
    starts: Vec<u32>,
    /// For each key, the writer of each element of its longest list.
    writers: Vec<Vec<u32>>,
    /// Whether each transaction happened: it is ok, or indeterminate and one of its appends was read.
    pub(super) happened: Vec<bool>,
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
        let none = Append { value: 0, transaction: NOBODY, last: false };
        let mut appends = vec![none; starts[all.keys.len()] as usize];
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            let micros = all.micros(transaction);
            meter.spend(1)?;
            for (at, micro) in micros.iter().enumerate().filter(|(_, micro)| micro.what == What::Append) {
                meter.spend((micros.len() - at) / 8)?;
                let last = !micros[at + 1..].iter().any(|other| other.what == What::Append && other.key == micro.key);
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
        let mut versions = Self { appends, starts, writers: Vec::new(), happened: Vec::new() };
        versions.attribute(all);
        Ok(versions)
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> u64 {
        let writers: usize = self.writers.iter().map(|of_key| of_key.len() * 4 + 24).sum();
        (self.appends.len() * 24 + self.starts.len() * 4 + writers + self.happened.len()) as u64
    }

    fn attribute(&mut self, all: &Transactions) {
        self.happened = all.completions.iter().map(|completion| *completion == Completion::Ok).collect();
        let mut writers = Vec::with_capacity(all.longest.len());
        for (key, longest) in (0_u32..).zip(&all.longest) {
            let of_key: Vec<u32> = longest
                .iter()
                .map(|value| self.append(key, *value).map_or(NOBODY, |append| append.transaction))
                .collect();
            for writer in of_key.iter().filter(|writer| **writer != NOBODY) {
                self.happened[*writer as usize] |= all.completions[*writer as usize] == Completion::Info;
            }
            writers.push(of_key);
        }
        self.writers = writers;
    }

    fn append(&self, key: u32, value: i64) -> Option<Append> {
        let of_key = &self.appends[self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize];
        let at = of_key.binary_search_by_key(&value, |append| append.value).ok()?;
        Some(of_key[at])
    }

    /// The writers of a key's versions, in order; `NOBODY` where no append is known.
    pub(super) fn writers(&self, key: u32) -> &[u32] {
        &self.writers[key as usize]
    }

    /// Transactions that happened and appended to a key what no read shows; each once, in order.
    pub(super) fn unread(&self, all: &Transactions, key: u32) -> Vec<u32> {
        let of_key = &self.appends[self.starts[key as usize] as usize..self.starts[key as usize + 1] as usize];
        let shown = all.longest[key as usize].len();
        if of_key.len() == shown {
            return Vec::new();
        }
        let mut values = all.longest[key as usize].clone();
        values.sort_unstable();
        let mut unread: Vec<u32> = of_key
            .iter()
            .filter(|append| self.happened[append.transaction as usize] && values.binary_search(&append.value).is_err())
            .map(|append| append.transaction)
            .collect();
        unread.sort_unstable();
        unread.dedup();
        unread
    }

    /// Everything that is wrong without a cycle; once the time is over, what was found so far.
    pub(super) fn anomalies(&self, all: &Transactions, meter: &Meter<'_>) -> Vec<Anomaly> {
        let mut found = Found::default();
        self.lists(all, &mut found, meter);
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            if meter.spent(1) {
                break;
            }
            if all.completions[transaction as usize] == Completion::Ok {
                self.intermediate(all, transaction, &mut found);
                internal(all, transaction, &mut found, meter);
            }
        }
        Self::lost_updates(all, &mut found, meter);
        found.anomalies
    }

    /// The longest list of each key, and the odd ones.
    fn lists(&self, all: &Transactions, found: &mut Found, meter: &Meter<'_>) {
        for (key, longest) in (0_u32..).zip(&all.longest) {
            if meter.spent(longest.len()) {
                return;
            }
            self.list(all, key, longest, all.longest_reader[key as usize], found);
        }
        if all.odd.is_empty() {
            return;
        }
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            for micro in all.micros(transaction).iter().filter(|micro| micro.what == What::Odd) {
                let list = all.list(*micro).unwrap_or_default();
                if meter.spent(list.len()) {
                    return;
                }
                self.list(all, micro.key, list, transaction, found);
                let other = all.longest_reader[micro.key as usize];
                found.add(all, AnomalyKind::IncompatibleOrder, micro.key, &[other, transaction], || {
                    let longest = &all.longest[micro.key as usize];
                    format!(
                        "{} read {} as {} and {} as {}, and neither list begins with the other",
                        name(other),
                        all.keys.name(micro.key),
                        tell::list(all, longest),
                        name(transaction),
                        tell::list(all, list)
                    )
                });
            }
        }
    }

    /// One list that was read: elements that are there twice, that nobody appended, or that a failed transaction did.
    fn list(&self, all: &Transactions, key: u32, list: &[i64], reader: u32, found: &mut Found) {
        let mut sorted = list.to_vec();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let writer = self.append(key, pair[0]).map_or(NOBODY, |append| append.transaction);
            found.add(all, AnomalyKind::Duplicate, key, &[writer, reader], || {
                let element = all.element(pair[0]);
                format!("{} read {} twice in {}, where it was appended once", name(reader), element, all.keys.name(key))
            });
        }
        for value in list {
            match self.append(key, *value) {
                None => found.add(all, AnomalyKind::PhantomRead, key, &[reader], || {
                    let element = all.element(*value);
                    format!("{} read {} in {}, which nobody appended", name(reader), element, all.keys.name(key))
                }),
                Some(append) if all.completions[append.transaction as usize] == Completion::Fail => {
                    found.add(all, AnomalyKind::G1a, key, &[append.transaction, reader], || {
                        format!(
                            "{} read {} in {}, which {} appended, and {} failed",
                            name(reader),
                            all.element(*value),
                            all.keys.name(key),
                            name(append.transaction),
                            name(append.transaction)
                        )
                    });
                }
                Some(_) => {}
            }
        }
    }

    /// Reads that end with an element that its transaction overwrote by a later append of its own.
    fn intermediate(&self, all: &Transactions, reader: u32, found: &mut Found) {
        for micro in all.micros(reader) {
            let Some(value) = all.list(*micro).and_then(<[i64]>::last) else { continue };
            let Some(append) = self.append(micro.key, *value) else { continue };
            if !append.last && append.transaction != reader {
                found.add(all, AnomalyKind::G1b, micro.key, &[append.transaction, reader], || {
                    format!(
                        "{} read {} as far as {}, but {} appended more to it afterwards",
                        name(reader),
                        all.keys.name(micro.key),
                        all.element(*value),
                        name(append.transaction)
                    )
                });
            }
        }
    }

    /// Two transactions that read one version of a key before they appended to it.
    fn lost_updates(all: &Transactions, found: &mut Found, meter: &Meter<'_>) {
        let mut updates: Vec<(u32, i64, u32)> = Vec::new();
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            if all.completions[transaction as usize] != Completion::Ok {
                continue;
            }
            let micros = all.micros(transaction);
            for (at, micro) in micros.iter().enumerate().filter(|(_, micro)| micro.what == What::Read) {
                if meter.spent(micros.len()) {
                    return;
                }
                let appends = |other: &Micro| other.what == What::Append && other.key == micro.key;
                if !micros[..at].iter().any(|other| other.key == micro.key) && micros[at + 1..].iter().any(appends) {
                    updates.push((micro.key, micro.value, transaction));
                }
            }
        }
        updates.sort_unstable();
        for pair in updates.windows(2).filter(|pair| (pair[0].0, pair[0].1) == (pair[1].0, pair[1].1)) {
            let (key, version, first) = pair[0];
            let second = pair[1].2;
            found.add(all, AnomalyKind::LostUpdate, key, &[first, second], || {
                let list = &all.longest[key as usize][..usize::try_from(version).unwrap_or(0)];
                format!(
                    "{} and {} both read {} as {} and appended to it: one does not know of the other",
                    name(first),
                    name(second),
                    all.keys.name(key),
                    tell::list(all, list)
                )
            });
        }
    }
}

/// What a transaction read against what it had read and appended itself.
fn internal(all: &Transactions, transaction: u32, found: &mut Found, meter: &Meter<'_>) {
    let micros = all.micros(transaction);
    for (at, micro) in micros.iter().enumerate() {
        let Some(list) = all.list(*micro) else { continue };
        if meter.spent(micros.len()) {
            return;
        }
        let base = micros[..at].iter().rposition(|other| other.key == micro.key && other.what != What::Append);
        let since = &micros[base.map_or(0, |base| base + 1)..at];
        let own: Vec<i64> = since.iter().filter(|other| other.key == micro.key).map(|other| other.value).collect();
        let before = base.and_then(|base| all.list(micros[base]));
        // Two beginnings of one list need not be compared.
        let both = micro.what == What::Read && base.is_some_and(|base| micros[base].what == What::Read);
        let kept =
            before.is_none_or(|before| list.len() == before.len() + own.len() && (both || list.starts_with(before)));
        // Not `own` of the future either: what it appends later cannot be there yet.
        let later = |other: &Micro| {
            let appended = other.key == micro.key && other.what == What::Append;
            appended && !meter.spent(list.len() / 8) && list.contains(&other.value)
        };
        if !kept || !list.ends_with(&own) || micros[at + 1..].iter().any(later) {
            found.add(all, AnomalyKind::Internal, micro.key, &[transaction], || {
                format!(
                    "{} read {} as {}, which contradicts what it read and appended itself",
                    name(transaction),
                    all.keys.name(micro.key),
                    tell::list(all, list)
                )
            });
        }
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

/// Anomalies, not too many of one kind.
#[derive(Default)]
struct Found {
    anomalies: Vec<Anomaly>,
}

impl Found {
    fn add(
        &mut self,
        all: &Transactions,
        kind: AnomalyKind,
        key: u32,
        witness: &[u32],
        sentence: impl FnOnce() -> String,
    ) {
        if self.anomalies.iter().filter(|anomaly| anomaly.kind == kind).count() < TOLD_MAX {
            let mut witness: Vec<u32> = witness.iter().copied().filter(|one| *one != NOBODY).collect();
            witness.dedup();
            self.anomalies.push(Anomaly { kind, key: Some(all.keys.name(key)), witness, sentence: sentence() });
        }
    }
}
