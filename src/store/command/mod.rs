//! Any program as the client of a store. It is started once for each client and spoken to in lines of JSON; it is never
//! given a request twice. Whether programs may be started at all is decided elsewhere.
//!
//! # Protocol
//!
//! One request a line on standard input, one answer a line on standard output, in turn. Standard error is passed through.
//! The program ends when its input does.
//!
//! ```json
//! {"id":1,"process":3,"f":"write","k":"driftproof-k0","v":41,"endpoint":"10.0.0.7:6379","node":"db-1","timeout_ms":1000}
//! {"id":1,"type":"ok","v":41,"node":"db-1"}
//! ```
//!
//! | field of a request | meaning |
//! |---|---|
//! | `id` | repeated in the answer; counts up |
//! | `process` | logical process: new after an unknown outcome |
//! | `f`, `k`, `v` | function, key and value, as in a history (see [`workload`](crate::workload)); left out where there is none |
//! | `op` | which operation it is where `f` says too little: `members`, `balances`, `count`, `increment`, `open`, else as `f` |
//! | `accounts`, `balance` | of `balances` and `open`: the names, and what each holds at first |
//! | `until` | of `watch`: `{"events": 5}` or `{"value": 41}` |
//! | `endpoint`, `node` | where to send it; a request for any endpoint may go elsewhere, and the answer then says so |
//! | `any` | whether the endpoint is only a proposal |
//! | `timeout_ms` | when to give up; a little later the program is killed |
//!
//! | field of an answer | meaning |
//! |---|---|
//! | `id` | that of the request |
//! | `type` | `ok`; `fail` if it certainly did not happen; `info` in all other cases |
//! | `v` | what came back, as in a history; for `ok` |
//! | `actual` | what a compare-and-set that failed found, if the store says so in the same step |
//! | `node` | who answered |
//! | `revision` | the store's own version after a write |
//! | `error` | why it is not `ok` |
//!
//! Before the workload `{"id":…,"op":"prepare"}` is sent, after it `{"id":…,"op":"remove","k":PREFIX}`. A program that
//! dies, says something else or nothing makes the request under way `info` and is started anew for the next one.

mod child;
mod client;
mod protocol;
#[cfg(test)]
mod tests;

pub use client::Command;

/// Which program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOptions {
    /// Program and arguments; at least one.
    pub command: Vec<String>,
    /// Environment in addition to our own.
    pub environment: Vec<(String, String)>,
}
