//! Whether some order of adds and reads explains a counter: all sums that it can have at each moment, as long as they are few.
//!
//! Adds do not care for each other; only reads ask for their sum. So an operation takes effect as late as it can: when
//! something returns that has not taken effect yet, the walk tries every way to it. On the way, each read that is under way
//! and still asks for its sum may come first; a way to a read is a choice of adds that make up the difference. Three
//! rules keep the choices few, and lose none:
//!
//! * a read that asks for the present sum takes effect at once: whatever explains the rest without it still does with it;
//! * of adds of one amount, the one that returns first is used first, and those of unknown outcome last: exchanging two of
//!   them in an order leaves it in real time;
//! * with the same sum and the same operations done, fewer used adds of unknown outcome explain all that more do.
//!
//! Where the ways are still too many, only some are followed. An order that is found then is as good as any; if none is found,
//! the answer is that nobody knows.

use std::collections::BTreeMap;

use super::counter_sums::Sums;
use super::findings::{Findings, Numbered, who};
use crate::allowance::{Meter, Stop};
use crate::format::ReadError;
use crate::history::{History, Value};
use crate::intern::number_of;
use crate::model::{CounterEffect as Effect, counter};
use crate::outcome::AnomalyKind;
use crate::search::problem::{Event, Problem};

/// Ways that are followed at once.
const WAYS_MAX: usize = 512;
/// Words for operations under way: as many as there are bits.
const WORDS: usize = 4;
const WITNESS_MAX: usize = 6;

/// What the counter may be, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    sum: i128,
    /// Operations under way that took effect, by slot.
    done: [u64; WORDS],
    /// Of each class of unknown outcome, how many were used.
    used: Vec<u32>,
}

struct Walk<'a> {
    problem: &'a Problem,
    effects: &'a [Effect],
    ways: Vec<Way>,
    /// Operations under way, by number.
    running: Vec<u32>,
    /// Of each class, how many were called.
    offered: Vec<u32>,
    /// Whether every way was followed so far.
    whole: bool,
    meter: &'a Meter<'a>,
}

