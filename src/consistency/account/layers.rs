//! Whether a set that only grows is linearizable, where each element is added once: without a search, in linear time (and
//! a sort of the reads by their size).
//!
//! Never searches: a set to which an element is added twice is refused ([`Refused::AddedTwice`]).
//!
//! Nothing leaves the set, so in any line of the operations each read shows all that the one before it showed. Hence the
//! reads must be a chain under inclusion, and their order in the line is that of their sizes, those of one size in any
//! order. An element that some read shows was added after the last read that lacks it and before the first that has it; one that
//! no read shows was added after all reads, or, if its outcome is unknown, never. So each operation belongs to one *layer*:
//! adds before the first reads, the reads of the smallest set, adds, the reads of the next, and so on. Inside of a layer
//! operations do not care for each other. The line of layers, each in the order of its calls, is legal; it respects real time
//! iff nothing in a later layer was over before something in an earlier one was called, and if that fails every other line
//! fails too, as the layers are forced.

use crate::allowance::{Meter, Stop};
use crate::check::{Nil, Options};
use crate::history::{Completion, History, Operation, Value};
use crate::intern::{Interner, NONE, number_of};
use crate::outcome::{Anomaly, AnomalyKind};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Refused {
    /// An element is added twice, or an operation is none of a set: only a search can tell.
    AddedTwice,
    /// A budget was used up.
    Stop(Stop),
}

impl From<Stop> for Refused {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

/// An order of the operations of one key, or why there is none. `members` are indices of the history.
pub(crate) fn check_key(
    history: &History,
    members: &[u32],
    options: &Options,
    meter: &Meter<'_>,
) -> Result<Result<Vec<u32>, Anomaly>, Refused> {
    let mut set = Set::of(history, members, options, meter)?;
    set.reads.sort_by_key(|read| read.elements.len());
    Ok(set.layers(meter)?.and_then(|layers| set.line(layers)))
}

/// One read, with the numbers of its elements, sorted.
struct Read {
    index: u32,
    elements: Vec<u32>,
}

struct Set<'a> {
    history: &'a History,
    key: Option<String>,
    /// By the number of an element: its add, by index of the history; [`NONE`] if there is none.
    adds: Vec<u32>,
    /// By the number of an element: an add that failed.
    failed: Vec<u32>,
    /// By the number of an element: whether it was there before all operations; and those that were.
    is_initial: Vec<bool>,
    initial: Vec<u32>,
    values: Vec<&'a Value>,
    reads: Vec<Read>,
}

/// Each operation with the number of its layer.
type Layers = Vec<(u32, u32)>;

