//! Counts what a history says, event by event, and holds none of it but what is under way: a history of any length can pass.

use std::collections::{BTreeMap, BTreeSet};

use super::contention::Contention;
use super::{Needs, Window};
use crate::history::{Call, Completion, Moment, Value};
use crate::outcome::{Budget, Outcome};

/// How often a function ended how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The function.
    pub function: String,
    /// Acknowledged.
    pub ok: u64,
    /// Certainly not done.
    pub fail: u64,
    /// Unknown, or not answered.
    pub info: u64,
}

/// What was counted so far.
#[derive(Debug)]
pub struct Tally {
    needs: Needs,
    windows: Vec<Stretch>,
    counts: Vec<Count>,
    open: BTreeMap<u32, Open>,
    contention: Contention,
    /// The last event of an operation that changes something.
    quiet: Moment,
    /// Who answered a read that was called after that.
    answered: BTreeSet<String>,
}

/// An operation under way.
#[derive(Debug)]
struct Open {
    /// Its place among the counts.
    function: usize,
    called: Moment,
    is_read: bool,
    node: Option<String>,
}

/// A window in the order of the events, as far as they were given: stamps may disagree with that order.
#[derive(Debug)]
struct Stretch {
    window: Window,
    /// The first event whose stamp is not before the window.
    from: Option<Moment>,
    /// The last event whose stamp is not behind it.
    to: Option<Moment>,
    /// For each function that is needed, operations in the window.
    done: Vec<usize>,
    /// Those that were called after `to`: they are in it if a later event is not behind it.
    behind: Vec<usize>,
}

impl Stretch {
    fn event(&mut self, event: Call) {
        if event.time >= self.window.from && self.from.is_none() {
            self.from = Some(event.at);
        }
        if event.time <= self.window.to {
            self.to = Some(event.at);
            for (done, behind) in self.done.iter_mut().zip(&mut self.behind) {
                *done += std::mem::take(behind);
            }
        }
    }

    /// An operation that ends now, of the function that is needed at this place.
    fn ended(&mut self, place: usize, called: Moment) {
        if self.from.is_some() {
            let inside = self.to.is_some_and(|to| called <= to);
            let side = if inside { &mut self.done } else { &mut self.behind };
            side[place] += 1;
        }
    }
}

impl Tally {
    /// Begins to count.
    #[must_use]
    pub fn new(windows: Vec<Window>, needs: Needs) -> Self {
        let count = needs.least.len();
        let stretch = |window| Stretch { window, from: None, to: None, done: vec![0; count], behind: vec![0; count] };
        Self {
            windows: windows.into_iter().map(stretch).collect(),
            needs,
            counts: Vec::new(),
            open: BTreeMap::new(),
            contention: Contention::default(),
            quiet: 0,
            answered: BTreeSet::new(),
        }
    }

    /// The call of an operation; events come in their order. `keys` are those that it uses.
    pub fn call(&mut self, operation: u32, call: Call, function: &str, keys: &[Option<&Value>], node: Option<&str>) {
        self.windows.iter_mut().for_each(|window| window.event(call));
        let is_read = self.needs.reads.iter().any(|read| read == function);
        if self.needs.contended {
            self.contention.call(operation, keys, !is_read);
        }
        if !is_read {
            self.changed(call.at);
        }
        let place = self.counts.iter().position(|count| count.function == function).unwrap_or_else(|| {
            self.counts.push(Count { function: function.to_owned(), ok: 0, fail: 0, info: 0 });
            self.counts.len() - 1
        });
        self.counts[place].info += 1;
        let node = node.filter(|_| is_read).map(str::to_owned);
        self.open.insert(operation, Open { function: place, called: call.at, is_read, node });
    }

    /// The end of an operation that was called.
    pub fn end(&mut self, operation: u32, end: Call, completion: Completion, node: Option<&str>) {
        self.windows.iter_mut().for_each(|window| window.event(end));
        let Some(open) = self.open.remove(&operation) else { return };
        self.contention.end(operation, completion);
        if !open.is_read {
            self.changed(end.at);
        }
        let count = &mut self.counts[open.function];
        count.info -= 1;
        match completion {
            Completion::Ok => count.ok += 1,
            Completion::Fail => count.fail += 1,
            Completion::Info => count.info += 1,
        }
        if completion != Completion::Ok {
            return;
        }
        let function = count.function.as_str();
        for (place, _) in self.needs.least.iter().enumerate().filter(|(_, least)| least.function == function) {
            self.windows.iter_mut().for_each(|window| window.ended(place, open.called));
        }
        if open.is_read
            && open.called > self.quiet
            && let Some(node) = node.or(open.node.as_deref())
            && !self.answered.contains(node)
        {
            self.answered.insert(node.to_owned());
        }
    }

    fn changed(&mut self, at: Moment) {
        self.quiet = at;
        self.answered.clear();
    }

    /// How often each function ended how, by name.
    #[must_use]
    pub fn counts(&self) -> Vec<Count> {
        let mut counts = self.counts.clone();
        counts.sort_by(|one, other| one.function.cmp(&other.function));
        counts
    }

    /// What the history lacks, when all events were given, as an outcome; none if it says enough.
    #[must_use]
    pub fn lacks(&self) -> Option<Outcome> {
        let mut lacks = Vec::new();
        for (place, least) in self.needs.least.iter().enumerate() {
            let count = self.counts.iter().find(|count| count.function == least.function);
            let all = count.map_or(0, |count| count.ok);
            if all < least.in_all as u64 {
                lacks.push(format!("{all} ok of {}, {} are needed", least.function, least.in_all));
            }
            for Stretch { window, done, .. } in self.windows.iter().filter(|one| one.done[place] < least.in_window) {
                let (count, needed) = (done[place], least.in_window);
                lacks.push(format!("{count} ok of {} in {}, {needed} are needed", least.function, window.name));
            }
        }
        if self.needs.contended && !self.contention.is_found() {
            lacks.push("no key was used by two clients at once".to_owned());
        }
        let wanted = self.needs.final_reads.iter();
        let silent: Vec<&str> =
            wanted.filter(|replica| !self.answered.contains(*replica)).map(String::as_str).collect();
        if !silent.is_empty() {
            lacks.push(format!("no final read from {}", silent.join(", ")));
        }
        (!lacks.is_empty()).then(|| Outcome::Unknown(Budget::Evidence(lacks.join("; "))))
    }
}
