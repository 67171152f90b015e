//! Workloads: what the clients of a store do, and which promise of the store that puts to the test. Makes every random
//! choice from the seed; never does I/O, never reads a clock, never judges what came back.
//!
//! A [`Generator`] is asked for the next request of a client and told its outcome. Whether it is asked at a rate or as
//! soon as the outcome is there is left to the caller; one client has at most one request under way.
//!
//! # Words in a history
//!
//! | action | `f` | `k` | `v` of the call | `v` of `ok` |
//! |---|---|---|---|---|
//! | [`Action::Read`] | `read` | key | – | value, or nothing |
//! | [`Action::Write`] | `write` | key | value | value |
//! | [`Action::Cas`] | `cas` | key | `[from, to]` | `[from, to]` |
//! | [`Action::Add`] | `add` | set | element | element |
//! | [`Action::Members`] | `read` | set | – | list of elements |
//! | [`Action::Transact`] | `txn` | – | `[["append", k, v], ["r", k, nil], …]` | the same with the lists that were read |
//! | [`Action::Transfer`] | `transfer` | – | `{"from", "to", "amount"}` | the same |
//! | [`Action::Balances`] | `read` | – | – | map of account to balance |
//! | [`Action::Enqueue`] | `enqueue` | queue | element | element |
//! | [`Action::Dequeue`] | `dequeue` | queue | – | element, or nothing when it was empty |
//! | [`Action::Drain`] | `drain` | queue | – | list of elements |
//! | [`Action::Increment`] | `add` | counter | amount | amount |
//! | [`Action::Count`] | `read` | counter | – | number |
//! | [`Action::Acquire`] | `acquire` | lock | – | fencing token |
//! | [`Action::Release`] | `release` | lock | fencing token | fencing token |
//! | [`Action::Watch`] | `watch` | prefix | revision after which to begin | list of `[revision, key, value]` |

mod accounts;
mod capability;
mod chance;
mod claim;
mod clients;
mod counter;
mod generator;
mod list_append;
mod lock;
mod minima;
mod queue;
mod register;
mod set;
#[cfg(test)]
mod tests;
mod watch;
pub(crate) mod words;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::consistency::{Completion, Value};

pub use capability::{Refusal, StoreKind, can_run};
pub use claim::Claim;
pub use generator::{Generator, OptionsError};
pub use minima::{Minimum, minima};

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "WorkloadOfStore")]
pub enum Kind {
    /// Unique writes, reads and compare-and-set of single keys.
    Register,
    /// Acknowledged adds of unique elements; everything is read back from every replica.
    Set,
    /// Transactions that read lists and append unique elements to them.
    Append,
    /// Transfers between accounts, whose total never changes.
    Bank,
    /// Unique elements go in and come out again.
    Queue,
    /// Additions to a number.
    Counter,
    /// A lock with fencing tokens.
    Lock,
    /// Writes, and the events that a watch delivers of them.
    Watch,
}

/// The functions of workloads: what a mix weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// A read of whatever the workload keeps.
    Read,
    /// A write of a fresh value.
    Write,
    /// A compare-and-set to a fresh value.
    Cas,
    /// An element for a set, or an amount for a counter.
    Add,
    /// A transaction.
    Txn,
    /// A transfer between two accounts.
    Transfer,
    /// An element into a queue.
    Enqueue,
    /// An element out of a queue.
    Dequeue,
    /// Everything out of a queue, in the final phase.
    Drain,
    /// Taking a lock.
    Acquire,
    /// Giving a lock back.
    Release,
    /// Following changes.
    Watch,
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Micro {
    /// Read the list of this key.
    Read(Arc<str>),
    /// Append this element to the list of this key.
    Append(Arc<str>, i64),
}

