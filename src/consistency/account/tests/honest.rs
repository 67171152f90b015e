//! Stores that keep their promise, with answers that get lost and effects that come late: no checker may accuse them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{bank, counter, lock, queue, set, watch};
use super::{Deed, history, int, told};
use crate::Allowance;
use crate::check::{Model, Options, check};
use crate::history::{Completion, Value};

/// What a client asks, when, and how it ends.
#[derive(Clone, Debug)]
struct Ask {
    what: u8,
    amount: i64,
    call: u64,
    /// From the call to the effect, from there to the answer.
    effect: u64,
    answer: u64,
    /// 0: indeterminate without effect, 1: indeterminate with a late one, 2: failed, else ok.
    luck: u8,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let ask = (0_u8..4, -3_i64..9, 0_u64..200, 1_u64..40, 1_u64..40, 0_u8..12)
        .prop_map(|(what, amount, call, effect, answer, luck)| Ask { what, amount, call, effect, answer, luck });
    prop::collection::vec(ask, 1..40)
}

/// Runs the asks on a store in the order of their effects, and everything in `last` one after the other at the end.
fn run(mut asks: Vec<Ask>, last: u8, mut store: impl FnMut(&Ask, i64) -> (&'static str, Value, Value)) -> Vec<Deed> {
    for number in 0..2 {
        asks.push(Ask { what: last, amount: 0, call: 1_000 + number * 100, effect: 1, answer: 1, luck: 9 });
    }
    let late = |ask: &Ask| if ask.luck == 1 { ask.call + ask.effect * 7 } else { ask.call + ask.effect };
    let mut order: Vec<usize> = (0..asks.len()).collect();
    order.sort_by_key(|at| (late(&asks[*at]), *at));
    let mut deeds = Vec::new();
    for at in order {
        let ask = &asks[at];
        let number = i64::try_from(at).expect("few");
        let happens = ask.luck == 1 || ask.luck > 2;
        let (function, input, output) = if happens { store(ask, number) } else { what_of(&mut store, ask, number) };
        let completion = match ask.luck {
            0 | 1 => Completion::Info,
            2 => Completion::Fail,
            _ => Completion::Ok,
        };
        let output = if completion == Completion::Ok { output } else { Value::Nil };
        // Every event has a moment of its own.
        let moment = |time: u64, side: u64| time * 1_000 + at as u64 * 2 + side;
        let to = moment(ask.call + ask.effect + ask.answer, 1);
        deeds.push(Deed { from: moment(ask.call, 0), to, process: at as u64, function, input, output, completion });
    }
    deeds
}

/// The words of an ask that has no effect: reads have none, and what is sent does not hang on the store.
fn what_of(
    store: &mut impl FnMut(&Ask, i64) -> (&'static str, Value, Value),
    ask: &Ask,
    number: i64,
) -> (&'static str, Value, Value) {
    store(&Ask { luck: u8::MAX, ..ask.clone() }, number)
}

/// Whether the ask takes effect.
fn real(ask: &Ask) -> bool {
    ask.luck != u8::MAX
}

fn never_accused(outcome: &crate::outcome::Outcome) -> Result<(), TestCaseError> {
    let told = told(outcome);
    prop_assert!(told == "ok" || told.starts_with("unknown"), "{told}: {outcome:?}");
    Ok(())
}

proptest! {
    #[test]
    fn a_set(asks in asks()) {
        let mut elements = BTreeSet::new();
        let deeds = run(asks, 0, |ask, number| {
            if ask.what == 0 {
                let list = elements.iter().map(|element| int(*element)).collect();
                return ("read", Value::Nil, Value::List(list));
            }
            if real(ask) {
                elements.insert(number);
            }
            ("add", int(number), int(number))
        });
        let (all, options) = (history(deeds), Options::default());
        prop_assert_eq!(told(&set::check(&all, &options, Allowance::unlimited()).expect("a set")), "ok");
        prop_assert_eq!(told(&check(&all, Model::Set, &options, &|| false)), "ok");
    }

    #[test]
    fn a_counter(asks in asks()) {
        let mut count = 10;
        let deeds = run(asks, 0, |ask, _| {
            if ask.what == 0 {
                return ("read", Value::Nil, int(count));
            }
            if real(ask) {
                count += ask.amount;
            }
            ("add", int(ask.amount), int(ask.amount))
        });
        prop_assert_eq!(told(&counter::check(&history(deeds), 10, counter::Claim::Linearizable, Allowance::unlimited()).expect("a counter")), "ok");
    }

    #[test]
    fn a_bank(asks in asks()) {
        let mut accounts = BTreeMap::from([(0, 30), (1, 30)]);
        let deeds = run(asks, 0, |ask, _| {
            if ask.what == 0 {
                let map = accounts.iter().map(|(account, balance)| (int(*account), int(*balance))).collect();
                return ("read", Value::Nil, Value::Map(map));
            }
            let (from, to) = (i64::from(ask.what % 2), i64::from(1 - ask.what % 2));
            if real(ask) && (0..=accounts[&from]).contains(&ask.amount) {
                *accounts.entry(from).or_default() -= ask.amount;
                *accounts.entry(to).or_default() += ask.amount;
            }
            ("transfer", int(ask.amount), Value::Nil)
        });
        let outcome = bank::check(&history(deeds), Some(60), bank::Overdraft::Forbidden, Allowance::unlimited()).expect("a bank");
        prop_assert_eq!(told(&outcome), "ok");
    }

    #[test]
    fn a_queue(asks in asks()) {
        let mut elements = VecDeque::new();
        let deeds = run(asks, 3, |ask, number| match ask.what {
            0 | 1 => {
                if real(ask) {
                    elements.push_back(number);
                }
                ("enqueue", int(number), int(number))
            }
            2 => {
                let first = if real(ask) { elements.pop_front() } else { None };
                ("dequeue", Value::Nil, first.map_or(Value::Nil, int))
            }
            _ => {
                let all = if real(ask) { std::mem::take(&mut elements) } else { VecDeque::new() };
                ("drain", Value::Nil, Value::List(all.into_iter().map(int).collect()))
            }
        });
        never_accused(&queue::check(&history(deeds), queue::Delivery::ExactlyOnce, queue::Order::Fifo, Allowance::unlimited()).expect("a queue"))?;
    }

    #[test]
    fn a_lock(asks in asks()) {
        let (mut token, mut holder) = (0, None);
        let deeds = run(asks, 0, |ask, _| {
            if ask.what < 2 {
                if !real(ask) || holder.is_some() {
                    // Whoever finds it taken is told so, by a failure; here it simply asks for another.
                    return ("release", int(-1), Value::Nil);
                }
                token += 1;
                holder = Some((token, ask.call + ask.effect + ask.answer));
                return ("acquire", Value::Nil, int(token));
            }
            // A holder calls release after it was told that it holds the lock.
            let held = if real(ask) { holder.take_if(|(_, told)| *told < ask.call) } else { None };
            ("release", int(held.map_or(-1, |(token, _)| token)), Value::Nil)
        });
        let sane: Vec<Deed> = deeds.into_iter().filter(|one| one.input != int(-1)).collect();
        never_accused(&lock::check(&history(sane.clone()), lock::Claim::MutualExclusion, Allowance::unlimited()).expect("a lock"))?;
        let tokens: Vec<Deed> = sane.into_iter().filter(|one| one.completion == Completion::Ok).collect();
        never_accused(&lock::check(&history(tokens), lock::Claim::Fencing, Allowance::unlimited()).expect("a lock"))?;
    }

    #[test]
    fn a_watch(asks in asks()) {
        let key = Value::Text(Arc::from("k"));
        let mut events: Vec<i64> = Vec::new();
        let deeds = run(asks, 0, |ask, number| {
            if ask.what == 0 {
                let after = usize::try_from(ask.amount.max(0)).expect("small").min(events.len());
                let list = (after..events.len())
                    .map(|at| Value::List([int(i64::try_from(at).expect("small") + 1), key.clone(), int(events[at])].into()))
                    .collect();
                return ("watch", int(i64::try_from(after).expect("small")), Value::List(list));
            }
            if real(ask) {
                events.push(number);
            }
            ("write", int(number), int(number))
        });
        prop_assert_eq!(told(&watch::check(&history(deeds), Allowance::unlimited()).expect("a watch")), "ok");
    }
}
