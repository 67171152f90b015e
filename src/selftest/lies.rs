//! How each lie is told. What is not lied about is left to the honest store.

use std::sync::Arc;

use super::bug::Bug;
use super::state::{State, events, numbers};
use super::world::{Flight, World};
use crate::consistency::Value;
use crate::workload::{Action, Micro, Outcome, words};

/// A value that no client writes.
const MADE_UP: i64 = 1_000_000_007;

/// What the store says and does instead of the truth; none where it stays with it.
pub(super) fn tell(world: &mut World, state: &mut State, flight: &Flight) -> Option<Outcome> {
    let action = &flight.request.action;
    match world.bug? {
        Bug::FailedWriteStays if flight.doomed => failed(state, action),
        Bug::DirtyRead if flight.doomed => {
            take_back(state, action);
            Some(Outcome::fail("aborted"))
        }
        _ if flight.doomed => None,
        Bug::StaleRead if action.is_read() && world.once_in(3) => Some(world.before().clone().perform(action)),
        Bug::Duplicate if world.once_in(5) => twice(state, action),
        Bug::IntermediateRead => stepwise(flight),
        Bug::WriteSkew | Bug::LostUpdate | Bug::ReadSkew | Bug::OwnWritesUnseen | Bug::LongFork => {
            unisolated(world.bug?, world.before(), state, flight)
        }
        Bug::LeaseForgotten => forgotten(state, action),
        Bug::UnfencedHolder => unfenced(state, action),
        Bug::SkippedEvent | Bug::ReorderedEvents => watch(world, state, action),
        Bug::LastInFirstOut => last(state, action),
        Bug::Overdraft => overdraw(state, action),
        Bug::BackdatedWrite if world.once_in(3) => backdate(state, action),
        Bug::MadeUpValue if world.once_in(12) => invent(state, action, MADE_UP),
        Bug::Prophecy if world.once_in(3) => {
            let next = world.next_of(flight.request.client + 1);
            invent(state, action, next)
        }
        Bug::StaleRead
        | Bug::LostOnFailover
        | Bug::Duplicate
        | Bug::DirtyRead
        | Bug::FailedWriteStays
        | Bug::SplitBrain
        | Bug::BackdatedWrite
        | Bug::MadeUpValue
        | Bug::Prophecy => None,
    }
}

/// Whether it puts something into the store that others can see.
fn puts(action: &Action) -> bool {
    matches!(
        action,
        Action::Write { .. }
            | Action::Add { .. }
            | Action::Enqueue { .. }
            | Action::Increment { .. }
            | Action::Transact { .. }
    )
}

fn failed(state: &mut State, action: &Action) -> Option<Outcome> {
    puts(action).then(|| {
        state.perform(action);
        Outcome::fail("refused")
    })
}

/// What will be aborted is there until then.
pub(super) fn dirty(state: &mut State, action: &Action) {
    if puts(action) {
        state.perform(action);
    }
}

fn take_back(state: &mut State, action: &Action) {
    let mut out = |name: &Arc<str>, element: i64| {
        if let Some(list) = state.lists.get_mut(name) {
            list.retain(|other| *other != element);
        }
    };
    match action {
        Action::Add { set: name, element } | Action::Enqueue { queue: name, element } => out(name, *element),
        Action::Transact { steps } => steps.iter().for_each(|step| {
            if let Micro::Append(key, element) = step {
                out(key, *element);
            }
        }),
        Action::Increment { counter, by } => *state.numbers.entry(counter.clone()).or_default() -= by,
        Action::Write { key, value } => {
            state.events.retain(|(_, _, other)| other != value);
            let before = state.events.iter().rev().find(|(_, other, _)| other == key).map(|(_, _, value)| *value);
            if state.registers.get(key) == Some(value) {
                match before {
                    Some(before) => drop(state.registers.insert(key.clone(), before)),
                    None => drop(state.registers.remove(key)),
                }
            }
        }
        _ => {}
    }
}

