//! Checkers that account for every operation one by one: sets, banks, queues, counters, locks, watches. Linear, or a sort.
//! Read no file and search no orders.
//!
//! | checker | functions (`f`), with what is sent → what comes back | claims |
//! |---|---|---|
//! | [`set`] | `add v`, `read` → list | durable; linearizable where each element is added once (`layers`) |
//! | [`bank`] | `transfer {from to amount}`, `read` → map of balances | snapshots keep the total |
//! | [`queue`] | `enqueue v`, `dequeue` → element or nil, `drain` → list | at-least-once, exactly-once, each also in order |
//! | [`counter`] | `add n`, `read` → number | bounds; linearizable (the orders of the adds that ran at once are tried) |
//! | [`lock`] | `acquire` → token or nil, `release token`, `write [token v]` | mutual exclusion, fencing |
//! | [`watch`] | `write v`, `watch revision` → list of `[revision key value]` | ordered delivery |
//!
//! Operations that failed did not happen; failed and indeterminate reads say nothing. What is indeterminate may take effect
//! at any time after its call, or never: no checker accuses a store of what such an operation can explain.

pub mod bank;
pub mod counter;
mod counter_sums;
mod counter_walk;
mod findings;
pub(crate) mod layers;
pub mod lock;
pub mod queue;
mod queue_order;
pub mod set;
#[cfg(test)]
mod tests;
pub mod watch;
mod watch_order;
mod watch_places;
