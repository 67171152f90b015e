//! A set of acknowledged unique elements, read back from every replica. What is gone is the RPO. Reads no file.
//!
//! A *final* read was called after every add had ended. An acknowledged element that no final read shows is lost; one that
//! only some show means that replicas differ. An indeterminate element may appear at any time, but once it was read it
//! is there. What was in the set before all operations counts as acknowledged. Reads in between may be stale: whether the set
//! is linearizable is asked elsewhere (`layers`).

use std::collections::{BTreeMap, BTreeSet};

use super::findings::{Findings, Numbered, by_key, done, list, of, some, who, within};
use crate::allowance::{Allowance, Meter, Stop};
use crate::check::{Nil, Options};
use crate::format::{ReadError, unique_inputs};
use crate::history::{Completion, History, Moment, Operation, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// Accounts for every element. Of the options, the elements before all operations (a list) and what a read of nil says count.
///
/// # Errors
/// The first operation that is not of a set, and the second add of one element.
pub fn check(history: &History, options: &Options, allowance: Allowance<'_>) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| account(history, options, findings, meter))
}

fn account(history: &History, options: &Options, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
    unique_inputs(history, "add", meter)?;
    for operations in by_key(history, "set", &["add", "read"], meter)?.values() {
        let set = Set::of(operations, options, meter)?;
        set.contents(findings, meter)?;
        set.last(findings, meter)?;
    }
    Ok(())
}

/// Acknowledged adds that no final read shows: the RPO. None where a set had no final read, so that nobody knows.
///
/// # Errors
/// As [`check`].
pub fn lost(history: &History) -> Result<Option<Vec<u32>>, ReadError> {
    match count_lost(history, &Allowance::unlimited().meter()) {
        Ok(lost) => Ok(lost),
        Err(Stop::Input(error)) => Err(error),
        // There is none.
        Err(Stop::Budget(_)) => Ok(None),
    }
}

fn count_lost(history: &History, meter: &Meter<'_>) -> Result<Option<Vec<u32>>, Stop> {
    unique_inputs(history, "add", meter)?;
    let mut all = Vec::new();
    let options = Options::default();
    for operations in by_key(history, "set", &["add", "read"], meter)?.values() {
        let set = Set::of(operations, &options, meter)?;
        if set.final_reads().next().is_none() {
            return Ok(None);
        }
        all.extend(set.missing().into_iter().filter(|(_, shown)| *shown == 0).map(|(add, _)| set.adds[add].0));
    }
    Ok(Some(all))
}

/// One read, with its elements as places in `adds`; those that nobody added are left out.
struct Read<'a> {
    number: u32,
    operation: &'a Operation,
    elements: &'a [Value],
    known: Vec<usize>,
}

/// One set: its adds and its reads that are known.
struct Set<'a> {
    key: Option<&'a Value>,
    adds: Vec<Numbered<'a>>,
    places: BTreeMap<&'a Value, usize>,
    /// What was there before all operations.
    initial: BTreeSet<&'a Value>,
    reads: Vec<Read<'a>>,
    /// After this moment nothing was added any more.
    quiet: Moment,
}

impl<'a> Set<'a> {
    fn of(operations: &[Numbered<'a>], options: &'a Options, meter: &Meter<'_>) -> Result<Self, Stop> {
        let adds: Vec<Numbered<'_>> = of(operations, "add").collect();
        let places: BTreeMap<&Value, usize> =
            adds.iter().enumerate().map(|(place, (_, add))| (&add.input, place)).collect();
        let mut reads = Vec::new();
        for (number, operation) in done(operations, "read") {
            if operation.output == Value::Nil && options.nil == Nil::Wildcard {
                continue;
            }
            let elements = list(operation, "a set", &operation.output)?;
            meter.spend(16 * (elements.len() + 1))?;
            let mut known: Vec<usize> = elements.iter().filter_map(|element| places.get(element)).copied().collect();
            known.sort_unstable();
            known.dedup();
            reads.push(Read { number, operation, elements, known });
        }
        let quiet = adds.iter().map(|(_, add)| add.end.unwrap_or(add.call).at).max().unwrap_or(0);
        let key = operations.first().and_then(|(_, operation)| operation.key.as_ref());
        let initial = match &options.initial {
            Some(Value::List(elements)) => elements.iter().collect(),
            _ => BTreeSet::new(),
        };
        Ok(Self { key, adds, places, initial, reads, quiet })
    }

    fn final_reads(&self) -> impl Iterator<Item = &Read<'a>> {
        self.reads.iter().filter(|read| read.operation.call.at > self.quiet)
    }

