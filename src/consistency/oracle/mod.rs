//! The truth about small histories, by brute force from the definitions: what every checker is compared with.
//!
//! Shares no code with the checkers, only the words of histories; tries everything and is as slow as that. Linearizability is
//! that of Herlihy and Wing (1990): some order of all operations that happened, and of some whose outcome is unknown, that
//! keeps real time and is a run of the sequential object. The other claims are each written down where they are tried.

mod accounts;
mod compared;
mod delivery;
mod events;
mod holders;
mod line;
mod objects;
mod random;
#[cfg(test)]
mod tests;

pub use compared::{SUBJECTS, Subject, agree};
pub use random::random;

use crate::account::queue::{Delivery, Order};
use crate::check::{Model, Options};
use crate::history::{Completion, History, Operation};
use crate::text::Claim;

/// What is true of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Nothing that keeps the claim explains the history.
    pub broken: bool,
    /// The history says as much as the claim is about: a read of what was to be kept, a queue that was emptied.
    pub says_enough: bool,
}

impl Truth {
    fn of(broken: bool) -> Self {
        Self { broken, says_enough: true }
    }
}

/// Tries everything. Histories of list-append have a brute force of their own.
///
/// # Panics
/// For a claim that is none of the model, and for an operation that is none of it.
#[must_use]
pub fn truth(history: &History, model: Model, claim: Claim, options: &Options) -> Truth {
    let operations: Vec<&Operation> = history.operations.iter().collect();
    match (model, claim) {
        (Model::Counter, Claim::Linearizable) => Truth {
            broken: !line::explainable(&operations, model, options),
            says_enough: operations.iter().any(|one| &*one.function == "read" && happened(one)),
        },
        (_, Claim::Linearizable) => Truth::of(!line::explainable(&operations, model, options)),
        (Model::Counter, Claim::Bounds) => accounts::counter(&operations, options),
        (Model::Set, Claim::Durable) => accounts::set(&operations, options),
        (Model::Bank, Claim::ConservedTotal) => accounts::bank(&operations, options, false),
        (Model::Bank, Claim::ConservedTotalOverdraft) => accounts::bank(&operations, options, true),
        (Model::Queue, Claim::Delivery(delivery, order)) => {
            delivery::queue(&operations, delivery == Delivery::ExactlyOnce, order == Order::Fifo)
        }
        (Model::Mutex, Claim::MutualExclusion) => Truth::of(holders::two_at_once(&operations)),
        (Model::Mutex, Claim::Fencing) => Truth::of(holders::token_back(&operations)),
        (Model::Watch, Claim::OrderedDelivery) => events::watch(&operations),
        _ => panic!("no brute force for {claim:?} of {model}"),
    }
}

/// It happened.
fn happened(operation: &Operation) -> bool {
    operation.completion == Completion::Ok
}

/// It may have happened.
fn possible(operation: &Operation) -> bool {
    operation.completion != Completion::Fail
}

/// The first was over before the second was called.
fn precedes(first: &Operation, second: &Operation) -> bool {
    match (first.completion, first.end) {
        (Completion::Ok, Some(end)) => end.at < second.call.at,
        _ => false,
    }
}