impl<'a> Set<'a> {
    fn of(history: &'a History, members: &[u32], options: &'a Options, meter: &Meter<'_>) -> Result<Self, Refused> {
        let mut numbers = Interner::new();
        let elements = |value: &'a Value| match value {
            Value::Nil => Some(&[][..]),
            Value::List(elements) => Some(&**elements),
            Value::Bool(_) | Value::Int(_) | Value::Number(_) | Value::Text(_) | Value::Keyword(_) | Value::Map(_) => {
                None
            }
        };
        let initial = options.initial.as_ref().map_or(Some(&[][..]), elements).ok_or(Refused::AddedTwice)?;
        let initial: Vec<u32> = initial.iter().map(|element| numbers.number(element)).collect();
        let (mut adds, mut failed, mut reads, mut held) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for &index in members {
            let operation = &history.operations[index as usize];
            meter.spend(16)?;
            match (&*operation.function, operation.completion) {
                ("add", completion) => {
                    let element = numbers.number(&operation.input);
                    let side = if completion == Completion::Fail { &mut failed } else { &mut adds };
                    side.push((element, index));
                }
                ("read", Completion::Ok) if operation.output == Value::Nil && options.nil == Nil::Wildcard => {}
                ("read", Completion::Ok) => {
                    let shown = elements(&operation.output).ok_or(Refused::AddedTwice)?;
                    held += 64 + 4 * shown.len() as u64;
                    meter.hold(held)?;
                    meter.spend(8 * shown.len())?;
                    let mut elements: Vec<u32> = shown.iter().map(|element| numbers.number(element)).collect();
                    elements.sort_unstable();
                    reads.push(Read { index, elements });
                }
                ("read", Completion::Fail | Completion::Info) => {}
                _ => return Err(Refused::AddedTwice),
            }
        }
        let count = numbers.len() as usize;
        meter.hold(held + 40 * count as u64 + 24 * members.len() as u64)?;
        let mut set = Self {
            history,
            key: members.first().and_then(|&index| history.operations[index as usize].key_text()),
            adds: vec![NONE; count],
            failed: vec![NONE; count],
            is_initial: vec![false; count],
            initial,
            values: numbers.values().to_vec(),
            reads,
        };
        for &element in &set.initial {
            set.is_initial[element as usize] = true;
        }
        for (element, index) in adds {
            if set.adds[element as usize] != NONE || set.is_initial[element as usize] {
                return Err(Refused::AddedTwice);
            }
            set.adds[element as usize] = index;
        }
        for (element, index) in failed {
            let known = &mut set.failed[element as usize];
            *known = index.min(*known);
        }
        Ok(set)
    }

    fn at(&self, index: u32) -> &'a Operation {
        &self.history.operations[index as usize]
    }

    /// The layer of each operation that must stand in the line.
    fn layers(&self, meter: &Meter<'_>) -> Result<Result<Layers, Anomaly>, Stop> {
        let mut of_element = vec![NONE; self.values.len()];
        let mut layers = Layers::new();
        let (mut layer, mut before): (u32, Option<&Read>) = (0, None);
        for read in &self.reads {
            meter.spend(4 * (read.elements.len() + 16))?;
            if let Err(anomaly) = self.contents(read) {
                return Ok(Err(anomaly));
            }
            let lacks = before.and_then(|before| first_outside(&before.elements, &read.elements));
            if let (Some(element), Some(before)) = (lacks, before) {
                return Ok(Err(self.apart(before, read, element)));
            }
            if before.is_none_or(|before| before.elements.len() < read.elements.len()) {
                layer += 2;
                for &element in &read.elements {
                    let place = &mut of_element[element as usize];
                    *place = (*place).min(layer - 1);
                }
            }
            layers.push((layer, read.index));
            before = Some(read);
        }
        for (&place, &index) in of_element.iter().zip(&self.adds) {
            if index == NONE || (place == NONE && self.at(index).completion != Completion::Ok) {
                continue;
            }
            layers.push((place.min(layer + 1), index));
        }
        meter.spend(8 * layers.len())?;
        Ok(Ok(layers))
    }

    /// What one read shows must have been there by its end, once each, and nothing from the beginning may lack.
    fn contents(&self, read: &Read) -> Result<(), Anomaly> {
        let operation = self.at(read.index);
        let client = operation.process;
        if let Some(pair) = read.elements.windows(2).find(|pair| pair[0] == pair[1]) {
            let sentence = format!("client {client} read {} twice", self.values[pair[0] as usize]);
            return Err(self.anomaly(AnomalyKind::Duplicate, vec![read.index], &sentence));
        }
        for &element in &read.elements {
            let (value, add, failed) =
                (self.values[element as usize], self.adds[element as usize], self.failed[element as usize]);
            if self.is_initial[element as usize] {
                continue;
            }
            if add != NONE {
                if operation.finish() < self.at(add).call.at {
                    let other = self.at(add).process;
                    let sentence = format!("client {client} read {value} before client {other} began to add it");
                    return Err(self.anomaly(AnomalyKind::ReadFromTheFuture, vec![read.index, add], &sentence));
                }
            } else if failed != NONE && self.at(failed).call.at < operation.finish() {
                let other = self.at(failed).process;
                let sentence = format!("client {client} read {value}, but the add of client {other} had failed");
                return Err(self.anomaly(AnomalyKind::ReadOfFailed, vec![read.index, failed], &sentence));
            } else {
                let sentence = format!("client {client} read {value}, which nobody had added");
                return Err(self.anomaly(AnomalyKind::PhantomRead, vec![read.index], &sentence));
            }
        }
        let has = |element: &u32| read.elements.binary_search(element).is_ok();
        if let Some(element) = self.initial.iter().find(|element| !has(element)) {
            let value = self.values[*element as usize];
            let sentence = format!("client {client} did not read {value}, which was there first");
            return Err(self.anomaly(AnomalyKind::LostWrite, vec![read.index], &sentence));
        }
        Ok(())
    }

    /// Two reads of which the smaller has an element that the other lacks.
    fn apart(&self, small: &Read, large: &Read, element: u32) -> Anomaly {
        let (one, other) = (self.at(small.index), self.at(large.index));
        if one.finish() < other.call.at {
            return self.stale(large.index, element, Some(small.index));
        }
        let second = first_outside(&large.elements, &small.elements);
        if let Some(second) = second.filter(|_| other.finish() < one.call.at) {
            return self.stale(small.index, second, Some(large.index));
        }
        let second = second.map_or_else(String::new, |second| format!("{} and not ", self.values[second as usize]));
        let value = self.values[element as usize];
        let sentence = format!(
            "client {} read {value} that client {} did not read, who read {second}{value}: no order has both",
            one.process, other.process
        );
        let mut witness = vec![small.index, large.index];
        witness.extend(Some(self.adds[element as usize]).filter(|&add| add != NONE));
        self.anomaly(AnomalyKind::NotLinearizable, witness, &sentence)
    }

    /// A read that lacks an element that had been added, or that another read had shown, before it began.
    fn stale(&self, read: u32, element: u32, seen: Option<u32>) -> Anomaly {
        let (client, value, add) = (self.at(read).process, self.values[element as usize], self.adds[element as usize]);
        let how = match seen {
            Some(other) => format!("client {} had read", self.at(other).process),
            None => format!("client {} had added", self.at(add).process),
        };
        let shown = self.reads.iter().any(|read| read.elements.binary_search(&element).is_ok());
        let (kind, end) =
            if shown { (AnomalyKind::StaleRead, "") } else { (AnomalyKind::LostWrite, "; nobody ever read it") };
        let sentence = format!("client {client} did not read {value}, which {how} before that read began{end}");
        let witness = [Some(read), seen, Some(add).filter(|&add| add != NONE)];
        self.anomaly(kind, witness.into_iter().flatten().collect(), &sentence)
    }

    /// The line of layers, if it respects real time.
    fn line(&self, mut layers: Layers) -> Result<Vec<u32>, Anomaly> {
        layers.sort_by_key(|&(layer, index)| (layer, self.at(index).call.at));
        // Of all layers before this one, and of this one too, the operation that was called last.
        let (mut before, mut latest): (Option<u32>, Option<u32>) = (None, None);
        let mut current = 0;
        let called = |index: Option<u32>| index.map_or(0, |index| self.at(index).call.at);
        for &(layer, index) in &layers {
            if layer != current {
                (before, current) = (latest, layer);
            }
            if let Some(early) = before.filter(|_| self.at(index).finish() < called(before)) {
                return Err(self.swapped(early, index));
            }
            if latest.is_none() || called(latest) < self.at(index).call.at {
                latest = Some(index);
            }
        }
        Ok(layers.into_iter().map(|(_, index)| index).collect())
    }

    /// `early` must come first, but `late` was over before it was called.
    fn swapped(&self, early: u32, late: u32) -> Anomaly {
        let reads = |index: u32| self.reads.iter().find(|read| read.index == index);
        let element_of = |add: u32| number_of(self.adds.iter().position(|&known| known == add).unwrap_or(0));
        match (reads(early), reads(late)) {
            (Some(_), None) => self.stale(early, element_of(late), None),
            (Some(first), Some(second)) => {
                let element = first_outside(&second.elements, &first.elements).unwrap_or(0);
                self.stale(early, element, Some(late))
            }
            // What shows the later one's element shows that of the earlier, or was told above.
            (None, _) => {
                let (had, lacked) = (element_of(early), element_of(late));
                let shows = |element: u32, read: &&Read| read.elements.binary_search(&element).is_ok();
                let read = self.reads.iter().find(|read| shows(had, read) && !shows(lacked, read));
                let client = read.map_or(0, |read| self.at(read.index).process);
                let sentence = format!(
                    "client {client} read {} and not {}, which had been added before the add of {} began",
                    self.values[had as usize], self.values[lacked as usize], self.values[had as usize]
                );
                let witness = read.map(|read| read.index).into_iter().chain([late, early]).collect();
                self.anomaly(AnomalyKind::NotLinearizable, witness, &sentence)
            }
        }
    }

    fn anomaly(&self, kind: AnomalyKind, witness: Vec<u32>, sentence: &str) -> Anomaly {
        let prefix = self.key.as_ref().map_or(String::new(), |key| format!("{key}: "));
        Anomaly { kind, key: self.key.clone(), witness, sentence: format!("{prefix}{sentence}") }
    }
}

/// The first of some sorted numbers that is not among others.
fn first_outside(some: &[u32], others: &[u32]) -> Option<u32> {
    let mut rest = others.iter().peekable();
    some.iter().copied().find(|element| {
        while rest.next_if(|other| *other < element).is_some() {}
        rest.peek().is_none_or(|other| *other != element)
    })
}
