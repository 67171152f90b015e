//! Joins each call with its completion, process by process. Reads no text and never guesses which call was answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::{Wrong, quoted};
use super::pairing::{Disorder, Pairing};
use crate::allowance::{Meter, Stop};
use crate::history::{Call, Completion, Function, History, Operation, UNNAMED, Value, held};

/// Words that are shared.
const WORDS_MAX: usize = 10_000;
/// Bytes of an operation, without its values.
const OPERATION: usize = size_of::<Operation>();

/// What one event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventType {
    Invoke,
    End(Completion),
}

impl EventType {
    pub(super) fn parse(word: &str) -> Result<Self, Wrong> {
        match word {
            "invoke" => Ok(Self::Invoke),
            "ok" => Ok(Self::End(Completion::Ok)),
            "fail" => Ok(Self::End(Completion::Fail)),
            "info" => Ok(Self::End(Completion::Info)),
            _ => Err(Wrong::new(
                format!("unknown type {}", quoted(word)),
                "the type of an event is invoke, ok, fail or info",
            )),
        }
    }
}

/// One event as it stands in a file.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) line: u64,
    pub(super) index: Option<i64>,
    pub(super) time: Option<i64>,
    pub(super) process: Option<u64>,
    pub(super) kind: EventType,
    pub(super) function: Option<Function>,
    pub(super) key: Option<Value>,
    pub(super) value: Value,
    pub(super) node: Option<Arc<str>>,
    /// What a compare-and-set that failed found instead.
    pub(super) saw: Option<Value>,
}

/// Whether completions may stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    Needed,
    /// Not decided yet: the first event decides.
    Open,
    /// There are none: completions stand alone.
    Absent,
}

/// Collects events into operations.
pub(crate) struct Joiner<'a> {
    operations: Vec<Operation>,
    pairing: Pairing,
    calls: Calls,
    words: BTreeSet<Arc<str>>,
    /// What an event asks that does not say it.
    function: Option<Function>,
    /// Bytes that the values of the operations hold.
    values: u64,
    /// Whether more is held than may be.
    full: Option<Stop>,
    meter: &'a Meter<'a>,
}

impl<'a> Joiner<'a> {
    /// Every completion answers a call.
    pub(crate) fn strict(meter: &'a Meter<'a>) -> Self {
        Self::new(Calls::Needed, None, meter)
    }

    /// Transactions of Elle: completions may stand alone, and need no function.
    pub(super) fn transactions(meter: &'a Meter<'a>) -> Self {
        Self::new(Calls::Open, Some(Arc::from("txn")), meter)
    }

    fn new(calls: Calls, function: Option<Function>, meter: &'a Meter<'a>) -> Self {
        Self {
            operations: Vec::new(),
            pairing: Pairing::default(),
            calls,
            words: BTreeSet::new(),
            function,
            values: 0,
            full: None,
            meter,
        }
    }

    /// There will be so many events at most: no more is held for them than they need, where they may be held at all.
    pub(super) fn expect(&mut self, events: usize) {
        let operations = events.div_ceil(2);
        if self.meter.hold((operations * OPERATION) as u64).is_ok() {
            self.operations.reserve_exact(operations);
        }
    }

    /// Bytes of the operations.
    pub(super) fn held(&self) -> u64 {
        (self.operations.capacity() * OPERATION) as u64 + self.values
    }

    /// Counts what one operation more holds, and makes room for it, unless more would be held than may be.
    fn hold(&mut self, values: u64, more: usize) {
        self.values += values;
        let full = self.operations.len() + more > self.operations.capacity();
        // A vector that grows is there twice for a moment.
        let room = if full { (self.operations.len() / 4).max(1024) } else { 0 };
        let soon = if full { self.operations.capacity() + room } else { 0 };
        match self.meter.hold(self.held() + (soon * OPERATION) as u64) {
            Ok(()) if full => self.operations.reserve_exact(room),
            Ok(()) => {}
            Err(stop) => self.full = Some(stop),
        }
    }

    /// Whether the time or the memory for reading is used up; what has been joined so far is then of no use.
    pub(super) fn is_over(&self) -> bool {
        self.full.is_some() || self.meter.spent(16)
    }

    /// Goes on, unless the time or the memory for reading is used up.
    pub(super) fn go_on(&self) -> Result<(), Stop> {
        match &self.full {
            Some(stop) => Err(stop.clone()),
            None => self.meter.spend(16),
        }
    }

    /// One shared copy of a word that comes again and again.
    pub(super) fn word(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.words.get(word) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(word);
        // Words are few; keys of a large history may not be, and those need not be shared.
        if self.words.len() < WORDS_MAX {
            self.words.insert(Arc::clone(&new));
        }
        new
    }

