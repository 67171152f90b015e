//! Transactions of registers out of a history: who wrote what each of them read. Judges nothing.

use std::collections::BTreeMap;

use crate::allowance::{Meter, Stop};
use crate::append::Claim;
use crate::append::from_history::Ranks;
use crate::format::ReadError;
use crate::history::{Completion, History, Operation, Value};

pub(super) const NEVER: u32 = u32::MAX;
const SHAPE: &str =
    "a transaction is a list of [w REGISTER VALUE] and [r REGISTER VALUE], as in [[:w :x 1] [:r :y nil]]";

/// What a read returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// What was there at first.
    Initial,
    /// What this write made.
    Written(u32),
    /// What nobody wrote: the number of the read.
    Nobody(u32),
}

/// One access, in the order of the transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Access {
    Read { key: u32, version: Version },
    Write { key: u32, write: u32 },
}

/// One write.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) value: Value,
    pub(super) transaction: u32,
    /// Whether it is the transaction's last to this register.
    pub(super) last: bool,
}

/// One transaction; its number is that of its operation.
#[derive(Clone, Debug)]
pub(super) struct Txn {
    pub(super) completion: Completion,
    pub(super) accesses: Vec<Access>,
    process: u64,
    /// Places of call and end among all events, from 1; `NEVER` if it did not end for certain.
    pub(super) call: u32,
    pub(super) end: u32,
    pub(super) happened: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Registers {
    pub(super) txns: Vec<Txn>,
    pub(super) writes: Vec<Write>,
    pub(super) keys: Vec<Value>,
    /// Values that nobody wrote.
    pub(super) strange: Vec<Value>,
    pub(super) initial: Value,
    pub(super) untimed: bool,
    unnamed: bool,
}

impl Registers {
    pub(super) fn of(history: &History, initial: Option<&Value>, meter: &Meter<'_>) -> Result<Self, Stop> {
        meter.hold(history.operations.len() as u64 * 200)?;
        let ranks = Ranks::of(history);
        let mut all = Self {
            initial: initial.cloned().unwrap_or_default(),
            untimed: history.operations.iter().any(Operation::is_uncalled),
            unnamed: history.operations.iter().any(Operation::is_unnamed),
            ..Self::default()
        };
        let mut keys: BTreeMap<&Value, u32> = BTreeMap::new();
        let mut writes: BTreeMap<(u32, &Value), u32> = BTreeMap::new();
        for (number, operation) in (0_u32..).zip(&history.operations) {
            meter.spend(16)?;
            let mut accesses = Vec::new();
            for (word, key, value) in micros(operation)? {
                let count = u32::try_from(keys.len()).unwrap_or(NEVER);
                let key = *keys.entry(key).or_insert(count);
                if word == "r" {
                    continue;
                }
                let write = u32::try_from(all.writes.len()).unwrap_or(NEVER);
                if *value == all.initial {
                    return Err(wrong(operation, format!("a write of {value}, which is the initial value")).into());
                }
                if let Some(first) = writes.insert((key, value), write) {
                    let first = all.writes[first as usize].transaction;
                    return Err(wrong(
                        operation,
                        format!("a write of {value} for the second time: T{first} did it before"),
                    )
                    .into());
                }
                let before = accesses.iter().rev().find_map(|access| match access {
                    Access::Write { key: other, write } if *other == key => Some(*write as usize),
                    Access::Write { .. } | Access::Read { .. } => None,
                });
                if let Some(before) = before {
                    all.writes[before].last = false;
                }
                all.writes.push(Write { value: value.clone(), transaction: number, last: true });
                accesses.push(Access::Write { key, write });
            }
            let at = number as usize;
            all.txns.push(Txn {
                completion: operation.completion,
                accesses,
                process: operation.process,
                call: ranks.calls[at].saturating_add(1),
                end: if operation.completion == Completion::Info { NEVER } else { ranks.ends[at].saturating_add(1) },
                happened: operation.completion == Completion::Ok,
            });
        }
        all.keys = vec![Value::Nil; keys.len()];
        keys.iter().for_each(|(key, number)| all.keys[*number as usize] = (*key).clone());
        all.answers(history, &keys, &writes, meter)?;
        Ok(all)
    }

    /// What was read, and what happened since it was read.
    fn answers(
        &mut self,
        history: &History,
        keys: &BTreeMap<&Value, u32>,
        writes: &BTreeMap<(u32, &Value), u32>,
        meter: &Meter<'_>,
    ) -> Result<(), Stop> {
        for (at, operation) in history.operations.iter().enumerate() {
            meter.spend(16)?;
            if operation.completion != Completion::Ok {
                continue;
            }
            let mut own = std::mem::take(&mut self.txns[at].accesses).into_iter();
            let mut accesses = Vec::new();
            for (word, key, value) in micros(operation)? {
                let key = keys[key];
                if word != "r" {
                    accesses.extend(own.next());
                    continue;
                }
                let version = match writes.get(&(key, value)) {
                    _ if *value == self.initial => Version::Initial,
                    Some(write) => Version::Written(*write),
                    None => {
                        self.strange.push(value.clone());
                        Version::Nobody(u32::try_from(self.strange.len() - 1).unwrap_or(NEVER))
                    }
                };
                accesses.push(Access::Read { key, version });
                if let Version::Written(write) = version {
                    let writer = &mut self.txns[self.writes[write as usize].transaction as usize];
                    writer.happened |= writer.completion == Completion::Info;
                }
            }
            self.txns[at].accesses = accesses;
        }
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.txns.len()
    }

