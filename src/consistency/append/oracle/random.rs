//! Random small histories of transactions, whatever their objects are: honest ones, and such in which much is wrong. Judges
//! nothing.

use std::sync::Arc;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::walk::{Step, Txn};
use crate::history::{Call, Completion, History, Operation, Value};

/// Steps that a random history is made of.
pub(crate) trait Made: Step {
    /// Transactions of a history at most: each more multiplies the work of trying everything.
    const MOST: u32;

    /// A change that nobody else makes; `value` is above 0.
    fn change(object: usize, value: i64) -> Self;

    /// A read that returned this.
    fn read(object: usize, state: &Self::State) -> Self;

    /// A read of which nobody knows what it returned, if it is one.
    fn forget(&mut self);

    /// Lets some reads return something else. `last` is what each object held in the end.
    fn disturb(all: &mut [Txn<Self>], last: Vec<Self::State>, dice: &mut ChaCha8Rng);
}

/// A random history: run on one copy with snapshots that may be old; half of them are disturbed then.
pub(crate) fn random<S: Made>(dice: &mut ChaCha8Rng) -> Vec<Txn<S>> {
    let (count, objects) = (dice.random_range(1..=S::MOST), dice.random_range(1..=3));
    let (is_honest, grows_old) = (dice.random_bool(0.5), dice.random_bool(0.5));
    let mut states = vec![vec![S::State::default(); objects]];
    let mut all = Vec::new();
    for at in 0..count {
        let is_old = grows_old && dice.random_bool(0.6);
        let age = if is_old { dice.random_range(0..states.len()) } else { 0 };
        let (mut seen, mut next) = (states[states.len() - 1 - age].clone(), states[states.len() - 1].clone());
        let mut steps = Vec::new();
        for number in 1..=dice.random_range(1..=3) {
            let object = dice.random_range(0..objects);
            let step = if dice.random_bool(0.5) {
                S::change(object, i64::from(at) * 10 + number)
            } else {
                S::read(object, &seen[object])
            };
            if step.changes() {
                for states in [&mut seen, &mut next] {
                    states[object] = step.run(&states[object]).unwrap_or_default();
                }
            }
            steps.push(step);
        }
        states.push(next);
        let ended = match dice.random_range(0..10) {
            0 => None,
            1 if !is_honest => Some(false),
            _ => Some(true),
        };
        let call = dice.random_range(0..20) * 10 + u64::from(at);
        all.push(Txn { process: u64::from(at), steps, ended, call, end: call + dice.random_range(1..100) * 10 + 5 });
    }
    if !is_honest {
        S::disturb(&mut all, states.pop().unwrap_or_default(), dice);
    }
    let unknown = all.iter_mut().filter(|txn| txn.ended != Some(true));
    for step in unknown.flat_map(|txn| &mut txn.steps) {
        step.forget();
    }
    all.sort_by_key(|txn| txn.call);
    share_processes(&mut all);
    all
}

/// A process that is free takes the next transaction.
fn share_processes<S>(all: &mut [Txn<S>]) {
    for at in 0..all.len() {
        let free = (0..at).rev().find(|other| {
            let process = all[*other].process;
            let last = (0..at).rev().find(|one| all[*one].process == process) == Some(*other);
            last && all[*other].ended.is_some() && all[*other].end < all[at].call
        });
        if let Some(free) = free {
            all[at].process = all[free].process;
        }
    }
}

/// One step as histories write it.
pub(crate) fn micro(word: &str, object: usize, value: Value) -> Value {
    Value::List([Value::Text(Arc::from(word)), Value::Int(i64::try_from(object).unwrap_or(0)), value].into())
}

/// The history that says so.
pub(crate) fn history<S: Step>(all: &[Txn<S>]) -> History {
    let value = |txn: &Txn<S>, is_call: bool| Value::List(txn.steps.iter().map(|step| step.micro(is_call)).collect());
    let call = |at: u64| Call { at, time: 0, line: 0 };
    let operation = |txn: &Txn<S>| Operation {
        process: txn.process,
        function: Arc::from("txn"),
        key: None,
        input: value(txn, true),
        output: if txn.ended == Some(true) { value(txn, false) } else { Value::Nil },
        completion: match txn.ended {
            Some(true) => Completion::Ok,
            Some(false) => Completion::Fail,
            None => Completion::Info,
        },
        saw: None,
        call: call(txn.call),
        end: txn.ended.map(|_| call(txn.end)),
        node: None,
    };
    History { operations: all.iter().map(operation).collect() }
}
