//! Linearizability by search, for histories in which values repeat: two engines, the first answer wins.
//!
//! Judges with the machines of `model` only; which operations exist, and in which order, was decided before.
//!
//! The engines take turns by a budget of steps, not of time, so the same history gets the same answer on every machine.
//! [`frontier`] holds all configurations that explain the history so far; it is quick where few operations run at once,
//! and at a moment without running operations it holds nothing but the possible states. [`depth`] goes down one line at a time
//! and remembers what did not work; it is quick where there are many lines that work.

pub(crate) mod depth;
mod explain;
pub(crate) mod frontier;
mod lanes;
pub(crate) mod problem;
mod shrink;
#[cfg(test)]
mod tests;

pub use shrink::shrink;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use self::depth::Depth;
use self::explain::explain;
use self::problem::Problem;
use super::allowance::{Allowance, Meter};
use super::check::{Engine, Model, Options};
use super::history::History;
use super::model::{self, Machine, Steps};
use super::outcome::{Anomaly, Budget};

/// The answer for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Order(Vec<u32>),
    Broken(Anomaly),
    Unknown(Budget),
}

/// What an engine has to say after its steps.
pub(crate) enum Progress {
    /// It needs more steps.
    Again,
    /// An order, by indices of the history.
    Order(Vec<u32>),
    /// There is none.
    Broken(Dead),
    /// It would need more memory than there is.
    Full,
    /// The time is over.
    Time,
}

/// What an engine may spend in one turn.
pub(crate) struct Turn<'a> {
    /// Steps.
    pub(crate) steps: u64,
    /// Bytes for itself and the machine; none: no limit.
    pub(crate) room: Option<u64>,
    /// Counts work, and asks whether the time is over.
    pub(crate) meter: &'a Meter<'a>,
}

/// Where no configuration was left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dead {
    /// Index in the history of the operation that fits nowhere; none if the engine cannot tell.
    pub(crate) at: Option<u32>,
    /// All states that there could have been instead, as people read them; empty if that is not known.
    pub(crate) states: Vec<String>,
}

/// A search that can be interrupted.
pub(crate) trait Search<M> {
    fn run(&mut self, problem: &Problem, machine: &mut M, turn: &Turn<'_>) -> Progress;

    /// Bytes that it holds at most after one more step.
    fn soon(&self) -> u64;
}

/// Partitions above this many operations in all are searched by several threads.
const THREADS_FROM: usize = 20_000;
const THREADS_MAX: usize = 8;
const STEPS_FIRST: u64 = 100;
const STEPS_MAX: u64 = 64_000;
/// Bytes for an operation of a partition, beside the history: its step, its ends, its place in both engines.
const OPERATION_BYTES: u64 = 160;

/// Searches the partitions named by `open`, in this order. The first that is broken ends it: the answers after it are left
/// out.
pub(crate) fn partitions(
    history: &History,
    model: Model,
    partitions: &[Vec<u32>],
    open: &[usize],
    options: &Options,
    allowance: Allowance<'_>,
) -> Vec<Answer> {
    let size: usize = open.iter().map(|&place| partitions[place].len()).sum();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if size < THREADS_FROM { 1 } else { cores().min(THREADS_MAX).min(open.len()) };
    let room = allowance.room().map(|bytes| bytes / threads.max(1) as u64);
    let one = |place: usize| {
        let members = &partitions[open[place]];
        Task { history, model, members, options, allowance, room }.answer()
    };
    if threads <= 1 {
        let mut answers = Vec::with_capacity(open.len());
        for place in 0..open.len() {
            answers.push(one(place));
            if matches!(answers[place], Answer::Broken(_)) {
                break;
            }
        }
        return answers;
    }
    let (next, broken) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let answers = Mutex::new(Vec::new());
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= open.len() || place > broken.load(Ordering::Relaxed) {
                return;
            }
            let answer = one(place);
            if matches!(answer, Answer::Broken(_)) {
                broken.fetch_min(place, Ordering::Relaxed);
            }
            answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((place, answer));
        }
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let mut answers = answers.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    answers.sort_by_key(|(place, _)| *place);
    let kept = broken.into_inner();
    answers.into_iter().filter(|(place, _)| *place <= kept).map(|(_, answer)| answer).collect()
}