    /// What each read shows: twice, of nobody, of a failure, or of the future.
    fn contents(&self, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
        for read in &self.reads {
            meter.spend(16 * (read.elements.len() + 1))?;
            let mut sorted: Vec<&Value> = read.elements.iter().collect();
            sorted.sort_unstable();
            for pair in sorted.windows(2).filter(|pair| pair[0] == pair[1]) {
                let witness: Vec<u32> = self
                    .places
                    .get(pair[0])
                    .map(|place| self.adds[*place].0)
                    .into_iter()
                    .chain([read.number])
                    .collect();
                let sentence = format!("{} read {} twice, which was added once", who(read.operation), pair[0]);
                findings.add(AnomalyKind::Duplicate, self.key, &witness, sentence);
            }
            for element in read.elements.iter().filter(|element| !self.initial.contains(*element)) {
                let Some(place) = self.places.get(element) else {
                    let sentence = format!("{} read {element}, which nobody added", who(read.operation));
                    findings.add(AnomalyKind::PhantomRead, self.key, &[read.number], sentence);
                    continue;
                };
                let (number, add) = self.adds[*place];
                if add.completion == Completion::Fail {
                    let sentence =
                        format!("{} read {element}, but the add of {} had failed", who(read.operation), who(add));
                    findings.add(AnomalyKind::ReadOfFailed, self.key, &[number, read.number], sentence);
                } else if read.operation.finish() < add.call.at {
                    let sentence =
                        format!("{} read {element} before {} began to add it", who(read.operation), who(add));
                    findings.add(AnomalyKind::ReadFromTheFuture, self.key, &[read.number, number], sentence);
                }
            }
        }
        Ok(())
    }

    /// Acknowledged adds that not every final read shows, with the number of those that do.
    fn missing(&self) -> Vec<(usize, usize)> {
        let mut shown = vec![0; self.adds.len()];
        let mut reads = 0;
        for read in self.final_reads() {
            reads += 1;
            read.known.iter().for_each(|place| shown[*place] += 1);
        }
        let acknowledged = |place: &usize| self.adds[*place].1.completion == Completion::Ok;
        (0..self.adds.len())
            .filter(acknowledged)
            .map(|place| (place, shown[place]))
            .filter(|(_, shown)| *shown < reads)
            .collect()
    }

    /// What the final reads lack.
    fn last(&self, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
        let finals: Vec<u32> = self.final_reads().map(|read| read.number).collect();
        if finals.is_empty() {
            let key = self.key.map_or_else(|| "the set".to_owned(), ToString::to_string);
            findings.lacks(format!("no read of {key} after the last add: nobody knows what was kept"));
            return Ok(());
        }
        self.forgotten(findings, meter)?;
        let missing = self.missing();
        let lost: Vec<usize> = missing.iter().filter(|(_, shown)| *shown == 0).map(|(place, _)| *place).collect();
        if let Some(first) = lost.first() {
            let acknowledged = self.adds.iter().filter(|(_, add)| add.completion == Completion::Ok).count();
            let values: Vec<&Value> = lost.iter().map(|place| &self.adds[*place].1.input).collect();
            let sentence = format!(
                "{} of {acknowledged} acknowledged adds are in no final read: {}",
                lost.len(),
                some(values.into_iter())
            );
            let witness: Vec<u32> = [self.adds[*first].0].into_iter().chain(finals.iter().copied()).collect();
            findings.add(AnomalyKind::LostWrite, self.key, &witness, sentence);
        }
        for (place, _) in missing.iter().filter(|(_, shown)| *shown > 0) {
            // Reads between the adds are passed over too.
            meter.spend(self.reads.len() + finals.len() * 8)?;
            let has = |read: &&Read<'_>| read.known.binary_search(place).is_ok();
            let with = self.final_reads().find(has);
            let without = self.final_reads().find(|read| !has(read));
            self.differ(*place, with, without, findings);
        }
        self.vanished(findings, meter)
    }

    /// What was there before all operations and is in some final read no more.
    fn forgotten(&self, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
        for read in self.final_reads().filter(|_| !self.initial.is_empty()) {
            meter.spend(16 * (read.elements.len() + self.initial.len()))?;
            let shown: BTreeSet<&Value> = read.elements.iter().collect();
            let mut gone = self.initial.difference(&shown).peekable();
            if let Some(first) = gone.peek().copied() {
                let count = gone.count();
                let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
                let sentence = format!("{} did not read {first}{more}, which was there first", who(read.operation));
                findings.add(AnomalyKind::LostWrite, self.key, &[read.number], sentence);
            }
        }
        Ok(())
    }

    fn differ(&self, place: usize, with: Option<&Read<'_>>, without: Option<&Read<'_>>, findings: &mut Findings) {
        if let (Some(with), Some(without)) = (with, without) {
            let (number, add) = self.adds[place];
            let sentence = format!(
                "after everything had settled {} read {} and {} did not",
                who(with.operation),
                add.input,
                who(without.operation)
            );
            findings.add(AnomalyKind::Divergence, self.key, &[number, with.number, without.number], sentence);
        }
    }

    /// Indeterminate elements that a final read shows and a later one does not.
    fn vanished(&self, findings: &mut Findings, meter: &Meter<'_>) -> Result<(), Stop> {
        let mut first: BTreeMap<usize, &Read<'_>> = BTreeMap::new();
        for read in self.final_reads() {
            for place in read.known.iter().filter(|place| self.adds[**place].1.completion == Completion::Info) {
                let earliest = first.entry(*place).or_insert(read);
                if read.operation.finish() < earliest.operation.finish() {
                    *earliest = read;
                }
            }
        }
        for (place, seen) in first {
            meter.spend(self.reads.len())?;
            let lacks = |read: &&Read<'_>| {
                seen.operation.finish() < read.operation.call.at && read.known.binary_search(&place).is_err()
            };
            self.differ(place, Some(seen), self.final_reads().find(lacks), findings);
        }
        Ok(())
    }
}