/// Walks over the operations of one key, which are within their bounds.
pub(super) fn walk(
    history: &History,
    key: Option<&Value>,
    operations: &[Numbered<'_>],
    initial: i64,
    findings: &mut Findings,
    meter: &Meter<'_>,
) -> Result<(), Stop> {
    let members: Vec<u32> = operations.iter().map(|(number, _)| *number).collect();
    let error = |what| ReadError { line: 0, column: 0, what, why: "see `driftproof check --help`".to_owned() };
    let (effects, steps) = counter(history, &members).map_err(error)?;
    let problem = Problem::new(history, &steps);
    let name = key.map_or_else(|| "the counter".to_owned(), ToString::to_string);
    if problem.width as usize > WORDS * 64 {
        findings
            .lacks(format!("more than {} operations on {name} ran at once: too many to try their orders", WORDS * 64));
        return Ok(());
    }
    let first = Way { sum: i128::from(initial), done: [0; WORDS], used: vec![0; problem.classes.len()] };
    let mut walk = Walk {
        problem: &problem,
        effects: &effects,
        ways: vec![first],
        running: Vec::new(),
        offered: vec![0; problem.classes.len()],
        whole: true,
        meter,
    };
    match walk.run()? {
        None => {}
        Some(stuck) if walk.whole => {
            let (witness, sentence) = walk.told(history, stuck);
            findings.add(AnomalyKind::NotLinearizable, key, &witness, sentence);
        }
        Some(_) => findings.lacks(format!(
            "the reads of {name} are within their bounds, but its adds have too many orders to try them all; --claim bounds \
             asks for the bounds alone"
        )),
    }
    Ok(())
}

impl Walk<'_> {
    /// The operation at which no way is left; none if there is one to the end.
    fn run(&mut self) -> Result<Option<u32>, Stop> {
        for place in 0..self.problem.events.len() {
            match self.problem.events[place] {
                Event::Offer(class) => self.offered[class as usize] += 1,
                Event::Call(operation) => {
                    self.running.push(operation);
                    for way in &mut self.ways {
                        settle(self.problem, self.effects, &self.running[self.running.len() - 1..], way);
                    }
                    self.meter.spend(self.ways.len())?;
                }
                Event::Return(operation) => {
                    self.finish(operation)?;
                    if self.ways.is_empty() {
                        return Ok(Some(operation));
                    }
                    self.running.retain(|other| *other != operation);
                }
            }
        }
        Ok(None)
    }

    /// Every way on which the operation has taken effect by now.
    fn finish(&mut self, operation: u32) -> Result<(), Stop> {
        let mut after: BTreeMap<(i128, [u64; WORDS]), Vec<Vec<u32>>> = BTreeMap::new();
        let mut before: BTreeMap<(i128, [u64; WORDS]), Vec<Vec<u32>>> = BTreeMap::new();
        let (word, bit) = place(self.problem, operation);
        let mut open = Vec::new();
        for way in std::mem::take(&mut self.ways) {
            if way.done[word] & bit == 0 {
                open.push(way);
            } else {
                keep(&mut after, way, word, bit);
            }
        }
        let mut steps = 0;
        while let Some(way) = open.pop() {
            self.meter.spend(self.running.len() + 16)?;
            steps += 1;
            if steps > WAYS_MAX * 4 {
                self.whole = false;
                break;
            }
            for next in self.onward(&way, operation)? {
                if next.done[word] & bit != 0 {
                    keep(&mut after, next, word, bit);
                } else if keep(&mut before, next.clone(), word, 0) {
                    open.push(next);
                }
            }
        }
        let found =
            after.into_iter().flat_map(|((sum, done), all)| all.into_iter().map(move |used| Way { sum, done, used }));
        self.ways = found.collect();
        if self.ways.len() > WAYS_MAX {
            // What leaves the most adds to come: large amounts used rather than small ones.
            self.ways.sort_by_key(|way| way.used.iter().map(|count| u64::from(*count)).sum::<u64>());
            self.ways.truncate(WAYS_MAX);
            self.whole = false;
        }
        Ok(())
    }

    /// One step: to the operation itself if it is an add, and to each read that is under way and asks for another sum.
    fn onward(&mut self, way: &Way, operation: u32) -> Result<Vec<Way>, Stop> {
        let mut found = Vec::new();
        let pools = self.pools(way);
        if let Effect::Add(amount) = self.effect(operation) {
            let mut next = way.clone();
            next.sum += i128::from(amount);
            mark(self.problem, operation, &mut next);
            settle(self.problem, self.effects, &self.running, &mut next);
            found.push(next);
        }
        let mut targets: Vec<i64> = Vec::new();
        for &other in &self.running {
            let (word, bit) = place(self.problem, other);
            if let Effect::Read(value) = self.effect(other)
                && way.done[word] & bit == 0
            {
                targets.push(value);
            }
        }
        targets.sort_unstable();
        targets.dedup();
        let sums = Sums::new(pools.iter().map(|pool| (pool.amount, pool.count())).collect());
        for target in targets {
            let (choices, whole) = sums.ways(i128::from(target) - way.sum, self.meter)?;
            self.whole &= whole;
            for counts in choices {
                let mut next = way.clone();
                next.sum = i128::from(target);
                for (pool, count) in pools.iter().zip(counts) {
                    pool.take(self.problem, count, &mut next);
                }
                settle(self.problem, self.effects, &self.running, &mut next);
                found.push(next);
            }
        }
        Ok(found)
    }

    /// What can still be added on this way, the largest amounts first.
    fn pools(&self, way: &Way) -> Vec<Pool> {
        let mut pools: Vec<Pool> = Vec::new();
        let mut of = |amount: i64| {
            pools.iter().position(|pool| pool.amount == amount).unwrap_or_else(|| {
                pools.push(Pool { amount, running: Vec::new(), class: None });
                pools.len() - 1
            })
        };
        let mut found = Vec::new();
        for &other in &self.running {
            let (word, bit) = place(self.problem, other);
            if let Effect::Add(amount) = self.effect(other)
                && way.done[word] & bit == 0
            {
                found.push((of(amount), other));
            }
        }
        let mut open = Vec::new();
        for (class, known) in self.problem.classes.iter().enumerate() {
            let left = self.offered[class] - way.used[class];
            if let Effect::Add(amount) = self.effects[known.code as usize]
                && left > 0
            {
                open.push((of(amount), class, left));
            }
        }
        for (pool, other) in found {
            pools[pool].running.push(other);
        }
        for (pool, class, left) in open {
            pools[pool].class = Some((class, left));
        }
        for pool in &mut pools {
            pool.running.sort_by_key(|other| self.problem.required[*other as usize].finish);
        }
        pools.sort_by_key(|pool| std::cmp::Reverse(pool.amount.unsigned_abs()));
        pools
    }

    fn effect(&self, operation: u32) -> Effect {
        self.effects[self.problem.required[operation as usize].code as usize]
    }

    /// The operation at which no way is left, and what ran beside it.
    fn told(&self, history: &History, stuck: u32) -> (Vec<u32>, String) {
        let index = |operation: &u32| self.problem.required[*operation as usize].index;
        let mut witness = vec![index(&stuck)];
        witness.extend(self.running.iter().filter(|other| **other != stuck).map(index).take(WITNESS_MAX - 1));
        let operation = &history.operations[index(&stuck) as usize];
        let what = match self.effect(stuck) {
            Effect::Read(value) => format!("{} read {value}", who(operation)),
            Effect::Add(amount) => format!("{} added {amount}", who(operation)),
        };
        let sentence =
            format!("{what}, within its bounds, but no order of the adds that ran at that time gives every sum read");
        (witness, sentence)
    }
}

