//! A flaw in a register as an anomaly: its name, at most six operations, and a sentence without times.
//!
//! Decides nothing: the flaw was found by numbers.

use super::{Before, Flaw, NONE};
use crate::check::Options;
use crate::history::{Completion, History, Operation, Value};
use crate::outcome::{Anomaly, AnomalyKind};

/// Operations of a witness at most.
pub(crate) const WITNESS_MAX: usize = 6;

/// `indices` are those of the history for the flaw's own, `members` all operations of the key.
pub(crate) fn explain(history: &History, members: &[u32], indices: &[u32], flaw: Flaw, options: &Options) -> Anomaly {
    let teller = Teller { history, members, indices, options };
    let (kind, mut witness, sentence) = match flaw {
        Flaw::NobodyWrote { reader } => teller.nobody_wrote(reader),
        Flaw::TwoFrom { first, second } => teller.two_from(first, second),
        Flaw::Ring { members } => teller.ring(&members),
        Flaw::Inside { earlier, later, chain } => teller.inside(earlier, later, &chain),
        Flaw::Between { there, back } => teller.between(&there, &back),
    };
    teller.observe(&mut witness);
    let key = members.first().and_then(|&index| history.operations[index as usize].key_text());
    let prefix = key.as_ref().map_or(String::new(), |key| format!("{key}: "));
    Anomaly { kind, key, witness, sentence: format!("{prefix}{sentence}") }
}

struct Teller<'a> {
    history: &'a History,
    members: &'a [u32],
    indices: &'a [u32],
    options: &'a Options,
}

type Told = (AnomalyKind, Vec<u32>, String);

impl<'a> Teller<'a> {
    fn at(&self, index: u32) -> &'a Operation {
        &self.history.operations[self.indices[index as usize] as usize]
    }

    /// All operations of the key.
    fn all(&self) -> impl Iterator<Item = (u32, &'a Operation)> + use<'_, 'a> {
        self.members.iter().map(|&index| (index, &self.history.operations[index as usize]))
    }

    /// Those that say something: a read without an answer has seen nothing.
    fn operations(&self) -> impl Iterator<Item = (u32, &'a Operation)> + use<'_, 'a> {
        self.indices.iter().map(|&index| (index, &self.history.operations[index as usize]))
    }

    fn initial(&self) -> &'a Value {
        self.options.initial.as_ref().unwrap_or(&Value::Nil)
    }

    /// The witness, in the order in which to tell it, each once.
    fn witness(&self, parts: &[&[u32]]) -> Vec<u32> {
        let mut witness = Vec::new();
        for &index in parts.iter().copied().flatten().filter(|&&index| index != NONE) {
            let index = self.indices[index as usize];
            if !witness.contains(&index) && witness.len() < WITNESS_MAX {
                witness.push(index);
            }
        }
        witness
    }

    /// Adds, for indeterminate operations that must have happened, those that saw what they did, as far as there is room.
    fn observe(&self, witness: &mut Vec<u32>) {
        while witness.len() < WITNESS_MAX {
            let operations: Vec<_> = witness.iter().map(|&index| &self.history.operations[index as usize]).collect();
            let mut forced: Vec<_> = operations.iter().map(|other| other.is_certain()).collect();
            for _ in 0..WITNESS_MAX {
                for (place, operation) in operations.iter().enumerate() {
                    let mut readers = operations.iter().zip(&forced).filter(|(_, forced)| **forced);
                    let seen =
                        readers.any(|(reader, _)| operation.set().is_some() && reader.found() == operation.set());
                    forced[place] |= seen && operation.counts();
                }
            }
            let mut open = operations.iter().zip(&forced).rev().filter(|(other, forced)| other.counts() && !**forced);
            let reader = |(open, _): (&&Operation, _)| {
                let readers = self.operations().filter(|(_, other)| other.found() == open.set());
                let new = readers.filter(|(index, _)| open.set().is_some() && !witness.contains(index));
                new.min_by_key(|(_, other)| !other.is_certain())
            };
            let Some((index, _)) = open.find_map(reader) else { return };
            witness.push(index);
        }
    }

    fn nobody_wrote(&self, reader: u32) -> Told {
        let operation = self.at(reader);
        let value = operation.found().unwrap_or(&Value::Nil);
        let mut witness = self.witness(&[&[reader]]);
        let seen = did(operation);
        let failed = self.all().find(|(_, other)| other.completion == Completion::Fail && other.meant() == Some(value));
        // What was called when the read was over is not where it came from.
        if let Some((index, other)) = failed.filter(|(_, other)| other.call.at < operation.finish()) {
            witness.push(index);
            let sentence =
                format!("{seen}, but {value} is of a write of client {} that failed for sure", other.process);
            return (AnomalyKind::ReadOfFailed, witness, sentence);
        }
        let why = match failed {
            Some((index, _)) => {
                witness.push(index);
                format!("before anybody called a write of {value}")
            }
            None => format!("but nobody wrote {value}"),
        };
        (AnomalyKind::PhantomRead, witness, format!("{seen}, {why}{}", self.hint(value)))
    }

    /// A history does not say what was there first.
    fn hint(&self, value: &Value) -> String {
        initial_hint(self.options, value)
    }

    fn two_from(&self, first: u32, second: u32) -> Told {
        let value = self.at(first).found().unwrap_or(&Value::Nil);
        let mut witness = self.witness(&[&[first, second]]);
        let writer = self.operations().find(|(_, other)| other.set() == Some(value));
        let once = match writer {
            Some((index, other)) => {
                witness.push(index);
                format!("written only once, by client {}", other.process)
            }
            None => "the initial value and never written again".to_owned(),
        };
        let sentence =
            format!("{} and {}, but {value} was {once}: a lost update", did(self.at(first)), did(self.at(second)));
        (AnomalyKind::LostUpdate, witness, sentence)
    }

    fn ring(&self, members: &[u32]) -> Told {
        let shown: Vec<_> = members.iter().take(WITNESS_MAX).map(|&index| did(self.at(index))).collect();
        let more = members.len() - shown.len();
        let others = if more > 0 { format!(" (and {more} more)") } else { String::new() };
        let sentence = format!("{}{others}: each needs the one before, around", listed(&shown));
        (AnomalyKind::NotLinearizable, self.witness(&[members]), sentence)
    }

    fn inside(&self, earlier: u32, later: u32, chain: &[u32]) -> Told {
        let (first, last) = (self.at(earlier), self.at(later));
        let witness = self.witness(&[&[later, earlier], chain]);
        let (value, now) = (state_after(first), state_after(last));
        let cut = cut_short(chain.len() + 2);
        if first.set().is_none() {
            // A compare-and-set from the very value that was read says by itself what it was changed to.
            let changed = if last.found() == Some(value) {
                cut.to_owned()
            } else {
                format!(", and {value} had been changed to {now} by then{cut}")
            };
            let sentence =
                format!("{}, but {} before that read began{changed}: a stale read", did(first), had_already(last));
            return (AnomalyKind::StaleRead, witness, sentence);
        }
        let between = if last.found() == Some(value) {
            String::new()
        } else {
            format!(", which comes from {value} by compare-and-sets{cut},")
        };
        let sentence = format!(
            "{}{between} and was done before client {} began to write {value}{}",
            did(last),
            first.process,
            self.hint(last.found().unwrap_or(&Value::Nil))
        );
        (AnomalyKind::ReadFromTheFuture, witness, sentence)
    }

    fn between(&self, there: &Before, back: &Before) -> Told {
        let (stale, newer, began) = (self.at(back.started), self.at(back.finished), self.at(there.started));
        let chains = [back.chain.as_slice(), there.chain.as_slice()];
        let witness =
            self.witness(&[&[back.started, back.finished, there.finished, there.started], chains[0], chains[1]]);
        let old = if there.finished == NONE {
            format!("and {} is the initial value", self.initial())
        } else {
            let older = self.at(there.finished);
            let what = infinitive(began);
            format!("and client {} {} before client {} began to {what}", older.process, had(older), began.process)
        };
        let cut = cut_short(back.chain.len() + there.chain.len() + 2);
        let lost = self.is_lost(newer, stale);
        let name = if lost { "an acknowledged write is lost" } else { "a stale read" };
        let kind = if lost { AnomalyKind::LostWrite } else { AnomalyKind::StaleRead };
        let what = if stale.set().is_none() { "read" } else { "operation" };
        let sentence =
            format!("{}, but {} before that {what} began, {old}{cut}: {name}", did(stale), had_already(newer));
        (kind, witness, sentence)
    }

    /// An acknowledged write that nobody ever saw, while the last read of all still shows what was before.
    fn is_lost(&self, newer: &Operation, stale: &Operation) -> bool {
        let Some(value) = newer.set() else { return false };
        let ok = || self.operations().map(|(_, other)| other).filter(|other| other.is_certain());
        let last = ok().filter(|other| other.set().is_none()).last();
        newer.completion == Completion::Ok
            && !ok().any(|other| other.found() == Some(value))
            && last.is_some_and(|last| Some(state_after(last)) == stale.found())
    }
}

