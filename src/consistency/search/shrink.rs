//! A smaller witness: as few operations of a register as still cannot be explained, whatever else the history holds.
//!
//! Decides nothing: the history is known to be broken, and an anomaly that cannot be made smaller stays as it is.
//!
//! Some operations `S` of a key contradict each other in every history if they cannot be ordered once the requirements that
//! something outside of `S` might meet are dropped. Something outside might meet a requirement of `v` by `r` if it may have
//! written `v`, did not start after `r` was over, and was not over before an operation of `S` began that happened, set another
//! value, and was over before `r` began: such a write cannot be the last one before `r`. A read without its requirement says
//! nothing, a compare-and-set is then a write. Whatever order explains the history explains what is left of `S`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::problem::Problem;
use super::{Found, search};
use crate::allowance::Allowance;
use crate::check::{Engine, Model, Options};
use crate::history::{Completion, History, Moment, Operation, Value};
use crate::model;
use crate::outcome::{Anomaly, AnomalyKind};

const WITNESS_MAX: usize = 6;
/// Operations before the one that fits nowhere that are looked at, at first and at most.
const NEAR: usize = 64;
const FAR: usize = 1024;
/// In a key of more operations, requirements that may be met long after the one that fits nowhere are not followed.
const ALL: usize = 20_000;
const MEMORY: u64 = 64 << 20;

/// Makes the witness of an anomaly of a register smaller, if it does not fit into six operations that show it by themselves;
/// for other models, and where six are not enough, the anomaly stays as it is. `exhausted` ends the attempt.
#[must_use]
pub fn shrink(
    history: &History,
    model: Model,
    options: &Options,
    anomaly: Anomaly,
    exhausted: &(dyn Fn() -> bool + Sync),
) -> Anomaly {
    let last = anomaly.witness.first().map(|&index| &history.operations[index as usize]);
    let Some(last) = last.filter(|_| model == Model::Register && anomaly.kind == AnomalyKind::NotLinearizable) else {
        return anomaly;
    };
    let of_key = |operation: &Operation| operation.key == last.key && operation.counts();
    let members = (0_u32..).zip(&history.operations).filter(|(_, operation)| of_key(operation));
    let all: Vec<u32> = members.map(|(index, _)| index).collect();
    let at = |index: u32| &history.operations[index as usize];
    let called: Vec<_> = all.iter().copied().filter(|&index| at(index).call.at < last.finish()).collect();
    let known = called.iter().map(|&index| at(index).finish()).filter(|&finish| finish != Moment::MAX);
    let bound = if all.len() <= ALL { Moment::MAX } else { known.max().unwrap_or(Moment::MAX) };
    let mut writers: BTreeMap<&Value, Vec<u32>> = BTreeMap::new();
    for &index in all.iter().filter(|&&index| at(index).call.at < bound) {
        if let Some(value) = at(index).set() {
            writers.entry(value).or_default().push(index);
        }
    }
    for writers in writers.values_mut() {
        writers.sort_by_key(|&index| Reverse(at(index).finish()));
    }
    let allowance = Allowance::of(options, exhausted);
    let attempt = Shrinking { history, options, writers, bound, allowance };
    let mut near = NEAR;
    while near <= FAR {
        let start = called.len().saturating_sub(near);
        if attempt.contradicts(&called[start..]) {
            let core = attempt.core(called[start..].to_vec());
            return if core.len() <= WITNESS_MAX { told(history, anomaly, core) } else { anomaly };
        }
        near = if start == 0 { usize::MAX } else { near * 2 };
    }
    anomaly
}

struct Shrinking<'a> {
    history: &'a History,
    options: &'a Options,
    /// What may have written each value and was called before `bound`; what was over last comes first.
    writers: BTreeMap<&'a Value, Vec<u32>>,
    /// A requirement of an operation that is not over by then is dropped.
    bound: Moment,
    allowance: Allowance<'a>,
}