    pub(super) fn push(&mut self, event: Event) -> Result<(), Wrong> {
        let call = self.pairing.place(event.index, event.time, event.line)?;
        if self.calls == Calls::Open {
            self.calls = if event.kind == EventType::Invoke { Calls::Needed } else { Calls::Absent };
        }
        self.room(&event);
        if self.full.is_some() {
            // Whoever reads is told so before the next event.
            return Ok(());
        }
        match event.kind {
            EventType::Invoke if self.calls == Calls::Absent => Err(Wrong::new(
                "a call in a history of completions",
                "a history has a call for each completion, or no calls at all",
            )),
            EventType::Invoke => self.call(event, call),
            EventType::End(completion) if self.calls == Calls::Absent => self.alone(event, completion, call),
            EventType::End(completion) => self.end(event, completion, call),
        }
    }

    /// Makes room for an event.
    fn room(&mut self, event: &Event) {
        let key = event.key.as_ref().map_or(0, Value::held);
        let node = event.node.as_ref().filter(|_| self.words.len() >= WORDS_MAX).map_or(0, |node| held(node.len()));
        let saw = event.saw.as_ref().map_or(0, |saw| saw.held() + held(size_of::<Value>()));
        let (value, alone) = (event.value.held(), self.calls == Calls::Absent);
        match event.kind {
            EventType::Invoke => self.hold(key + value + node, 1),
            EventType::End(_) if alone => self.hold(key + value + node, 1),
            EventType::End(Completion::Ok) => self.hold(value + node, 0),
            EventType::End(Completion::Fail | Completion::Info) => self.hold(saw + node, 0),
        }
    }

    fn call(&mut self, event: Event, call: Call) -> Result<(), Wrong> {
        let process = self.process(event.process)?;
        if process == UNNAMED && self.pairing.is_open(UNNAMED) {
            return Err(Wrong::new(
                "a call without a process while another one is open",
                "nobody can tell which of the two the next completion answers: give each event its :process",
            ));
        }
        let function = event.function.or_else(|| self.function.clone()).ok_or_else(no_function)?;
        self.pairing.call(process, &function, event.key.as_ref(), call.line)?;
        self.operations.push(Operation {
            process,
            function,
            key: event.key,
            input: event.value,
            output: Value::Nil,
            completion: Completion::Info,
            saw: None,
            call,
            end: None,
            node: event.node,
        });
        Ok(())
    }

    fn end(&mut self, event: Event, completion: Completion, end: Call) -> Result<(), Wrong> {
        let process = self.process(event.process)?;
        if process == UNNAMED && !self.pairing.is_open(UNNAMED) {
            return Err(Wrong::new(
                "a completion without a process, and no call without one is open",
                "give each event its :process, or take the calls out of the file",
            ));
        }
        let saw = event.saw.is_some();
        let open = self.pairing.end(process, event.function.as_deref(), event.key.as_ref(), completion, saw)?;
        let operation = &mut self.operations[open.operation as usize];
        operation.saw = event.saw.map(Box::new);
        operation.completion = completion;
        operation.end = Some(end);
        if completion == Completion::Ok {
            operation.output = event.value;
        }
        operation.node = event.node.or(operation.node.take());
        Ok(())
    }

    /// A completion without a call: it began before everything.
    fn alone(&mut self, event: Event, completion: Completion, end: Call) -> Result<(), Wrong> {
        let function = event.function.or_else(|| self.function.clone()).ok_or_else(no_function)?;
        self.operations.push(Operation {
            process: event.process.unwrap_or(UNNAMED),
            function,
            key: event.key,
            input: event.value.clone(),
            output: if completion == Completion::Ok { event.value } else { Value::Nil },
            completion,
            saw: None,
            call: Call { at: 0, ..end },
            end: Some(end),
            node: event.node,
        });
        Ok(())
    }

    /// The process of an event; transactions need none.
    fn process(&self, named: Option<u64>) -> Result<u64, Wrong> {
        named.or_else(|| self.function.as_ref().map(|_| UNNAMED)).ok_or_else(no_process)
    }

    /// What there is to tell of how the events stand in the file.
    pub(crate) fn disorder(&self) -> Disorder {
        self.pairing.disorder()
    }

    /// The history; calls that nobody answered are indeterminate.
    pub(crate) fn finish(self) -> History {
        History { operations: self.operations }
    }
}

fn no_process() -> Wrong {
    Wrong::new("an event without a process", "each event names the process whose call or completion it is")
}

fn no_function() -> Wrong {
    Wrong::new("a call without a function", "each call says what was asked: read, write, cas, add, txn, …")
}
