//! The words by which actions stand in a history. Says what was asked; knows nothing of what came back.

use std::sync::Arc;

use super::{Action, Kind, Micro, Outcome, Verb};
use crate::consistency::{Completion, Model, Value};

impl Kind {
    /// All of them, in order of value.
    pub const ALL: [Self; 8] =
        [Self::Register, Self::Set, Self::Append, Self::Bank, Self::Queue, Self::Counter, Self::Lock, Self::Watch];

    /// Its name in scenarios and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Set => "set",
            Self::Append => "append",
            Self::Bank => "bank",
            Self::Queue => "queue",
            Self::Counter => "counter",
            Self::Lock => "lock",
            Self::Watch => "watch",
        }
    }

    /// The model that judges its histories.
    #[must_use]
    pub fn model(self) -> Model {
        match self {
            Self::Register => Model::Register,
            Self::Set => Model::Set,
            Self::Append => Model::Append,
            Self::Bank => Model::Bank,
            Self::Queue => Model::Queue,
            Self::Counter => Model::Counter,
            Self::Lock => Model::Mutex,
            Self::Watch => Model::Watch,
        }
    }

    /// Its functions with the weights of its own mix.
    #[must_use]
    pub fn verbs(self) -> &'static [(Verb, u32)] {
        match self {
            Self::Register => &[(Verb::Read, 5), (Verb::Write, 3), (Verb::Cas, 2)],
            Self::Set => &[(Verb::Add, 9), (Verb::Read, 1)],
            Self::Append => &[(Verb::Txn, 1)],
            Self::Bank => &[(Verb::Transfer, 3), (Verb::Read, 1)],
            Self::Queue => &[(Verb::Enqueue, 1), (Verb::Dequeue, 1)],
            Self::Counter => &[(Verb::Add, 3), (Verb::Read, 1)],
            // Who holds the lock gives it back next; a mix has nothing to choose.
            Self::Lock => &[(Verb::Acquire, 1)],
            Self::Watch => &[(Verb::Write, 1), (Verb::Watch, 1)],
        }
    }
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Read,
        Self::Write,
        Self::Cas,
        Self::Add,
        Self::Txn,
        Self::Transfer,
        Self::Enqueue,
        Self::Dequeue,
        Self::Drain,
        Self::Acquire,
        Self::Release,
        Self::Watch,
    ];

    /// Its word in a history.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Cas => "cas",
            Self::Add => "add",
            Self::Txn => "txn",
            Self::Transfer => "transfer",
            Self::Enqueue => "enqueue",
            Self::Dequeue => "dequeue",
            Self::Drain => "drain",
            Self::Acquire => "acquire",
            Self::Release => "release",
            Self::Watch => "watch",
        }
    }
}