impl<'a> Shrinking<'a> {
    fn at(&self, index: u32) -> &'a Operation {
        &self.history.operations[index as usize]
    }

    /// Leaves out ever smaller parts, as long as what remains still contradicts itself.
    fn core(&self, mut chosen: Vec<u32>) -> Vec<u32> {
        let mut part = chosen.len() / 2;
        while part > 0 {
            let mut start = 0;
            while start < chosen.len() && !(self.allowance.clock())() {
                let end = (start + part).min(chosen.len());
                let rest: Vec<_> = chosen[..start].iter().chain(&chosen[end..]).copied().collect();
                if self.contradicts(&rest) {
                    chosen = rest;
                } else {
                    start = end;
                }
            }
            part /= 2;
        }
        // What was needed beside a part that is gone by now may not be needed any more.
        let mut place = 0;
        while place < chosen.len() && !(self.allowance.clock())() {
            let rest: Vec<_> = chosen.iter().copied().filter(|&index| index != chosen[place]).collect();
            if self.contradicts(&rest) {
                (chosen, place) = (rest, 0);
            } else {
                place += 1;
            }
        }
        chosen
    }

    fn contradicts(&self, chosen: &[u32]) -> bool {
        let left = History { operations: chosen.iter().filter_map(|&index| self.relaxed(index, chosen)).collect() };
        let members: Vec<u32> = (0_u32..).zip(&left.operations).map(|(index, _)| index).collect();
        let Ok((mut machine, steps)) = model::register(&left, &members, self.options) else { return false };
        let problem = Problem::new(&left, &steps);
        let memory = self.options.memory.map_or(MEMORY, |memory| memory.min(MEMORY));
        let found = search(&problem, &mut machine, Engine::Portfolio, Some(memory), &self.allowance.meter());
        matches!(found, Found::Broken(_))
    }

    /// The operation without what something outside might meet; none if nothing is left of it.
    fn relaxed(&self, index: u32, chosen: &[u32]) -> Option<Operation> {
        let operation = self.at(index);
        let Some(value) = operation.found() else { return Some(operation.clone()) };
        let over = chosen.iter().map(|&other| self.at(other)).filter(|other| {
            other.completion == Completion::Ok
                && other.set().is_some_and(|set| set != value)
                && other.finish() < operation.call.at
        });
        let begun = over.map(|other| other.call.at).max().unwrap_or(0);
        let writers = self.writers.get(value).into_iter().flatten();
        let mut met = writers
            .take_while(|&&writer| self.at(writer).finish() >= begun)
            .filter(|&&writer| self.at(writer).call.at < operation.finish() && !chosen.contains(&writer));
        if operation.finish() <= self.bound && met.next().is_none() {
            return Some(operation.clone());
        }
        let input = operation.set()?.clone();
        Some(Operation { function: "write".into(), input, ..operation.clone() })
    }
}

fn told(history: &History, anomaly: Anomaly, witness: Vec<u32>) -> Anomaly {
    let parts: Vec<_> = witness.iter().map(|&index| did(&history.operations[index as usize])).collect();
    let prefix = anomaly.key.as_ref().map_or(String::new(), |key| format!("{key}: "));
    let mut sentence = format!("{prefix}no order explains all of these: {}", parts.join("; "));
    // Everything before the last call can be explained, or it would not have been needed: if that is a read, what it saw had
    // been replaced.
    let reads = witness.last().is_some_and(|&index| history.operations[index as usize].set().is_none());
    if reads {
        sentence += ": a stale read";
    }
    let kind = if reads { AnomalyKind::StaleRead } else { anomaly.kind };
    Anomaly { kind, witness, sentence, ..anomaly }
}

fn did(operation: &Operation) -> String {
    let client = operation.process;
    let unknown = if operation.completion == Completion::Info { " (outcome unknown)" } else { "" };
    match (operation.found(), operation.set()) {
        (Some(from), Some(to)) => format!("client {client} changed {from} to {to}{unknown}"),
        (_, Some(value)) => format!("client {client} wrote {value}{unknown}"),
        (found, None) => {
            let saw = if operation.saw.is_some() { " in a compare-and-set that failed" } else { "" };
            format!("client {client} read {}{saw}{unknown}", found.unwrap_or(&Value::Nil))
        }
    }
}
