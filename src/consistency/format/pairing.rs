//! The order of events, and which call each completion answers. Keeps nothing but the calls that are under way, so that a
//! history of any length can pass; never guesses.

use std::collections::BTreeMap;

use super::error::{Wrong, quoted};
use crate::history::{Call, Completion, Function, Value};

/// An operation that waits for its answer.
pub(crate) struct Open {
    /// Its number: operations are counted by their calls, from 0.
    pub(crate) operation: u32,
    pub(crate) function: Function,
    key: Option<Value>,
    line: u64,
}

/// Pairs each completion with its call, process by process.
#[derive(Default)]
pub(crate) struct Pairing {
    /// What each process waits for.
    open: BTreeMap<u64, Open>,
    operations: u32,
    events: u64,
    last_moment: Option<u64>,
    last_time: Option<i64>,
    disorder: Disorder,
}

/// Stamps that disagree with the order in which the events stand.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Disorder {
    /// Events whose stamp is before that of one that stands before them.
    events: u64,
    /// By how many nanoseconds at most.
    most: u64,
    /// The line of that one.
    line: u64,
}

impl Disorder {
    /// A stamp that is before the greatest so far.
    pub(crate) fn add(&mut self, greatest: i64, time: i64, line: u64) {
        self.events += 1;
        if greatest.abs_diff(time) > self.most {
            (self.most, self.line) = (greatest.abs_diff(time), line);
        }
    }

    /// What to tell of it; loud where it cannot be the stamping that took so long.
    pub(crate) fn note(self) -> Option<String> {
        let text = match self.most {
            most if most >= 1_000_000_000 => format!("{}.{:03} s", most / 1_000_000_000, most / 1_000_000 % 1000),
            most if most >= 1_000_000 => format!("{}.{:03} ms", most / 1_000_000, most / 1000 % 1000),
            most => format!("{}.{:03} µs", most / 1000, most % 1000),
        };
        let place = if self.line == 0 { String::new() } else { format!(" (line {})", self.line) };
        let many = if self.events == 1 { "the stamp of 1 event is" } else { "the stamps of events are" };
        let count = if self.events == 1 { String::new() } else { format!("{} ", self.events) };
        let many = many.replacen("of events", &format!("of {count}events"), 1);
        let said = format!(
            "{many} before that of an earlier event, by up to {text}{place}: what was before what is taken from the order of the file"
        );
        match (self.events, self.most >= 1_000_000_000) {
            (0, _) => None,
            (_, false) => Some(format!("note: {said}")),
            (_, true) => Some(format!(
                "warning: {said}; no stamping takes that long, so if the file was merged or sorted, the verdict says nothing: \
                 record it again, or sort it by the order in which things happened"
            )),
        }
    }
}

impl Pairing {
    /// How many events there were.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// How far stamps disagree with the order of the events.
    pub(crate) fn disorder(&self) -> Disorder {
        self.disorder
    }

    /// Whether a process waits for an answer.
    pub(crate) fn is_open(&self, process: u64) -> bool {
        self.open.contains_key(&process)
    }

    /// The place of the next event in the order, which only grows.
    pub(crate) fn place(&mut self, index: Option<i64>, time: Option<i64>, line: u64) -> Result<Call, Wrong> {
        let at = match index {
            Some(index) => u64::try_from(index).map_err(|_| {
                Wrong::new(format!("index {index} is negative"), "indices count the events of a history from 0")
            })?,
            None => self.events,
        };
        if let Some(last) = self.last_moment.filter(|last| *last >= at) {
            return Err(Wrong::new(
                format!("index {at} after index {last}"),
                "events stand in the order in which they happened, each with an index of its own; sort the file by index",
            ));
        }
        // Recorders stamp each event in a thread of its own, so that neighbours differ a little: the order of the file counts.
        if let (Some(last), Some(time)) = (self.last_time, time)
            && time < last
        {
            self.disorder.add(last, time, line);
        }
        self.events += 1;
        self.last_moment = Some(at);
        self.last_time = time.max(self.last_time);
        Ok(Call { at, time: time.unwrap_or_else(|| i64::try_from(at).unwrap_or(i64::MAX)), line })
    }

    /// The process asks; the number of its operation.
    pub(crate) fn call(
        &mut self,
        process: u64,
        function: &Function,
        key: Option<&Value>,
        line: u64,
    ) -> Result<u32, Wrong> {
        if let Some(other) = self.open.get(&process) {
            return Err(Wrong::new(
                format!(
                    "process {process} calls {} while its {} of line {} has no answer",
                    quoted(function),
                    quoted(&other.function),
                    other.line
                ),
                "a process does one operation at a time; end the earlier one with ok, fail or info first",
            ));
        }
        let operation = self.operations;
        // Everything names operations by 32 bits; so many do not fit into any memory.
        self.operations = operation.checked_add(1).ok_or_else(|| {
            Wrong::new("more than 4,294,967,295 operations", "split the history by its keys and check the parts")
        })?;
        self.open.insert(process, Open { operation, function: function.clone(), key: key.cloned(), line });
        Ok(operation)
    }

    /// The process is answered; what it had asked. `saw` says whether the answer tells what was there instead.
    pub(crate) fn end(
        &mut self,
        process: u64,
        function: Option<&str>,
        key: Option<&Value>,
        completion: Completion,
        saw: bool,
    ) -> Result<Open, Wrong> {
        let Some(open) = self.open.remove(&process) else {
            return Err(Wrong::new(
                format!("an answer to nothing: process {process} has no operation under way"),
                "each ok, fail or info follows an invoke of the same process; was the file cut at the front?",
            ));
        };
        if let Some(function) = function.filter(|function| *function != &*open.function) {
            return Err(Wrong::new(
                format!(
                    "process {process} is answered about {}, but line {} called {}",
                    quoted(function),
                    open.line,
                    quoted(&open.function)
                ),
                "the answer names the function that was called",
            ));
        }
        if let (Some(called), Some(answered)) = (&open.key, key)
            && called != answered
        {
            return Err(Wrong::new(
                format!(
                    "process {process} is answered about key {}, but line {} named {}",
                    quoted(&answered.to_string()),
                    open.line,
                    quoted(&called.to_string())
                ),
                "the answer names the key that was called",
            ));
        }
        if saw && (completion != Completion::Fail || &*open.function != "cas") {
            return Err(Wrong::new(
                format!("a `saw` in the answer to {}", quoted(&open.function)),
                "only a compare-and-set that failed says what it saw instead; other answers say it with `v`",
            ));
        }
        Ok(open)
    }
}
