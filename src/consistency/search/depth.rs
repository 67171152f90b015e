//! One line at a time, as deep as it goes, with a memory of what did not work (Wing and Gong 1993, Lowe 2017).
//!
//! A place in the search is the set of required operations that stand in the line so far, the counts of used optional ones and
//! the state; a place that was left without success is never entered again. All required operations before some point are in the
//! set and almost none behind another, so only the words of the bit set between the two are kept, and the hash changes by one
//! term for each operation. An operation that can take effect and does not change the state takes it at once, and
//! nothing else is tried there: whatever works without it still works with it.

use super::problem::Problem;
use super::{Dead, Progress, Search, Turn};
use crate::intern::{NONE, mix, number_of, slot_of, soon, soon_with};
use crate::model::Machine;

/// One operation in the line, and what to go back to.
#[derive(Clone, Copy)]
struct Frame {
    /// The candidate that was taken.
    taken: u32,
    /// Before it.
    state: u32,
    low: u32,
    /// Nothing else is to be tried in its place.
    forced: bool,
}

pub(crate) struct Depth {
    /// Required operations in the line, by number (they are numbered by their calls).
    done: Vec<u64>,
    /// How many are.
    count: usize,
    /// The first that is not.
    low: u32,
    /// Above all that are.
    high: u32,
    /// Used of each class.
    used: Vec<u32>,
    state: u32,
    hash: u64,
    frames: Vec<Frame>,
    /// The next candidate to try here: required operations, then classes; none yet when the place is new.
    cursor: Option<u32>,
    seen: Seen,
    /// The most operations that were in a line, and the one that had to come next.
    deepest: (usize, Option<u32>),
}

impl Depth {
    pub(crate) fn new(problem: &Problem, machine: &impl Machine) -> Self {
        Self {
            done: vec![0; problem.required.len() / 64 + 1],
            count: 0,
            low: 0,
            high: 0,
            used: vec![0; problem.classes.len()],
            state: machine.initial(),
            hash: 0,
            frames: Vec::with_capacity(problem.required.len()),
            cursor: None,
            seen: Seen { slots: vec![0; 64], used: 0, words: vec![0], scratch: Vec::new() },
            deepest: (0, None),
        }
    }

    fn is_done(&self, operation: u32) -> bool {
        self.done[operation as usize / 64] >> (operation % 64) & 1 == 1
    }

    /// The least finish of all operations that are not in the line: nothing that starts behind it can come next.
    /// `from` is the operation that has it.
    fn bound(&self, problem: &Problem) -> (u32, Option<u32>) {
        let (mut bound, mut by) = (NONE, None);
        for operation in self.low..number_of(problem.required.len()) {
            let required = &problem.required[operation as usize];
            if required.start > bound {
                break;
            }
            if required.finish < bound && !self.is_done(operation) {
                (bound, by) = (required.finish, Some(operation));
            }
        }
        (bound, by)
    }

    /// The next candidate that can take effect, with the state after it and whether it is the only one to try.
    fn candidate<M: Machine>(&mut self, problem: &Problem, machine: &mut M) -> Option<(u32, u32, bool)> {
        let (bound, by) = self.bound(problem);
        let total = number_of(problem.required.len());
        let starts = |operation: &u32| problem.required[*operation as usize].start <= bound;
        let open = |depth: &Self, operation: &u32| !depth.is_done(*operation);
        if self.cursor.is_none() {
            if self.count > self.deepest.0 || self.deepest.1.is_none() {
                self.deepest = (self.count, by);
            }
            for operation in (self.low..total).take_while(starts).filter(|operation| open(self, operation)) {
                let required = &problem.required[operation as usize];
                if required.pure && machine.step(self.state, required.code).is_some() {
                    return Some((operation, self.state, true));
                }
            }
        }
        let from = self.cursor.unwrap_or(self.low);
        for operation in (from..total).take_while(starts).filter(|operation| open(self, operation)) {
            let required = &problem.required[operation as usize];
            // A pure one that can take effect is the only one tried at its place.
            if !required.pure
                && let Some(state) = machine.step(self.state, required.code)
            {
                return Some((operation, state, false));
            }
        }
        let first_class = from.max(total) - total;
        for (place, class) in problem.classes.iter().enumerate().skip(first_class as usize) {
            let next = class.members.get(self.used[place] as usize);
            if next.is_none_or(|(_, start)| *start > bound) {
                continue;
            }
            if let Some(state) = machine.step(self.state, class.code).filter(|&state| state != self.state) {
                return Some((total + number_of(place), state, false));
            }
        }
        None
    }

    fn take(&mut self, problem: &Problem, (taken, state, forced): (u32, u32, bool)) -> bool {
        self.frames.push(Frame { taken, state: self.state, low: self.low, forced });
        self.toggle(problem, taken, true);
        self.state = state;
        while (self.low as usize) < problem.required.len() && self.is_done(self.low) {
            self.low += 1;
        }
        self.cursor = None;
        let base = self.low as usize / 64;
        let top = (self.high as usize / 64).max(base);
        self.seen.insert(
            mix(self.hash, u64::from(state)),
            u64::from(state) << 32 | base as u64,
            &self.done[base..=top],
            &self.used,
        )
    }