/// One partition on its own.
struct Task<'a> {
    history: &'a History,
    model: Model,
    members: &'a [u32],
    options: &'a Options,
    allowance: Allowance<'a>,
    /// Bytes that there are.
    room: Option<u64>,
}

impl Task<'_> {
    fn answer(&self) -> Answer {
        let (history, members, options) = (self.history, self.members, self.options);
        if self.room.is_some_and(|room| room < members.len() as u64 * OPERATION_BYTES) {
            return Answer::Unknown(self.allowance.full());
        }
        match self.model {
            Model::Register => self.with(model::register(history, members, options)),
            Model::Kv => self.with(model::kv(history, members, options)),
            Model::Set => self.with(model::set(history, members, options)),
            Model::Mutex => self.with(model::mutex(history, members)),
            Model::MultiRegister => self.with(model::multi_register(history, members, options)),
            Model::Append | Model::RwRegister | Model::Bank | Model::Queue | Model::Counter | Model::Watch => {
                Answer::Unknown(Budget::Evidence(format!("the model {} is not one of linearizability", self.model)))
            }
        }
    }

    fn with<M: Machine + 'static>(&self, compiled: Result<(M, Steps), String>) -> Answer {
        let (mut machine, steps) = match compiled {
            Ok(compiled) => compiled,
            Err(reason) => return Answer::Unknown(Budget::Evidence(reason)),
        };
        let problem = Problem::new(self.history, &steps);
        let room = self.room.map(|room| room.saturating_sub(self.members.len() as u64 * OPERATION_BYTES));
        match search(&problem, &mut machine, self.options.engine, room, &self.allowance.meter()) {
            Found::Order(order) => Answer::Order(order),
            Found::Broken(dead) => Answer::Broken(explain(self.history, self.model, self.members, &dead, self.options)),
            Found::Time => Answer::Unknown(self.allowance.meter().time()),
            Found::Memory => Answer::Unknown(self.allowance.full()),
        }
    }
}

/// What the portfolio found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Order(Vec<u32>),
    Broken(Dead),
    Time,
    Memory,
}

/// Lets the engines take turns until one has an answer, or none can go on. They share `room` with the machine.
pub(crate) fn search<M: Machine + 'static>(
    problem: &Problem,
    machine: &mut M,
    engine: Engine,
    room: Option<u64>,
    meter: &Meter<'_>,
) -> Found {
    let mut engines: Vec<Box<dyn Search<M>>> = Vec::with_capacity(2);
    if engine != Engine::Depth {
        engines.extend(frontier::engine(problem, machine));
    }
    // The second engine is made when the first has had its turn: most histories do not need it.
    let mut deep = engine != Engine::Frontier;
    let mut steps = STEPS_FIRST;
    loop {
        let mut place = 0;
        while place < engines.len() || std::mem::take(&mut deep) {
            if place == engines.len() {
                engines.push(Box::new(Depth::new(problem, machine)));
            }
            let others =
                || engines.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, engine)| engine.soon());
            let room = room.map(|room| room.saturating_sub(others().sum()));
            match engines[place].run(problem, machine, &Turn { steps, room, meter }) {
                Progress::Order(order) => return Found::Order(order),
                Progress::Broken(dead) => return Found::Broken(dead),
                Progress::Time => return Found::Time,
                Progress::Again => place += 1,
                Progress::Full => {
                    // The one that holds the most makes room for the other.
                    let largest = (0..engines.len()).max_by_key(|place| engines[*place].soon()).unwrap_or(place);
                    drop(engines.remove(largest));
                    place -= usize::from(largest < place);
                }
            }
        }
        if engines.is_empty() {
            return Found::Memory;
        }
        steps = (steps * 2).min(STEPS_MAX);
    }
}
