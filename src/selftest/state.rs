//! What the store of the self-test keeps, and what one action does to it at one moment. Tells no lie and reads no clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::consistency::Value;
use crate::workload::{Action, Micro, Outcome, Until, words};

/// Everything in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Registers.
    pub(super) registers: BTreeMap<Arc<str>, i64>,
    /// Sets, lists and queues.
    pub(super) lists: BTreeMap<Arc<str>, Vec<i64>>,
    /// Accounts and counters.
    pub(super) numbers: BTreeMap<Arc<str>, i64>,
    /// Held locks with their tokens.
    pub(super) locks: BTreeMap<Arc<str>, i64>,
    /// The last token that was given out.
    pub(super) token: i64,
    /// The last revision.
    pub(super) revision: i64,
    /// Every write of a register.
    pub(super) events: Vec<(i64, Arc<str>, i64)>,
}

impl State {
    /// The list of this name.
    pub(super) fn list(&self, name: &str) -> Vec<i64> {
        self.lists.get(name).cloned().unwrap_or_default()
    }

    /// The number of this name.
    pub(super) fn number(&self, name: &str) -> i64 {
        self.numbers.get(name).copied().unwrap_or(0)
    }

    pub(super) fn write(&mut self, key: &Arc<str>, value: i64) {
        self.revision += 1;
        self.registers.insert(key.clone(), value);
        self.events.push((self.revision, key.clone(), value));
    }

    pub(super) fn push(&mut self, name: &Arc<str>, element: i64) {
        self.lists.entry(name.clone()).or_default().push(element);
    }

    /// Does all of an action at once.
    pub(super) fn perform(&mut self, action: &Action) -> Outcome {
        let done = match action {
            Action::Read { key } => Ok(self.registers.get(key).map_or(Value::Nil, |value| Value::Int(*value))),
            Action::Write { key, value } => {
                self.write(key, *value);
                Ok(Value::Int(*value))
            }
            Action::Cas { key, from, to } => return self.cas(key, *from, *to, action),
            Action::Add { set: name, element } | Action::Enqueue { queue: name, element } => {
                self.push(name, *element);
                Ok(Value::Int(*element))
            }
            Action::Members { set } => Ok(numbers(&self.list(set))),
            Action::Transact { steps } => Ok(words::list(steps.iter().map(|step| self.step(step)).collect::<Vec<_>>())),
            Action::OpenAccounts { accounts, balance } => {
                self.numbers.extend(accounts.iter().map(|account| (account.clone(), *balance)));
                Ok(Value::Nil)
            }
            Action::Transfer { from, to, amount } => self.transfer(from, to, *amount).map(|()| action.input()),
            Action::Balances { accounts } => {
                Ok(words::balances(accounts.iter().map(|account| (account, self.number(account)))))
            }
            Action::Dequeue { queue } => {
                let queue = self.lists.entry(queue.clone()).or_default();
                Ok(if queue.is_empty() { Value::Nil } else { Value::Int(queue.remove(0)) })
            }
            Action::Drain { queue } => Ok(numbers(&self.lists.remove(queue).unwrap_or_default())),
            Action::Increment { counter, by } => {
                *self.numbers.entry(counter.clone()).or_default() += by;
                Ok(Value::Int(*by))
            }
            Action::Count { counter } => Ok(Value::Int(self.number(counter))),
            Action::Acquire { lock } => self.acquire(lock).map(Value::Int),
            Action::Release { lock, token } => self.release(lock, *token).map(|()| Value::Int(*token)),
            Action::Watch { prefix, after, until } => Ok(events(&self.watch(prefix, *after, *until))),
        };
        let mut outcome = done.map_or_else(Outcome::fail, Outcome::ok);
        if matches!(action, Action::Write { .. }) {
            outcome.revision = Some(self.revision);
        }
        outcome
    }

    fn cas(&mut self, key: &Arc<str>, from: i64, to: i64, action: &Action) -> Outcome {
        let found = self.registers.get(key).copied();
        if found == Some(from) {
            self.write(key, to);
            return Outcome::ok(action.input());
        }
        let actual = found.map_or(Value::Nil, Value::Int);
        Outcome { actual: Some(actual), ..Outcome::fail("another value is there") }
    }

    /// One step of a transaction.
    pub(super) fn step(&mut self, step: &Micro) -> Value {
        match step {
            Micro::Read(key) => words::micro(step, numbers(&self.list(key))),
            Micro::Append(key, element) => {
                self.push(key, *element);
                words::micro(step, Value::Nil)
            }
        }
    }

    fn transfer(&mut self, from: &Arc<str>, to: &Arc<str>, amount: i64) -> Result<(), &'static str> {
        if self.number(from) < amount {
            return Err("the account would be overdrawn");
        }
        self.pay(from, to, amount);
        Ok(())
    }

    /// A transfer without a look at the balance.
    pub(super) fn pay(&mut self, from: &Arc<str>, to: &Arc<str>, amount: i64) {
        *self.numbers.entry(from.clone()).or_default() -= amount;
        *self.numbers.entry(to.clone()).or_default() += amount;
    }

    fn acquire(&mut self, lock: &Arc<str>) -> Result<i64, &'static str> {
        if self.locks.contains_key(lock) {
            return Err("somebody holds it");
        }
        self.token += 1;
        self.locks.insert(lock.clone(), self.token);
        Ok(self.token)
    }

    fn release(&mut self, lock: &Arc<str>, token: i64) -> Result<(), &'static str> {
        if self.locks.get(lock) != Some(&token) {
            return Err("it is not held under this token");
        }
        self.locks.remove(lock);
        Ok(())
    }

    /// What a watch sees.
    pub(super) fn watch(&self, prefix: &str, after: i64, until: Until) -> Vec<(i64, Arc<str>, i64)> {
        let below = self.events.iter().filter(|(at, key, _)| *at > after && key.starts_with(prefix)).cloned();
        match until {
            Until::Events(count) => below.take(count).collect(),
            Until::Value(last) => {
                let mut all: Vec<_> = below.collect();
                let end = all.iter().position(|(_, _, value)| *value == last).map_or(all.len(), |at| at + 1);
                all.truncate(end);
                all
            }
        }
    }
}

/// A list of numbers as a value.
pub(super) fn numbers(list: &[i64]) -> Value {
    words::list(list.iter().map(|element| Value::Int(*element)))
}

/// Events as a value.
pub(super) fn events(events: &[(i64, Arc<str>, i64)]) -> Value {
    words::list(
        events
            .iter()
            .map(|(at, key, value)| words::list([Value::Int(*at), Value::Text(key.clone()), Value::Int(*value)])),
    )
}
