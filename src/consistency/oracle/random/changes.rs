//! One change to what was recorded: another answer, another outcome, other moments, an operation less. It stays a history of its
//! model.

use super::{index, list, small, word};
use crate::check::Model;
use crate::differential::Dice;
use crate::history::{Call, Completion, History, Operation, Value};

pub(super) fn change(dice: &mut Dice, model: Model, history: &mut History, tokens: bool) {
    let count = history.operations.len() as u64;
    if count == 0 {
        return;
    }
    let (one, other) = (index(dice.below(count)), index(dice.below(count)));
    match dice.below(8) {
        0 => swap_answers(&mut history.operations, one, other),
        1..=3 if model == Model::Mutex => another_outcome(dice, model, &mut history.operations[one], tokens),
        1..=3 => another_answer(dice, model, &mut history.operations[one]),
        4 => another_outcome(dice, model, &mut history.operations[one], tokens),
        5 | 6 => swap_moments(dice, &mut history.operations, one, other),
        _ if count > 1 => drop(history.operations.remove(one)),
        _ => {}
    }
}

fn swap_answers(operations: &mut [Operation], one: usize, other: usize) {
    let alike = |one: &Operation, other: &Operation| {
        one.function == other.function && one.completion == other.completion && one.key == other.key
    };
    if alike(&operations[one], &operations[other]) && &*operations[one].function != "txn" {
        let answer = operations[one].output.clone();
        operations[one].output = std::mem::replace(&mut operations[other].output, answer);
    }
}

fn another_answer(dice: &mut Dice, model: Model, one: &mut Operation) {
    if one.completion != Completion::Ok {
        return;
    }
    one.output = match (model, &*one.function, &one.output) {
        (Model::Register, "read", _) => {
            [Value::Nil, Value::Int(0), Value::Int(1), Value::Int(2)][index(dice.below(4))].clone()
        }
        (Model::Kv, "get", _) => [word("a"), word("ab"), word("b"), Value::Nil][index(dice.below(4))].clone(),
        (Model::Set, "read", shown) | (Model::Queue, "drain", shown) => {
            let mut shown = crate::oracle::objects::items(shown);
            another_list(dice, &mut shown, Value::Int);
            list(shown)
        }
        (Model::Queue, "dequeue", _) => {
            [Value::Nil, Value::Int(1), Value::Int(2), Value::Int(3)][index(dice.below(4))].clone()
        }
        (Model::Counter, "read", Value::Int(number)) => Value::Int(number + small(dice, 5) - 2),
        (Model::Mutex, "acquire", Value::Int(token)) => Value::Int(token + small(dice, 3) - 1),
        (Model::Bank, "read", Value::Map(accounts)) => {
            let mut accounts = accounts.to_vec();
            let more = small(dice, 9) - 4;
            for (place, (_, balance)) in accounts.iter_mut().enumerate() {
                let Value::Int(old) = *balance else { continue };
                *balance = Value::Int(if place == 0 { old + more } else { old - more + i64::from(dice.below(4) == 0) });
            }
            Value::Map(accounts.into())
        }
        (Model::Watch, "watch", shown) => {
            let mut shown = crate::oracle::objects::items(shown);
            let keys = ["p/a", "p/b", "q"];
            let value = if dice.below(2) == 0 { Value::Nil } else { Value::Int(1 + small(dice, 3)) };
            let key = word(keys[index(dice.below(3))]);
            another_list(dice, &mut shown, |revision| list([Value::Int(revision), key.clone(), value.clone()]));
            list(shown)
        }
        (Model::MultiRegister, _, shown) => {
            let mut micros = crate::oracle::objects::items(shown);
            for micro in &mut micros {
                let parts = crate::oracle::objects::items(micro);
                if parts[0] == word("r") && dice.below(2) == 0 {
                    *micro = list([parts[0].clone(), parts[1].clone(), Value::Int(small(dice, 3))]);
                }
            }
            list(micros)
        }
        (_, _, same) => same.clone(),
    };
}

/// One element less, one more, one twice, or two in each other's place.
fn another_list(dice: &mut Dice, shown: &mut Vec<Value>, made: impl Fn(i64) -> Value) {
    let place = index(dice.below(shown.len().max(1) as u64));
    match dice.below(5) {
        0 | 1 if !shown.is_empty() => drop(shown.remove(place)),
        2 if !shown.is_empty() => shown.push(shown[place].clone()),
        3 if shown.len() > 1 => shown.swap(place, 0),
        _ => shown.push(made(1 + small(dice, 5))),
    }
}

fn another_outcome(dice: &mut Dice, model: Model, one: &mut Operation, tokens: bool) {
    if one.saw.is_some() || one.end.is_none() {
        return;
    }
    let silent = matches!(&*one.function, "read" | "get" | "dequeue" | "drain" | "watch" | "txn");
    match (one.completion, dice.below(2)) {
        (Completion::Ok, 0) => (one.completion, one.output) = (Completion::Info, Value::Nil),
        (Completion::Ok, _) => (one.completion, one.output) = (Completion::Fail, Value::Nil),
        (Completion::Fail | Completion::Info, _) if silent => {}
        (Completion::Fail | Completion::Info, _) => {
            one.completion = Completion::Ok;
            let named = model == Model::Mutex && &*one.function == "acquire" && tokens;
            one.output = if named { Value::Int(1 + small(dice, 4)) } else { one.input.clone() };
        }
    }
}

/// Exchanges an end of one operation with an end of another, if what comes of it is still a history.
fn swap_moments(dice: &mut Dice, operations: &mut [Operation], one: usize, other: usize) {
    let before = operations.to_vec();
    let (first, second) = (dice.below(2) == 0, dice.below(2) == 0);
    let (Some(left), Some(right)) = (moment(&operations[one], first), moment(&operations[other], second)) else {
        return;
    };
    set(&mut operations[one], first, right);
    set(&mut operations[other], second, left);
    let ends = |one: &Operation| one.end.map_or(u64::MAX, |end| end.at);
    let apart = |one: &Operation, other: &Operation| ends(one) < other.call.at || ends(other) < one.call.at;
    let sound = operations.iter().enumerate().all(|(place, one)| {
        let others = operations[..place].iter().filter(|other| other.process == one.process);
        one.call.at < ends(one) && others.clone().all(|other| apart(one, other))
    });
    if !sound {
        operations.clone_from_slice(&before);
    }
}

fn moment(one: &Operation, is_call: bool) -> Option<Call> {
    if is_call { Some(one.call) } else { one.end }
}

fn set(one: &mut Operation, is_call: bool, moment: Call) {
    if is_call {
        one.call = moment;
    } else {
        one.end = Some(moment);
    }
}