impl Action {
    /// Its function. None for what prepares a store and does not belong into a history.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        match self {
            Self::Read { .. } | Self::Members { .. } | Self::Balances { .. } | Self::Count { .. } => Some(Verb::Read),
            Self::Write { .. } => Some(Verb::Write),
            Self::Cas { .. } => Some(Verb::Cas),
            Self::Add { .. } | Self::Increment { .. } => Some(Verb::Add),
            Self::Transact { .. } => Some(Verb::Txn),
            Self::OpenAccounts { .. } => None,
            Self::Transfer { .. } => Some(Verb::Transfer),
            Self::Enqueue { .. } => Some(Verb::Enqueue),
            Self::Dequeue { .. } => Some(Verb::Dequeue),
            Self::Drain { .. } => Some(Verb::Drain),
            Self::Acquire { .. } => Some(Verb::Acquire),
            Self::Release { .. } => Some(Verb::Release),
            Self::Watch { .. } => Some(Verb::Watch),
        }
    }

    /// The one object that it is about, when there is one.
    #[must_use]
    pub fn key(&self) -> Option<Arc<str>> {
        match self {
            Self::Read { key } | Self::Write { key, .. } | Self::Cas { key, .. } => Some(key.clone()),
            Self::Add { set, .. } | Self::Members { set } => Some(set.clone()),
            Self::Transact { .. } | Self::OpenAccounts { .. } | Self::Transfer { .. } | Self::Balances { .. } => None,
            Self::Enqueue { queue, .. } | Self::Dequeue { queue } | Self::Drain { queue } => Some(queue.clone()),
            Self::Increment { counter, .. } | Self::Count { counter } => Some(counter.clone()),
            Self::Acquire { lock } | Self::Release { lock, .. } => Some(lock.clone()),
            Self::Watch { prefix, .. } => Some(prefix.clone()),
        }
    }

    /// What is sent, as the value of the call.
    #[must_use]
    pub fn input(&self) -> Value {
        match self {
            Self::Read { .. }
            | Self::Members { .. }
            | Self::Balances { .. }
            | Self::Dequeue { .. }
            | Self::Drain { .. }
            | Self::Count { .. }
            | Self::Acquire { .. } => Value::Nil,
            Self::Write { value, .. } => Value::Int(*value),
            Self::Cas { from, to, .. } => list([Value::Int(*from), Value::Int(*to)]),
            Self::Add { element, .. } | Self::Enqueue { element, .. } => Value::Int(*element),
            Self::Transact { steps } => list(steps.iter().map(|step| micro(step, Value::Nil))),
            Self::OpenAccounts { accounts, balance } => balances(accounts.iter().map(|name| (name, *balance))),
            Self::Transfer { from, to, amount } => transfer(from, to, *amount),
            Self::Increment { by, .. } => Value::Int(*by),
            Self::Release { token, .. } => Value::Int(*token),
            Self::Watch { after, .. } => Value::Int(*after),
        }
    }

    /// Whether it leaves the store as it was, so that an unknown outcome is as good as none.
    #[must_use]
    pub fn is_read(&self) -> bool {
        match self {
            Self::Read { .. }
            | Self::Members { .. }
            | Self::Balances { .. }
            | Self::Count { .. }
            | Self::Watch { .. } => true,
            Self::Transact { steps } => steps.iter().all(|step| matches!(step, Micro::Read(_))),
            Self::Write { .. }
            | Self::Cas { .. }
            | Self::Add { .. }
            | Self::OpenAccounts { .. }
            | Self::Transfer { .. }
            | Self::Enqueue { .. }
            | Self::Dequeue { .. }
            | Self::Drain { .. }
            | Self::Increment { .. }
            | Self::Acquire { .. }
            | Self::Release { .. } => false,
        }
    }
}

impl Micro {
    /// The list that it is about.
    #[must_use]
    pub fn key(&self) -> &Arc<str> {
        match self {
            Self::Read(key) | Self::Append(key, _) => key,
        }
    }
}

impl Outcome {
    /// It happened, and this came back.
    #[must_use]
    pub fn ok(value: Value) -> Self {
        Self { value, ..Self::empty(Completion::Ok, None) }
    }

    /// It did not happen, and why.
    #[must_use]
    pub fn fail(error: impl Into<String>) -> Self {
        Self::empty(Completion::Fail, Some(error.into()))
    }

    /// Nobody knows whether it happened, and why.
    #[must_use]
    pub fn info(error: impl Into<String>) -> Self {
        Self::empty(Completion::Info, Some(error.into()))
    }

    /// The same with the endpoint that answered, unless one is named already.
    #[must_use]
    pub fn at(mut self, node: &Arc<str>) -> Self {
        self.node.get_or_insert_with(|| node.clone());
        self
    }

    /// What a compare-and-set that failed found instead: as good as a read.
    #[must_use]
    pub fn saw(&self) -> Option<&Value> {
        self.actual.as_ref().filter(|_| self.completion == Completion::Fail)
    }

    fn empty(completion: Completion, error: Option<String>) -> Self {
        Self { completion, value: Value::Nil, actual: None, node: None, revision: None, unreplicated: false, error }
    }
}

/// A list of values.
pub(crate) fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::List(values.into_iter().collect())
}

/// Text as a value.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(Arc::from(text))
}

/// A transfer as a value.
pub(crate) fn transfer(from: &Arc<str>, to: &Arc<str>, amount: i64) -> Value {
    Value::Map(Arc::from([
        (text("from"), Value::Text(from.clone())),
        (text("to"), Value::Text(to.clone())),
        (text("amount"), Value::Int(amount)),
    ]))
}

/// Balances as a value: account to number.
pub(crate) fn balances<'a>(accounts: impl IntoIterator<Item = (&'a Arc<str>, i64)>) -> Value {
    Value::Map(accounts.into_iter().map(|(name, balance)| (Value::Text(name.clone()), Value::Int(balance))).collect())
}

/// A step of a transaction as a value; `read` is what a read returned.
pub(crate) fn micro(step: &Micro, read: Value) -> Value {
    match step {
        Micro::Read(key) => list([text("r"), Value::Text(key.clone()), read]),
        Micro::Append(key, element) => list([text("append"), Value::Text(key.clone()), Value::Int(*element)]),
    }
}