    pub(super) fn numbered(&self) -> impl Iterator<Item = (u32, &Txn)> {
        (0_u32..).zip(&self.txns)
    }

    pub(super) fn moments(&self) -> Vec<(u32, u32)> {
        self.txns.iter().map(|txn| if txn.happened { (txn.call, txn.end) } else { (0, NEVER) }).collect()
    }

    /// The value of a version.
    pub(super) fn value(&self, version: Version) -> &Value {
        match version {
            Version::Initial => &self.initial,
            Version::Written(write) => &self.writes[write as usize].value,
            Version::Nobody(number) => &self.strange[number as usize],
        }
    }

    /// Each writer of something that another transaction read, with the reader.
    pub(super) fn dependencies(&self, mut each: impl FnMut(u32, u32)) {
        for (reader, txn) in self.numbered().filter(|(_, txn)| txn.happened) {
            for access in &txn.accesses {
                if let Access::Read { version: Version::Written(write), .. } = access {
                    let writer = self.writes[*write as usize].transaction;
                    if writer != reader && self.txns[writer as usize].happened {
                        each(writer, reader);
                    }
                }
            }
        }
    }

    /// Each transaction with the next of its process. What an indeterminate one did may come at any time.
    pub(super) fn sessions(&self, mut each: impl FnMut(u32, u32)) {
        let mut last: BTreeMap<u64, u32> = BTreeMap::new();
        for (number, txn) in self.numbered().filter(|(_, txn)| txn.happened && !self.unnamed) {
            if let Some(before) = last.get(&txn.process) {
                each(*before, number);
            }
            if txn.completion == Completion::Ok {
                last.insert(txn.process, number);
            }
        }
    }

    /// The claims of which the history says too little.
    pub(super) fn lacks(&self) -> Vec<(Claim, String)> {
        crate::append::judge::lacking(
            !self.txns.iter().any(|txn| txn.completion == Completion::Ok),
            self.untimed,
            self.unnamed,
        )
    }
}

type Micro<'a> = (&'a str, &'a Value, &'a Value);

/// The micro-operations of a transaction: `r` or `w`, register and value.
fn micros(operation: &Operation) -> Result<Vec<Micro<'_>>, ReadError> {
    let answered = operation.completion == Completion::Ok;
    let value = if answered { &operation.output } else { &operation.input };
    let Value::List(micros) = value else {
        return Err(wrong(operation, format!("a transaction that is no list but {value}")));
    };
    if answered && !same_shape(&operation.input, micros) {
        return Err(wrong(operation, "an answer with other micro-operations than its call".to_owned()));
    }
    let one = |micro| parts(micro).ok_or_else(|| wrong(operation, format!("a micro-operation {micro}")));
    micros.iter().map(one).collect()
}

fn parts(micro: &Value) -> Option<Micro<'_>> {
    let Value::List(parts) = micro else { return None };
    let [word, key, value] = &**parts else { return None };
    match word.word()?.trim_start_matches(':') {
        "r" => Some(("r", key, value)),
        "w" if *value != Value::Nil => Some(("w", key, value)),
        _ => None,
    }
}

/// Whether the call asked what was answered.
fn same_shape(input: &Value, answer: &[Value]) -> bool {
    let Value::List(called) = input else { return false };
    let same = |called: &Value, answered: &Value| match (parts(called), parts(answered)) {
        (Some(called), Some(answered)) => {
            (called.0, called.1) == (answered.0, answered.1) && (called.0 == "r" || called.2 == answered.2)
        }
        _ => called == answered,
    };
    called.len() == answer.len() && called.iter().zip(answer).all(|(called, answered)| same(called, answered))
}

fn wrong(operation: &Operation, what: String) -> ReadError {
    let line = operation.end.filter(|_| operation.completion == Completion::Ok).unwrap_or(operation.call).line;
    let why = if what.starts_with("a write") {
        "each value may be written to a register once, else nobody can tell whose it is; the model multi-register can"
    } else {
        SHAPE
    };
    ReadError { line, column: 1, what, why: why.to_owned() }
}

impl Registers {
    /// What a transaction read of each register before it wrote to it.
    pub(super) fn outside(&self, txn: &Txn) -> Vec<(u32, Version)> {
        let mut found: Vec<(u32, Version)> = Vec::new();
        let mut touched: Vec<u32> = Vec::new();
        for access in &txn.accesses {
            let (Access::Read { key, .. } | Access::Write { key, .. }) = access;
            if touched.contains(key) {
                continue;
            }
            touched.push(*key);
            if let (Access::Read { version, .. }, Completion::Ok) = (access, txn.completion) {
                found.push((*key, *version));
            }
        }
        found
    }
}