/// Adds of one amount: those under way, the one that returns first in front, then those of unknown outcome.
struct Pool {
    amount: i64,
    running: Vec<u32>,
    /// The class, and how many of it are left.
    class: Option<(usize, u32)>,
}

impl Pool {
    fn count(&self) -> u32 {
        number_of(self.running.len()) + self.class.map_or(0, |(_, left)| left)
    }

    fn take(&self, problem: &Problem, count: u32, way: &mut Way) {
        let known = self.running.iter().take(count as usize);
        known.clone().for_each(|other| mark(problem, *other, way));
        let more = count - number_of(known.count());
        if let Some((class, _)) = self.class {
            way.used[class] += more;
        }
    }
}

fn place(problem: &Problem, operation: u32) -> (usize, u64) {
    let slot = problem.required[operation as usize].slot;
    (slot as usize / 64, 1 << (slot % 64))
}

fn mark(problem: &Problem, operation: u32, way: &mut Way) {
    let (word, bit) = place(problem, operation);
    way.done[word] |= bit;
}

/// Reads of these that ask for the present sum take effect.
fn settle(problem: &Problem, effects: &[Effect], running: &[u32], way: &mut Way) {
    for &other in running {
        let code = problem.required[other as usize].code as usize;
        if matches!(effects[code], Effect::Read(value) if i128::from(value) == way.sum) {
            mark(problem, other, way);
        }
    }
}

/// Keeps a way unless one that uses no more is there; drops those that use more. Clears the bit of what is over.
fn keep(known: &mut BTreeMap<(i128, [u64; WORDS]), Vec<Vec<u32>>>, way: Way, word: usize, bit: u64) -> bool {
    let mut done = way.done;
    done[word] &= !bit;
    let others = known.entry((way.sum, done)).or_default();
    let below = |one: &[u32], other: &[u32]| one.iter().zip(other).all(|(one, other)| one <= other);
    if others.iter().any(|other| below(other, &way.used)) {
        return false;
    }
    others.retain(|other| !below(&way.used, other));
    others.push(way.used);
    true
}
