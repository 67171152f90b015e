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
use super::allowance::Allowance;
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
    /// It would need more memory than it may have.
    Full,
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
    fn run(&mut self, problem: &Problem, machine: &mut M, steps: u64) -> Progress;

    /// Bytes held.
    fn held(&self) -> u64;
}

/// Partitions above this many operations in all are searched by several threads.
const THREADS_FROM: usize = 20_000;
const THREADS_MAX: usize = 8;
const STEPS_FIRST: u64 = 100;
const STEPS_MAX: u64 = 64_000;

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
    let exhausted = allowance.clock();
    let size: usize = open.iter().map(|&place| partitions[place].len()).sum();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if size < THREADS_FROM { 1 } else { cores().min(THREADS_MAX).min(open.len()) };
    let mut options = options.clone();
    options.memory = options.memory.map(|bytes| bytes / threads.max(1) as u64);
    let one = |place: usize| partition(history, model, &partitions[open[place]], &options, exhausted);
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
fn partition(
    history: &History,
    model: Model,
    members: &[u32],
    options: &Options,
    exhausted: &dyn Fn() -> bool,
) -> Answer {
    let task = Task { history, model, members, options, exhausted };
    match model {
        Model::Register => task.with(model::register(history, members, options)),
        Model::Kv => task.with(model::kv(history, members, options)),
        Model::Set => task.with(model::set(history, members, options)),
        Model::Mutex => task.with(model::mutex(history, members)),
        Model::MultiRegister => task.with(model::multi_register(history, members, options)),
        Model::Append | Model::RwRegister | Model::Bank | Model::Queue | Model::Counter | Model::Watch => {
            Answer::Unknown(Budget::Evidence(format!("the model {model} is not one of linearizability")))
        }
    }
}

struct Task<'a> {
    history: &'a History,
    model: Model,
    members: &'a [u32],
    options: &'a Options,
    exhausted: &'a dyn Fn() -> bool,
}

impl Task<'_> {
    fn with<M: Machine + 'static>(&self, compiled: Result<(M, Steps), String>) -> Answer {
        let (mut machine, steps) = match compiled {
            Ok(compiled) => compiled,
            Err(reason) => return Answer::Unknown(Budget::Evidence(reason)),
        };
        let problem = Problem::new(self.history, &steps);
        match search(&problem, &mut machine, self.options.engine, self.options.memory, self.exhausted) {
            Found::Order(order) => Answer::Order(order),
            Found::Broken(dead) => Answer::Broken(explain(self.history, self.model, self.members, &dead, self.options)),
            Found::Time => Answer::Unknown(Budget::Time(self.options.timeout.unwrap_or_default())),
            Found::Memory => Answer::Unknown(Budget::Memory(self.options.memory.unwrap_or(u64::MAX))),
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

/// Lets the engines take turns until one has an answer, or none can go on.
pub(crate) fn search<M: Machine + 'static>(
    problem: &Problem,
    machine: &mut M,
    engine: Engine,
    memory: Option<u64>,
    exhausted: &dyn Fn() -> bool,
) -> Found {
    let mut engines: Vec<Box<dyn Search<M>>> = Vec::with_capacity(2);
    if engine != Engine::Depth {
        engines.extend(frontier::engine(problem, memory));
    }
    // The second engine is made when the first has had its turn: most histories do not need it.
    let mut deep = engine != Engine::Frontier;
    let mut steps = STEPS_FIRST;
    loop {
        let mut place = 0;
        while place < engines.len() || std::mem::take(&mut deep) {
            if place == engines.len() {
                engines.push(Box::new(Depth::new(problem, memory)));
            }
            match engines[place].run(problem, machine, steps) {
                Progress::Order(order) => return Found::Order(order),
                Progress::Broken(dead) => return Found::Broken(dead),
                Progress::Full => drop(engines.remove(place)),
                Progress::Again => place += 1,
            }
            if exhausted() {
                return Found::Time;
            }
            let held = machine.held() + engines.iter().map(|engine| engine.held()).sum::<u64>();
            if memory.is_some_and(|memory| held > memory) {
                return Found::Memory;
            }
        }
        if engines.is_empty() {
            return Found::Memory;
        }
        steps = (steps * 2).min(STEPS_MAX);
    }
}