fn twice(state: &mut State, action: &Action) -> Option<Outcome> {
    match action {
        Action::Add { .. } | Action::Enqueue { .. } | Action::Increment { .. } => {
            state.perform(action);
            Some(state.perform(action))
        }
        Action::Transact { steps } => {
            let outcome = state.perform(action);
            if let Some(Micro::Append(key, element)) = steps.last() {
                state.push(key, *element);
            }
            Some(outcome)
        }
        Action::Watch { prefix, after, until } => {
            let mut seen = state.watch(prefix, *after, *until);
            seen.extend(seen.last().cloned());
            Some(Outcome::ok(events(&seen)))
        }
        _ => None,
    }
}

/// One step of an action that is done in several.
pub(super) fn step(state: &mut State, flight: &mut Flight, number: usize) {
    match &flight.request.action {
        Action::Transact { steps } => {
            if let Some(step) = steps.get(number) {
                flight.steps.push(state.step(step));
            }
        }
        Action::Transfer { from, to, amount } if number == 0 && state.number(from) >= *amount => {
            *state.numbers.entry(from.clone()).or_default() -= amount;
            *state.numbers.entry(to.clone()).or_default() += 0;
            flight.steps.push(Value::Nil);
        }
        Action::Transfer { to, amount, .. } if number == 1 && !flight.steps.is_empty() => {
            *state.numbers.entry(to.clone()).or_default() += amount;
        }
        _ => {}
    }
}

fn stepwise(flight: &Flight) -> Option<Outcome> {
    match &flight.request.action {
        Action::Transact { .. } => Some(Outcome::ok(words::list(flight.steps.iter().cloned()))),
        Action::Transfer { .. } if flight.steps.is_empty() => Some(Outcome::fail("the account would be overdrawn")),
        action @ Action::Transfer { .. } => Some(Outcome::ok(action.input())),
        _ => None,
    }
}

fn unisolated(bug: Bug, past: &State, state: &mut State, flight: &Flight) -> Option<Outcome> {
    let snapshot = &flight.snapshot;
    let action = &flight.request.action;
    match (bug, action) {
        (_, Action::Transact { steps }) => {
            let lists = |key: &Arc<str>| state.list(key) != snapshot.list(key);
            let written = |step: &Micro| matches!(step, Micro::Append(..));
            if bug == Bug::WriteSkew && steps.iter().filter(|step| written(step)).any(|step| lists(step.key())) {
                return Some(Outcome::fail("somebody else has written it"));
            }
            if bug == Bug::LongFork && !action.is_read() {
                return None;
            }
            transact(bug, past, state, flight, steps)
        }
        (Bug::LostUpdate, Action::Cas { key, from, to }) if snapshot.registers.get(key) == Some(from) => {
            state.write(key, *to);
            Some(Outcome::ok(action.input()))
        }
        (Bug::LostUpdate, Action::Increment { counter, by }) => {
            state.numbers.insert(counter.clone(), snapshot.number(counter) + by);
            Some(Outcome::ok(Value::Int(*by)))
        }
        (Bug::LostUpdate, Action::Transfer { from, to, amount }) if snapshot.number(from) >= *amount => {
            state.numbers.insert(from.clone(), snapshot.number(from) - amount);
            state.numbers.insert(to.clone(), snapshot.number(to) + amount);
            Some(Outcome::ok(action.input()))
        }
        (Bug::ReadSkew, Action::Balances { accounts }) => {
            let both = accounts.iter().enumerate().map(|(place, account)| {
                (account, if place % 2 == 0 { snapshot.number(account) } else { state.number(account) })
            });
            Some(Outcome::ok(words::balances(both)))
        }
        _ => None,
    }
}

