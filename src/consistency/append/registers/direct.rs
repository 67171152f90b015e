//! What is wrong with reads of registers by themselves, and cycles in sentences. Looks for no order.

use std::collections::BTreeMap;

use super::read::{Access, Registers, Version};
use crate::allowance::Meter;
use crate::append::graph::{LINK, PROCESS, REALTIME, RW, WR};
use crate::history::Completion;
use crate::outcome::{Anomaly, AnomalyKind};

/// Anomalies of one kind that are told.
const TOLD_MAX: usize = 10;
const WITNESS_MAX: usize = 6;

struct Found<'a> {
    all: &'a Registers,
    anomalies: Vec<Anomaly>,
    counts: BTreeMap<AnomalyKind, usize>,
}

pub(super) fn anomalies(all: &Registers, meter: &Meter<'_>) -> Vec<Anomaly> {
    let mut found = Found { all, anomalies: Vec::new(), counts: BTreeMap::new() };
    let mut updates: BTreeMap<(u32, Version), u32> = BTreeMap::new();
    for (number, txn) in all.numbered().filter(|(_, txn)| txn.completion == Completion::Ok) {
        if meter.spent(16) {
            break;
        }
        let mut first: BTreeMap<u32, Version> = BTreeMap::new();
        let mut own: BTreeMap<u32, u32> = BTreeMap::new();
        for access in &txn.accesses {
            match *access {
                Access::Write { key, write } => {
                    let again = own.insert(key, write).is_some();
                    let seen = first.get(&key).filter(|_| !again);
                    if let Some(version) = seen
                        && let Some(other) = updates.insert((key, *version), number)
                    {
                        found.lost_update(key, *version, other, number);
                    }
                }
                Access::Read { key, version } => {
                    found.read(number, key, version);
                    let before = own.get(&key).map(|write| Version::Written(*write));
                    let before = before.or_else(|| first.get(&key).copied());
                    found.internal(number, key, version, before);
                    first.entry(key).or_insert(version);
                }
            }
        }
    }
    found.anomalies
}

impl Found<'_> {
    fn add(&mut self, kind: AnomalyKind, key: u32, witness: &[u32], sentence: String) {
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        if *count <= TOLD_MAX {
            let mut witness = witness.to_vec();
            witness.dedup();
            self.anomalies.push(Anomaly {
                kind,
                key: Some(self.all.keys[key as usize].to_string()),
                witness,
                sentence,
            });
        }
    }

    /// A read against what was written.
    fn read(&mut self, reader: u32, key: u32, version: Version) {
        let (value, on) = (self.all.value(version).clone(), self.all.keys[key as usize].clone());
        let Version::Written(write) = version else {
            if let Version::Nobody(_) = version {
                let sentence = format!("T{reader} read {value} in {on}, which nobody wrote");
                self.add(AnomalyKind::PhantomRead, key, &[reader], sentence);
            }
            return;
        };
        let write = &self.all.writes[write as usize];
        let (writer, last) = (write.transaction, write.last);
        if self.all.txns[writer as usize].completion == Completion::Fail {
            let sentence = format!("T{reader} read {value} in {on}, which T{writer} wrote, and T{writer} failed");
            self.add(AnomalyKind::G1a, key, &[writer, reader], sentence);
        } else if !last && writer != reader {
            let sentence = format!("T{reader} read {value} in {on}, but T{writer} wrote more to it afterwards");
            self.add(AnomalyKind::G1b, key, &[writer, reader], sentence);
        }
    }

    /// A read against what its transaction had read or written before.
    fn internal(&mut self, reader: u32, key: u32, version: Version, before: Option<Version>) {
        let (value, on) = (self.all.value(version).clone(), self.all.keys[key as usize].clone());
        let own = match version {
            Version::Written(write) => self.all.writes[write as usize].transaction == reader,
            Version::Initial | Version::Nobody(_) => false,
        };
        let written = |write: u32| {
            let accesses = self.all.txns[reader as usize].accesses.iter();
            let place = |wanted: &dyn Fn(&Access) -> bool| accesses.clone().position(wanted);
            let write = place(&|access| matches!(access, Access::Write { write: other, .. } if *other == write));
            let read = place(
                &|access| matches!(access, Access::Read { key: other, version: seen } if (*other, *seen) == (key, version)),
            );
            write < read
        };
        let future = own && matches!(version, Version::Written(write) if !written(write));
        if future {
            let sentence =
                format!("T{reader} read {value} in {on} and wrote it only afterwards: so it precedes itself");
            self.add(AnomalyKind::G1c, key, &[reader], sentence);
        }
        if let Some(before) = before.filter(|before| *before != version) {
            let before = self.all.value(before).clone();
            let sentence = format!("T{reader} read {value} in {on}, where it had read or written {before} before");
            self.add(AnomalyKind::Internal, key, &[reader], sentence);
        }
    }

    fn lost_update(&mut self, key: u32, version: Version, first: u32, second: u32) {
        let (value, on) = (self.all.value(version), &self.all.keys[key as usize]);
        let sentence =
            format!("T{first} and T{second} both read {on} as {value} and wrote to it: one does not know of the other");
        self.add(AnomalyKind::LostUpdate, key, &[first, second], sentence);
    }
}