    fn toggle(&mut self, problem: &Problem, taken: u32, enters: bool) {
        let total = number_of(problem.required.len());
        if taken < total {
            self.done[taken as usize / 64] ^= 1 << (taken % 64);
            self.count = if enters { self.count + 1 } else { self.count - 1 };
            self.hash ^= mix(1, u64::from(taken));
            self.high = if enters { self.high.max(taken) } else { self.high };
            return;
        }
        let used = &mut self.used[(taken - total) as usize];
        *used = if enters { *used } else { *used - 1 };
        self.hash ^= mix(u64::from(taken), u64::from(*used) + 2);
        *used = if enters { *used + 1 } else { *used };
    }

    /// Takes the last operation out of the line; false if there is none.
    fn back(&mut self, problem: &Problem) -> bool {
        loop {
            let Some(frame) = self.frames.pop() else { return false };
            self.toggle(problem, frame.taken, false);
            (self.state, self.low, self.cursor) = (frame.state, frame.low, Some(frame.taken + 1));
            while self.high > self.low && !self.is_done(self.high) {
                self.high -= 1;
            }
            if !frame.forced {
                return true;
            }
        }
    }

    fn order(&self, problem: &Problem) -> Vec<u32> {
        let mut used = vec![0; problem.classes.len()];
        let total = problem.required.len();
        let name = |frame: &Frame| {
            let taken = frame.taken as usize;
            if taken < total {
                return problem.required[taken].index;
            }
            used[taken - total] += 1;
            problem.classes[taken - total].members[used[taken - total] - 1].0
        };
        self.frames.iter().map(name).collect()
    }
}

impl<M: Machine> Search<M> for Depth {
    fn run(&mut self, problem: &Problem, machine: &mut M, turn: &Turn<'_>) -> Progress {
        for _ in 0..turn.steps {
            if self.count == problem.required.len() {
                return Progress::Order(self.order(problem));
            }
            if turn.room.is_some_and(|room| Search::<M>::soon(self) + machine.soon() > room) {
                return Progress::Full;
            }
            // As much as is looked through for the next candidate.
            let work = (self.high.max(self.low) - self.low) as usize + self.used.len() + problem.width as usize + 1;
            if turn.meter.spent(work) {
                return Progress::Time;
            }
            let entered = match self.candidate(problem, machine) {
                Some(candidate) => self.take(problem, candidate),
                None => false,
            };
            if !entered && !self.back(problem) {
                let at = self.deepest.1.map(|operation| problem.required[operation as usize].index);
                return Progress::Broken(Dead { at, states: Vec::new() });
            }
        }
        Progress::Again
    }

    fn soon(&self) -> u64 {
        let frames = soon(self.frames.len(), self.frames.capacity(), size_of::<Frame>());
        let seen = &self.seen;
        let entry = seen.scratch.capacity() + (self.high.max(self.low) - self.low) as usize / 64 + self.used.len();
        let words = soon_with(entry, seen.words.len(), seen.words.capacity(), 8);
        let slots = seen.slots.len() as u64 * 8;
        frames + words + if (seen.used + 2) * 2 > seen.slots.len() { slots * 5 } else { slots }
    }
}

/// Places of the search that were entered, exactly: a hash only finds them.
struct Seen {
    /// Offsets into `words`; 0 is empty.
    slots: Vec<usize>,
    used: usize,
    /// Entries one after the other: hash, state and first word, lengths, words of the set, counts of used ones.
    words: Vec<u64>,
    scratch: Vec<u64>,
}

impl Seen {
    /// False if it was there already.
    fn insert(&mut self, hash: u64, head: u64, set: &[u64], used: &[u32]) -> bool {
        let set = &set[..set.len() - set.iter().rev().take_while(|word| **word == 0).count()];
        let used = &used[..used.len() - used.iter().rev().take_while(|count| **count == 0).count()];
        self.scratch.clear();
        self.scratch.extend([hash, head, (set.len() as u64) << 32 | used.len() as u64]);
        self.scratch.extend_from_slice(set);
        self.scratch
            .extend(used.chunks(2).map(|pair| pair.iter().fold(0, |word, count| word << 32 | u64::from(*count))));
        let mask = self.slots.len() - 1;
        let mut slot = slot_of(hash, mask);
        while self.slots[slot] != 0 {
            let at = self.slots[slot];
            if self.words[at..].starts_with(&self.scratch) {
                return false;
            }
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = self.words.len();
        self.words.extend_from_slice(&self.scratch);
        self.used += 1;
        if self.used * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        let mut slots = vec![0; mask + 1];
        for &at in self.slots.iter().filter(|&&at| at != 0) {
            let mut slot = slot_of(self.words[at], mask);
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = at;
        }
        self.slots = slots;
    }
}
