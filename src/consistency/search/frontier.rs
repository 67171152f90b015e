//! All configurations that explain the history so far, event by event (just-in-time linearization, Lowe 2017).
//!
//! A configuration is a state with the running operations that already took effect and the counts of optional ones that were
//! used. Operations take effect as late as possible: only when one of them returns. Four rules keep the sets small:
//!
//! * *Pure operations at once*: one that does not change the state takes effect in every configuration in which it can.
//!   Whatever explains the rest without it still does with it.
//! * *Symmetry*: optional operations with one code are a counter. Exchanging two of them in a line, such that the one called
//!   first stands first, keeps it legal and in real time.
//! * *Need*: an optional operation is used only where something else that is there needs what it leaves behind.
//! * *Dominance*: with the same state and the same operations done, fewer used optional operations explain all that more do.

use super::lanes::Lanes;
use super::problem::{Event, Problem, Required};
use super::{Dead, Progress, Search, Turn};
use crate::intern::{NONE, mix, number_of, slot_of, soon_with};
use crate::model::Machine;

/// An engine with words enough for the operations that run at once and for the classes; none if there are too many.
pub(crate) fn engine<M: Machine + 'static>(problem: &Problem, machine: &M) -> Option<Box<dyn Search<M>>> {
    let initial = machine.initial();
    let lanes = Lanes::new(&problem.classes);
    match (problem.width, lanes.words()) {
        (0..=64, 0..=1) => Some(Box::new(Frontier::<1, 1>::new(problem, lanes, initial))),
        (0..=64, 2) => Some(Box::new(Frontier::<1, 2>::new(problem, lanes, initial))),
        (0..=256, 0..=8) => Some(Box::new(Frontier::<4, 8>::new(problem, lanes, initial))),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Configuration<const L: usize, const U: usize> {
    state: u32,
    /// How it came about: an index of `trail`.
    trail: u32,
    /// Running operations that took effect, by slot.
    done: [u64; L],
    /// Used optional operations, by lane.
    used: [u64; U],
}

/// Configurations of which none dominates another one that was inserted later.
struct Pool<const L: usize, const U: usize> {
    members: Vec<Configuration<L, U>>,
    /// The next one with the same slot of the table.
    next: Vec<u32>,
    heads: Vec<u32>,
}

impl<const L: usize, const U: usize> Pool<L, U> {
    fn new() -> Self {
        Self { members: Vec::new(), next: Vec::new(), heads: vec![NONE; 32] }
    }

    fn clear(&mut self) {
        for member in &self.members {
            let slot = slot_of(key(member), self.heads.len() - 1);
            self.heads[slot] = NONE;
        }
        self.members.clear();
        self.next.clear();
    }

    /// Its place if nothing in the pool dominates it.
    fn insert(&mut self, new: Configuration<L, U>, lanes: &Lanes) -> Option<u32> {
        let slot = slot_of(key(&new), self.heads.len() - 1);
        let mut at = self.heads[slot];
        while at != NONE {
            let old = &mut self.members[at as usize];
            if old.state == new.state && old.done == new.done {
                if lanes.below(&old.used, &new.used) {
                    return None;
                }
                if lanes.below(&new.used, &old.used) {
                    *old = new;
                    return Some(at);
                }
            }
            at = self.next[at as usize];
        }
        let place = number_of(self.members.len());
        self.members.push(new);
        self.next.push(self.heads[slot]);
        self.heads[slot] = place;
        if self.members.len() > self.heads.len() {
            self.grow();
        }
        Some(place)
    }

    fn grow(&mut self) {
        self.heads = vec![NONE; self.heads.len() * 4];
        for (place, member) in (0_u32..).zip(&self.members) {
            let slot = slot_of(key(member), self.heads.len() - 1);
            self.next[place as usize] = std::mem::replace(&mut self.heads[slot], place);
        }
    }

    /// Bytes that it holds at most after so many configurations more.
    fn soon(&self, more: usize) -> u64 {
        let size = size_of::<Configuration<L, U>>() + 4;
        let members = soon_with(more, self.members.len(), self.members.capacity(), size);
        let heads = self.heads.len() * 4;
        members + if self.members.len() + more + 1024 > heads / 4 { heads * 5 } else { heads } as u64
    }
}

fn key<const L: usize, const U: usize>(configuration: &Configuration<L, U>) -> u64 {
    configuration.done.iter().fold(u64::from(configuration.state), |hash, word| mix(hash, *word))
}

struct Frontier<const L: usize, const U: usize> {
    lanes: Lanes,
    /// The next event.
    at: usize,
    /// The operation that is returning, while configurations are still to be extended.
    returning: u32,
    now: Vec<Configuration<L, U>>,
    /// Configurations in which the returning operation has not taken effect, and those still to be extended.
    before: Pool<L, U>,
    queue: Vec<u32>,
    head: usize,
    /// Configurations in which it has.
    after: Pool<L, U>,
    /// Running operations that change the state, and those that do not.
    changing: Vec<u32>,
    pure: Vec<u32>,
    /// How many of each class may be used by now.
    offered: Vec<u64>,
    /// What took effect (required operation, or class with the top bit), after which other entry.
    trail: Vec<(u32, u32)>,
}

const CLASS: u32 = 1 << 31;

impl<const L: usize, const U: usize> Frontier<L, U> {
    fn new(problem: &Problem, lanes: Lanes, initial: u32) -> Self {
        let first = Configuration { state: initial, trail: NONE, done: [0; L], used: [0; U] };
        Self {
            lanes,
            at: 0,
            returning: NONE,
            now: vec![first],
            before: Pool::new(),
            queue: Vec::new(),
            head: 0,
            after: Pool::new(),
            changing: Vec::new(),
            pure: Vec::new(),
            offered: vec![0; problem.classes.len()],
            trail: Vec::with_capacity(problem.required.len() * 2),
        }
    }

    fn call<M: Machine>(&mut self, problem: &Problem, machine: &mut M, operation: u32) {
        let required = problem.required[operation as usize];
        if !required.pure {
            self.changing.push(operation);
            return;
        }
        self.pure.push(operation);
        for configuration in &mut self.now {
            if machine.step(configuration.state, required.code).is_some() {
                effect(configuration, &mut self.trail, operation, required.slot);
            }
        }
    }

    /// Prepares the return of an operation.
    fn begin(&mut self, required: Required, operation: u32) {
        let (word, bit) = (required.slot as usize / 64, 1 << (required.slot % 64));
        let running = if required.pure { &mut self.pure } else { &mut self.changing };
        running.retain(|&other| other != operation);
        if self.now.iter().all(|configuration| configuration.done[word] & bit != 0) {
            self.now.iter_mut().for_each(|configuration| configuration.done[word] &= !bit);
            return;
        }
        self.returning = operation;
        for mut configuration in std::mem::take(&mut self.now) {
            if configuration.done[word] & bit == 0 {
                self.queue.extend(self.before.insert(configuration, &self.lanes));
            } else {
                configuration.done[word] &= !bit;
                self.after.insert(configuration, &self.lanes);
            }
        }
    }

    /// Lets every operation that can take effect do so after one configuration in which the returning one has not.
    fn extend<M: Machine>(&mut self, problem: &Problem, machine: &mut M) {
        let from = self.before.members[self.queue[self.head] as usize];
        self.head += 1;
        let returning = &problem.required[self.returning as usize];
        if let Some(state) = machine.step(from.state, returning.code) {
            let mut to = from;
            to.state = state;
            effect(&mut to, &mut self.trail, self.returning, returning.slot);
            self.settle(problem, machine, to);
        }
        for place in 0..self.changing.len() {
            let operation = self.changing[place];
            let required = &problem.required[operation as usize];
            if from.done[required.slot as usize / 64] >> (required.slot % 64) & 1 == 1 {
                continue;
            }
            let Some(state) = machine.step(from.state, required.code) else { continue };
            let mut to = from;
            to.state = state;
            effect(&mut to, &mut self.trail, operation, required.slot);
            self.settle(problem, machine, to);
        }
        for class in 0..self.offered.len() {
            let lane = self.lanes.lanes[class];
            if lane.count(&from.used) >= self.offered[class] {
                continue;
            }
            let Some(state) = machine.step(from.state, problem.classes[class].code) else { continue };
            if state == from.state || !self.is_wanted(problem, machine, state) {
                continue;
            }
            let mut to = from;
            to.state = state;
            to.used[lane.word] += 1 << lane.shift;
            to.trail = push(&mut self.trail, number_of(class) | CLASS, from.trail);
            self.settle(problem, machine, to);
        }
    }

    /// Whether an optional operation may be used now to get to `state`: only if something else needs the state right away.
    ///
    /// In a line, let an optional operation be followed by one that does not care for the state, or by nothing: without it
    /// the line is as good. If what follows has not been called yet, the optional one can wait until then.
    fn is_wanted<M: Machine>(&self, problem: &Problem, machine: &mut M, state: u32) -> bool {
        let running = self.changing.iter().chain(&self.pure).chain([&self.returning]);
        let classes = self.offered.iter().zip(&problem.classes).filter(|(offered, _)| **offered > 0);
        let codes = running.map(|&operation| problem.required[operation as usize].code);
        let mut all = codes.chain(classes.map(|(_, class)| class.code));
        all.any(|code| !machine.is_blind(code) && machine.step(state, code).is_some())
    }

    /// Pure operations take effect at once; then the configuration is put where it belongs.
    fn settle<M: Machine>(&mut self, problem: &Problem, machine: &mut M, mut to: Configuration<L, U>) {
        let returning = &problem.required[self.returning as usize];
        let (word, bit) = (returning.slot as usize / 64, 1 << (returning.slot % 64));
        let ends = returning.pure && to.done[word] & bit == 0;
        for &operation in self.pure.iter().chain(ends.then_some(&self.returning)) {
            let required = &problem.required[operation as usize];
            let done = to.done[required.slot as usize / 64] >> (required.slot % 64) & 1 == 1;
            if !done && machine.step(to.state, required.code).is_some() {
                effect(&mut to, &mut self.trail, operation, required.slot);
            }
        }
        if to.done[word] & bit == 0 {
            self.queue.extend(self.before.insert(to, &self.lanes));
        } else {
            to.done[word] &= !bit;
            self.after.insert(to, &self.lanes);
        }
    }

    /// Bytes that it holds at most after the next step, in which each configuration that there is now may move.
    fn needed(&self, more: usize) -> u64 {
        let now = self.now.capacity() * size_of::<Configuration<L, U>>();
        let trail = soon_with(more, self.trail.len(), self.trail.capacity(), 8);
        let queue = soon_with(more, self.queue.len(), self.queue.capacity(), 4);
        // What explains the whole return is copied once it is over.
        let after = self.after.members.len() * size_of::<Configuration<L, U>>();
        self.before.soon(more) + self.after.soon(more) + trail + queue + (now + after) as u64
    }

    /// Whether it may go on: `more` configurations may be made in the next step, in as many units of work.
    fn may<M: Machine>(&self, machine: &M, turn: &Turn<'_>, more: usize) -> Result<(), Progress> {
        let full = turn.room.is_some_and(|room| self.needed(more) + machine.soon() > room);
        if full || self.trail.len() > CLASS as usize {
            return Err(Progress::Full);
        }
        let work = self.changing.len() + self.pure.len() + self.offered.len() + more + 1;
        if turn.meter.spent(work) { Err(Progress::Time) } else { Ok(()) }
    }

    /// The returning operation, and the states in which it was tried.
    fn dead<M: Machine>(&self, problem: &Problem, machine: &M) -> Dead {
        let mut states: Vec<_> = self.before.members.iter().map(|configuration| configuration.state).collect();
        states.sort_unstable();
        states.dedup();
        let states: Option<Vec<_>> = states.into_iter().map(|state| machine.shown(state)).collect();
        Dead { at: Some(problem.required[self.returning as usize].index), states: states.unwrap_or_default() }
    }

    /// The operations that led to a configuration, by indices of the history.
    fn order(&self, problem: &Problem, mut trail: u32) -> Vec<u32> {
        let mut entries = Vec::new();
        while trail != NONE {
            let (entry, parent) = self.trail[trail as usize];
            entries.push(entry);
            trail = parent;
        }
        let mut used = vec![0; problem.classes.len()];
        let name = |entry: u32| {
            if entry & CLASS == 0 {
                return problem.required[entry as usize].index;
            }
            let class = (entry & !CLASS) as usize;
            used[class] += 1;
            problem.classes[class].members[used[class] - 1].0
        };
        entries.into_iter().rev().map(name).collect()
    }
}

fn push(trail: &mut Vec<(u32, u32)>, entry: u32, parent: u32) -> u32 {
    trail.push((entry, parent));
    number_of(trail.len() - 1)
}

fn effect<const L: usize, const U: usize>(
    configuration: &mut Configuration<L, U>,
    trail: &mut Vec<(u32, u32)>,
    operation: u32,
    slot: u32,
) {
    configuration.done[slot as usize / 64] |= 1 << (slot % 64);
    configuration.trail = push(trail, operation, configuration.trail);
}

impl<M: Machine, const L: usize, const U: usize> Search<M> for Frontier<L, U> {
    fn run(&mut self, problem: &Problem, machine: &mut M, turn: &Turn<'_>) -> Progress {
        let mut steps = turn.steps;
        loop {
            while self.returning != NONE {
                if self.head == self.queue.len() {
                    if self.after.members.is_empty() {
                        return Progress::Broken(self.dead(problem, machine));
                    }
                    self.now.extend_from_slice(&self.after.members);
                    self.after.clear();
                    self.before.clear();
                    self.queue.clear();
                    (self.head, self.returning) = (0, NONE);
                    continue;
                }
                if steps == 0 {
                    return Progress::Again;
                }
                if let Err(stopped) = self.may(machine, turn, 0) {
                    return stopped;
                }
                self.extend(problem, machine);
                steps -= 1;
            }
            let Some(event) = problem.events.get(self.at) else {
                return Progress::Order(self.order(problem, self.now[0].trail));
            };
            if let Err(stopped) = self.may(machine, turn, self.now.len()) {
                return stopped;
            }
            self.at += 1;
            match *event {
                Event::Call(operation) => self.call(problem, machine, operation),
                Event::Offer(class) => self.offered[class as usize] += 1,
                Event::Return(operation) => self.begin(problem.required[operation as usize], operation),
            }
        }
    }

    fn soon(&self) -> u64 {
        self.needed(0)
    }
}