fn transact(bug: Bug, past: &State, state: &mut State, flight: &Flight, steps: &[Micro]) -> Option<Outcome> {
    let parity = flight.request.client % 2;
    let mut own: Vec<(&Arc<str>, i64)> = Vec::new();
    let mut read = Vec::with_capacity(steps.len());
    for (place, step) in steps.iter().enumerate() {
        match step {
            Micro::Append(key, element) => {
                own.push((key, *element));
                read.push(words::micro(step, Value::Nil));
            }
            Micro::Read(key) => {
                let even = key.len().wrapping_add(usize::from(*key.as_bytes().last()?)).is_multiple_of(2);
                let mut seen = match bug {
                    Bug::WriteSkew | Bug::LostUpdate => flight.snapshot.list(key),
                    Bug::ReadSkew if place % 2 == 0 => flight.snapshot.list(key),
                    Bug::LongFork if even == (parity == 0) => past.list(key),
                    _ => state.list(key),
                };
                if bug != Bug::OwnWritesUnseen {
                    seen.extend(own.iter().filter(|(other, _)| *other == key).map(|(_, element)| *element));
                }
                read.push(words::micro(step, numbers(&seen)));
            }
        }
    }
    for (key, element) in own {
        state.push(key, element);
    }
    Some(Outcome::ok(words::list(read)))
}

fn forgotten(state: &mut State, action: &Action) -> Option<Outcome> {
    match action {
        Action::Acquire { lock } => {
            state.locks.remove(lock);
            Some(state.perform(action))
        }
        Action::Release { lock, token } => {
            if state.locks.get(lock) == Some(token) {
                state.locks.remove(lock);
            }
            Some(Outcome::ok(Value::Int(*token)))
        }
        _ => None,
    }
}

fn unfenced(state: &mut State, action: &Action) -> Option<Outcome> {
    // Tokens are given out as before, but from one again after the failover.
    matches!(action, Action::Acquire { .. }).then(|| state.perform(action))
}

fn watch(world: &mut World, state: &State, action: &Action) -> Option<Outcome> {
    let Action::Watch { prefix, after, until } = action else { return None };
    let mut seen = state.watch(prefix, *after, *until);
    if seen.len() > 2 && world.once_in(2) {
        if world.bug == Some(Bug::SkippedEvent) {
            seen.remove(1);
        } else {
            seen.swap(0, 1);
        }
    }
    Some(Outcome::ok(events(&seen)))
}

fn last(state: &mut State, action: &Action) -> Option<Outcome> {
    let Action::Dequeue { queue } = action else { return None };
    let element = state.lists.get_mut(queue).and_then(Vec::pop);
    Some(Outcome::ok(element.map_or(Value::Nil, Value::Int)))
}

fn overdraw(state: &mut State, action: &Action) -> Option<Outcome> {
    let Action::Transfer { from, to, amount } = action else { return None };
    state.pay(from, to, *amount);
    Some(Outcome::ok(action.input()))
}

fn backdate(state: &mut State, action: &Action) -> Option<Outcome> {
    let Action::Transact { steps } = action else { return None };
    let outcome = state.perform(action);
    for step in steps.iter() {
        if let (Micro::Append(_, element), Some(list)) = (step, state.lists.get_mut(step.key()))
            && let Some(place) = list.iter().position(|other| other == element)
            && place > 0
        {
            list.swap(place - 1, place);
        }
    }
    Some(outcome)
}

/// A read that returns a value which is not there.
fn invent(state: &mut State, action: &Action, value: i64) -> Option<Outcome> {
    let more = |name: &Arc<str>| numbers(&[state.list(name), vec![value]].concat());
    let seen = match action {
        Action::Read { .. } | Action::Dequeue { .. } => Value::Int(value),
        Action::Members { set } => more(set),
        Action::Transact { steps } => match steps.as_ref() {
            [step @ Micro::Read(key)] => words::list([words::micro(step, more(key))]),
            _ => return None,
        },
        Action::Count { counter } => Value::Int(state.number(counter) + value),
        Action::Balances { accounts } => words::balances(accounts.iter().map(|account| (account, value))),
        Action::Watch { prefix, after, until } => {
            let mut seen = state.watch(prefix, *after, *until);
            let (_, key, last) = seen.last_mut()?;
            let _ = key;
            *last = value;
            events(&seen)
        }
        _ => return None,
    };
    Some(Outcome::ok(seen))
}