/// What to do where a value that was read before anybody wrote it may have been there first.
pub(crate) fn initial_hint(options: &Options, value: &Value) -> String {
    match options.initial {
        Some(_) => String::new(),
        None => format!("; if {value} is the initial value, say --initial {value}"),
    }
}

/// `a, b and c`.
fn listed(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn cut_short(operations: usize) -> &'static str {
    if operations > WITNESS_MAX { " (not all compare-and-sets are shown)" } else { "" }
}

fn state_after(operation: &Operation) -> &Value {
    operation.set().or(operation.found()).unwrap_or(&operation.output)
}

fn did(operation: &Operation) -> String {
    let client = operation.process;
    match (operation.found(), operation.set()) {
        (Some(from), Some(to)) => format!("client {client} changed {from} to {to}"),
        (None, Some(value)) => format!("client {client} wrote {value}"),
        (found, None) => format!("client {client} {}", looked(operation, found, ["read", "saw"])),
    }
}

fn had(operation: &Operation) -> String {
    match (operation.found(), operation.set()) {
        (Some(from), Some(to)) => format!("had changed {from} to {to}"),
        (None, Some(value)) => format!("had written {value}"),
        (found, None) => format!("had {}", looked(operation, found, ["read", "seen"])),
    }
}

/// A read, or a compare-and-set that failed and says what it saw; the verbs of the two.
fn looked(operation: &Operation, found: Option<&Value>, [read, saw]: [&str; 2]) -> String {
    let found = found.unwrap_or(&Value::Nil);
    match operation.saw {
        None => format!("{read} {found}"),
        Some(_) => format!("{saw} {found} in a compare-and-set that failed"),
    }
}

fn had_already(operation: &Operation) -> String {
    format!("client {} {}", operation.process, had(operation).replacen("had ", "had already ", 1))
}

fn infinitive(operation: &Operation) -> String {
    match (operation.found(), operation.set()) {
        (Some(from), Some(to)) => format!("change {from} to {to}"),
        (None, Some(value)) => format!("write {value}"),
        (found, None) => looked(operation, found, ["read", "see"]),
    }
}