/// What a store is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The value of a key.
    Read {
        /// Which key.
        key: Arc<str>,
    },
    /// A new value for a key.
    Write {
        /// Which key.
        key: Arc<str>,
        /// Value, unique in the history.
        value: i64,
    },
    /// A new value for a key if it has a given one.
    Cas {
        /// Which key.
        key: Arc<str>,
        /// What it must be.
        from: i64,
        /// What it becomes; unique in the history.
        to: i64,
    },
    /// An element for a set.
    Add {
        /// Which set.
        set: Arc<str>,
        /// Element, unique in the history.
        element: i64,
    },
    /// Every element of a set.
    Members {
        /// Which set.
        set: Arc<str>,
    },
    /// All of these or nothing.
    Transact {
        /// In order.
        steps: Arc<[Micro]>,
    },
    /// The accounts, each with this balance. Only before the workload begins.
    OpenAccounts {
        /// Names.
        accounts: Arc<[Arc<str>]>,
        /// Balance of each.
        balance: i64,
    },
    /// An amount from one account to another, unless the first would be overdrawn.
    Transfer {
        /// Whose balance shrinks.
        from: Arc<str>,
        /// Whose balance grows.
        to: Arc<str>,
        /// By how much; above 0.
        amount: i64,
    },
    /// The balances of all accounts in one snapshot.
    Balances {
        /// Names.
        accounts: Arc<[Arc<str>]>,
    },
    /// An element at the end of a queue.
    Enqueue {
        /// Which queue.
        queue: Arc<str>,
        /// Element, unique in the history.
        element: i64,
    },
    /// The first element of a queue.
    Dequeue {
        /// Which queue.
        queue: Arc<str>,
    },
    /// Everything out of a queue.
    Drain {
        /// Which queue.
        queue: Arc<str>,
    },
    /// An addition to a counter.
    Increment {
        /// Which counter.
        counter: Arc<str>,
        /// By how much; above 0.
        by: i64,
    },
    /// The value of a counter.
    Count {
        /// Which counter.
        counter: Arc<str>,
    },
    /// The lock, if it is free. Does not wait.
    Acquire {
        /// Which lock.
        lock: Arc<str>,
    },
    /// The lock back, if it is still held under this token.
    Release {
        /// Which lock.
        lock: Arc<str>,
        /// What the acquisition gave.
        token: i64,
    },
    /// The changes below a prefix that came after a revision.
    Watch {
        /// What the keys begin with.
        prefix: Arc<str>,
        /// Changes after this revision.
        after: i64,
        /// Until this many are there, or the value that ends the history is. What came before the deadline counts.
        until: Until,
    },
}

/// When a watch has seen enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// So many events.
    Events(usize),
    /// The event that carries this value.
    Value(i64),
}

/// Which endpoint a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Wherever a client of this store would send it.
    Any,
    /// The endpoint with this index, and no other.
    Replica(usize),
}

/// One request of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which client, from 0.
    pub client: usize,
    /// Its logical process: `client + n * clients`, where `n` counts its unknown outcomes.
    pub process: u64,
    /// Where to.
    pub target: Target,
    /// What.
    pub action: Action,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// It happened, it did not, or nobody knows.
    pub completion: Completion,
    /// What came back; `Nil` unless it is `Ok`.
    pub value: Value,
    /// What a compare-and-set that failed found, where the store says so in the same step: as good as a read.
    pub actual: Option<Value>,
    /// The endpoint that answered, or that was asked last.
    pub node: Option<Arc<str>>,
    /// The store's own version after a write, where it has one. Explains; never judged.
    pub revision: Option<i64>,
    /// Acknowledged, but not by as many replicas as were asked for in time.
    pub unreplicated: bool,
    /// Why it is not `Ok`, for people.
    pub error: Option<String>,
}

/// Where the reads of a workload go. (A set is always read from replicas, and in the end everything is.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadFrom {
    /// Where a client of this store would send them.
    #[default]
    Anywhere,
    /// Each to a replica by chance: only for stores that promise the same of all replicas.
    Replicas,
}

/// What shapes a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Every choice comes from it.
    pub seed: u64,
    /// How many clients; at least 1.
    pub clients: usize,
    /// How many keys (or sets, accounts, queues, …) are in use at once; at least 1, for a bank at least 2.
    pub keys: usize,
    /// How many requests of one client until it goes on to fresh keys; 0 for never.
    pub rotate_after: u64,
    /// What every name in the store begins with, so that nothing of the user's is touched.
    pub prefix: String,
    /// How many endpoints there are; at least 1.
    pub replicas: usize,
    /// Where reads go.
    pub reads: ReadFrom,
    /// How often each function is chosen, relative to the others; empty for the workload's own mix.
    pub mix: Vec<(Verb, u32)>,
}