/// The anomaly of a cycle of transactions.
pub(super) fn told(all: &Registers, cycle: &[(u32, u32)], kind: AnomalyKind) -> Anomaly {
    let mut steps: Vec<(u32, u32)> = Vec::new();
    for (node, label) in cycle {
        match steps.last_mut() {
            // Between the snapshot and the commit of one transaction.
            Some(last) if last.0 == *node || last.1 == LINK => *last = (*node, *label),
            _ => steps.push((*node, *label)),
        }
    }
    if steps.len() > 1 && steps.last().map(|last| last.0) == steps.first().map(|first| first.0) {
        let first = steps.remove(0);
        if let Some(last) = steps.last_mut().filter(|last| last.1 == LINK) {
            last.1 = first.1;
        }
    }
    let closing = steps.iter().rposition(|(_, label)| matches!(*label, RW | REALTIME | PROCESS));
    let count = steps.len().max(1);
    steps.rotate_left(closing.map_or(0, |closing| (closing + 1) % count));
    let next = |at: usize| steps[(at + 1) % steps.len()].0;
    let mut chosen: Vec<usize> = (0..steps.len()).collect();
    if chosen.len() > WITNESS_MAX {
        chosen.drain(WITNESS_MAX - 1..steps.len() - 1);
    }
    let reasons: Vec<String> = chosen.iter().map(|at| reason(all, steps[*at].0, next(*at), steps[*at].1)).collect();
    let left = steps.len() - chosen.len();
    let more = if left > 0 { format!("; {left} more steps are between the last two of these") } else { String::new() };
    let names: Vec<String> = chosen
        .iter()
        .map(|at| steps[*at].0)
        .chain(steps.first().map(|first| first.0))
        .map(|one| format!("T{one}"))
        .collect();
    Anomaly {
        kind,
        key: None,
        witness: chosen.iter().map(|at| steps[*at].0).collect(),
        sentence: format!("{}{more}: so {}, which no order allows", reasons.join("; "), names.join(" < ")),
    }
}

/// Why one comes before the other.
fn reason(all: &Registers, from: u32, to: u32, label: u32) -> String {
    let reads = |reader: u32| {
        all.txns[reader as usize].accesses.iter().filter_map(|access| match *access {
            Access::Read { key, version } => Some((key, version)),
            Access::Write { .. } => None,
        })
    };
    let writes = |writer: u32| {
        all.txns[writer as usize].accesses.iter().filter_map(|access| match *access {
            Access::Write { key, write } => Some((key, write)),
            Access::Read { .. } => None,
        })
    };
    let name = |key: u32| &all.keys[key as usize];
    match label {
        REALTIME => format!("T{from} had ended before T{to} began"),
        PROCESS => format!("one process ran T{from} and then T{to}"),
        WR => {
            let read = reads(to).find_map(|(key, version)| match version {
                Version::Written(write) if all.writes[write as usize].transaction == from => Some((key, version)),
                Version::Written(_) | Version::Initial | Version::Nobody(_) => None,
            });
            read.map_or_else(String::new, |(key, version)| {
                format!("T{to} read {} in {}, which T{from} wrote", all.value(version), name(key))
            })
        }
        RW => {
            let both = reads(from)
                .find_map(|(key, version)| Some((key, version, writes(to).find(|(other, _)| *other == key)?.1)));
            both.map_or_else(String::new, |(key, version, write)| {
                let (seen, next) = (all.value(version), all.value(Version::Written(write)));
                format!("T{from} read {} as {seen}, before T{to} wrote {next}", name(key))
            })
        }
        _ => {
            let both =
                writes(from).find_map(|(key, one)| Some((key, one, writes(to).find(|(other, _)| *other == key)?.1)));
            both.map_or_else(String::new, |(key, one, other)| {
                let (one, other) = (all.value(Version::Written(one)), all.value(Version::Written(other)));
                format!("T{from} wrote {one} to {} before T{to} wrote {other}", name(key))
            })
        }
    }
}
