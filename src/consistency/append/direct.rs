//! What is wrong without any cycle: aborted and intermediate reads, duplicates, incompatible orders, contradictions of a
//! transaction with itself, lost updates. Builds no graph.

use std::collections::BTreeMap;

use super::tell::{self, name};
use super::versions::{NOBODY, Versions};
use super::{Completion, Micro, Transactions, What};
use crate::allowance::Meter;
use crate::outcome::{Anomaly, AnomalyKind};

/// Anomalies of one kind that are told; all are counted.
const TOLD_MAX: usize = 10;

/// Anomalies, not too many of one kind.
#[derive(Default)]
pub(super) struct Found {
    pub(super) anomalies: Vec<Anomaly>,
    counts: BTreeMap<AnomalyKind, u64>,
}

impl Found {
    /// How many there are of a kind, told or not.
    pub(super) fn counts(&self) -> &BTreeMap<AnomalyKind, u64> {
        &self.counts
    }

    fn add(
        &mut self,
        all: &Transactions,
        kind: AnomalyKind,
        key: u32,
        witness: &[u32],
        sentence: impl FnOnce() -> String,
    ) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= TOLD_MAX as u64 {
            let mut witness: Vec<u32> = witness.iter().copied().filter(|one| *one != NOBODY).collect();
            witness.dedup();
            self.anomalies.push(Anomaly { kind, key: Some(all.keys.name(key)), witness, sentence: sentence() });
        }
    }
}

impl Versions {
    /// Everything that is wrong without a cycle; once the time is over, what was found so far.
    pub(super) fn anomalies(&self, all: &Transactions, meter: &Meter<'_>) -> Found {
        let mut found = Found::default();
        self.lists(all, &mut found, meter);
        for transaction in 0..u32::try_from(all.len()).unwrap_or(NOBODY) {
            if meter.spent(1) {
                break;
            }
            if all.completions[transaction as usize] == Completion::Ok {
                self.intermediate(all, transaction, &mut found);
                internal(all, transaction, &mut found, meter);
                self.future(all, transaction, &mut found);
            }
        }
        for transaction in &self.repeated {
            if meter.spent(1) {
                break;
            }
            self.own_order(all, *transaction, &mut found);
        }
        Self::lost_updates(all, &mut found, meter);
        found
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

    /// Reads that show what their transaction appended only afterwards: such a read precedes the write that it reads.
    fn future(&self, all: &Transactions, reader: u32, found: &mut Found) {
        let micros = all.micros(reader);
        for (at, micro) in micros.iter().enumerate() {
            let Some(list) = all.list(*micro) else { continue };
            let shows = |other: &&Micro| {
                other.what == What::Append
                    && other.key == micro.key
                    && match micro.what {
                        What::Read => self.place(micro.key, other.value).is_some_and(|at| (at as usize) < list.len()),
                        What::Odd | What::Append | What::Unread => list.contains(&other.value),
                    }
            };
            if let Some(append) = micros[at + 1..].iter().find(shows) {
                found.add(all, AnomalyKind::G1c, micro.key, &[reader], || {
                    format!(
                        "{} read {} as {} and appended {} only afterwards: so it precedes itself",
                        name(reader),
                        all.keys.name(micro.key),
                        tell::list(all, list),
                        all.element(append.value)
                    )
                });
            }
        }
    }

    /// What one transaction appends to one key stands in the list in the order in which it did so, and as far as anything
    /// of it is shown, nothing before is missing. No edge of a graph says so: it would lie inside one transaction.
    fn own_order(&self, all: &Transactions, transaction: u32, found: &mut Found) {
        if all.completions[transaction as usize] == Completion::Fail {
            return;
        }
        let mut last: BTreeMap<u32, (i64, Option<u32>)> = BTreeMap::new();
        for micro in all.micros(transaction).iter().filter(|micro| micro.what == What::Append) {
            let place = self.place(micro.key, micro.value);
            let before = last.insert(micro.key, (micro.value, place));
            let Some(((earlier, before), place)) = before.zip(place) else { continue };
            if before.is_some_and(|before| before < place) {
                continue;
            }
            let reader = all.longest_reader[micro.key as usize];
            found.add(all, AnomalyKind::AppendOrder, micro.key, &[transaction, reader], || {
                let (element, key) = (all.element(micro.value), all.keys.name(micro.key));
                let what = if before.is_none() { "without" } else { "before" };
                format!(
                    "{} appended {} and then {element} to {key}, but {} read {key} as {}: {element} {what} {}",
                    name(transaction),
                    all.element(earlier),
                    name(reader),
                    tell::list(all, &all.longest[micro.key as usize]),
                    all.element(earlier)
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
        if !kept || !list.ends_with(&own) {
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
