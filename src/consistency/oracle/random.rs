//! Random small histories of every model: a store that keeps its promise, used by a few clients, and then, more often than not, a
//! few changes to what was recorded.

mod changes;
mod store;

use self::changes::change;
use self::store::Store;
use super::Subject;
use crate::check::{Model, Nil, Options};
use crate::differential::Dice;
use crate::history::{Call, Completion, History, Operation, Value};
use crate::text::Claim;

/// An operation between its call and its end, and whether it took effect.
struct Running {
    client: u64,
    index: usize,
    applied: bool,
}

/// A random history with the options by which it is to be judged.
pub fn random(dice: &mut Dice, subject: Subject) -> (History, Options) {
    let mut options = Options::default();
    let mut store = Store::new(dice, subject);
    if dice.below(4) == 0 {
        options.initial = store.fill(subject.model);
    }
    let reads_nil = matches!(subject.model, Model::Register | Model::Kv | Model::Set | Model::MultiRegister);
    if reads_nil && dice.below(8) == 0 {
        options.nil = Nil::Wildcard;
    }
    let mut history = recorded(dice, &mut store);
    let changes = dice.below(5);
    for _ in 0..changes {
        change(dice, subject.model, &mut history, store.tokens);
    }
    history.operations.sort_by_key(|one| one.call.at);
    (history, options)
}

fn recorded(dice: &mut Dice, store: &mut Store) -> History {
    let length = 1 + index(dice.below(8));
    let clients = 1 + dice.below(4);
    let unknown = [0, 10, 40][index(dice.below(3))];
    let mut names: Vec<u64> = (0..clients).collect();
    let mut history = History::default();
    let mut running: Vec<Running> = Vec::new();
    let mut moment = 0;
    while history.operations.len() < length || !running.is_empty() {
        moment += 1;
        let client = dice.below(clients);
        let Some(place) = running.iter().position(|one| one.client == client) else {
            if history.operations.len() < length {
                running.push(Running { client, index: history.operations.len(), applied: false });
                history.operations.push(store.ask(dice, at(moment), names[index(client)]));
            }
            continue;
        };
        let operation = &mut history.operations[running[place].index];
        if !running[place].applied && dice.below(2) == 0 {
            store.act(dice, operation);
            running[place].applied = true;
            continue;
        }
        let done = running.swap_remove(place);
        if dice.below(100) < unknown {
            (operation.completion, operation.output, operation.saw) = (Completion::Info, Value::Nil, None);
            operation.end = (dice.below(2) == 0).then_some(at(moment));
            // It goes on under another name.
            names[index(client)] += 10;
            continue;
        }
        if !done.applied {
            store.act(dice, operation);
        }
        operation.end = Some(at(moment));
    }
    // Most claims are about what is left in the end.
    for _ in 0..dice.below(3) {
        let mut last = store.last(dice, at(moment + 1), 100 + moment);
        store.act(dice, &mut last);
        last.end = Some(at(moment + 2));
        history.operations.push(last);
        moment += 2;
    }
    history
}

fn at(moment: u64) -> Call {
    Call { at: moment, time: i64::try_from(moment).unwrap_or(0), line: 0 }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// A small number.
fn small(dice: &mut Dice, sides: u64) -> i64 {
    i64::try_from(dice.below(sides)).unwrap_or(0)
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect())
}

fn word(text: &str) -> Value {
    Value::Text(text.into())
}

/// Whether what is sent must be sent once.
fn is_unique(subject: Subject) -> bool {
    matches!((subject.model, subject.claim), (Model::Set, Claim::Durable) | (Model::Queue | Model::Watch, _))
}

fn operation(function: &str, key: Option<Value>, input: Value, call: Call, process: u64) -> Operation {
    Operation {
        process,
        function: function.into(),
        key,
        input,
        output: Value::Nil,
        completion: Completion::Ok,
        saw: None,
        call,
        end: None,
        node: None,
    }
}
