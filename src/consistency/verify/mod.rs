//! Re-checks what a checker said, from the history and the definition of the model alone.
//!
//! Shares no code with the engines, only the words of histories and outcomes; prefers what is easy to read to what is quick.
//!
//! An order is checked in one pass: it respects real time, each operation in it is legal, nothing that happened is missing.
//! A witness is checked by trying all orders of its operations. That this says something about the whole history needs an
//! argument, which `witness` makes; where the witness does not carry it by itself, the verifier says so and looks at more
//! operations ([`Confirmation`]).

mod object;
mod order;
#[cfg(test)]
mod tests;
mod trial;
mod witness;

use std::fmt;

use super::check::{Model, Options};
use super::history::History;
use super::outcome::{Certificate, Outcome};

/// On what a confirmation rests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The order explains every operation.
    Order,
    /// The operations of the witness cannot be explained in any history.
    Witness,
    /// They can, but not together with the operations that wrote what they depend on: these many.
    Closure {
        /// How many operations were tried.
        operations: usize,
    },
    /// Only all operations of the key show it, up to the end of the first one of the witness or to the end of all: these many.
    Replay {
        /// How many operations were tried.
        operations: usize,
    },
}

/// Why an answer was not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is wrong, and why.
    Wrong(String),
    /// The verifier gave up, and why: too many operations to try, or a certificate that it has no rule for.
    Undecided(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(reason) => write!(f, "the answer is wrong: {reason}"),
            Self::Undecided(reason) => write!(f, "the answer was neither confirmed nor refuted: {reason}"),
        }
    }
}

/// Re-checks an outcome for one of the linearizable models: the order, or each witness.
///
/// # Errors
///
/// [`Refusal::Wrong`] when the answer is wrong, [`Refusal::Undecided`] when nobody can tell from here.
pub fn verify(
    history: &History,
    model: Model,
    options: &Options,
    outcome: &Outcome,
) -> Result<Vec<Confirmation>, Refusal> {
    let object = object::Object { model, options };
    match outcome {
        Outcome::Ok(Certificate::Orders(orders)) => {
            order::check(history, &object, orders).map_err(Refusal::Wrong)?;
            Ok(vec![Confirmation::Order])
        }
        Outcome::Ok(Certificate::Accounted) => {
            Err(Refusal::Undecided(format!("the model {model} has no certificate but its own rule")))
        }
        Outcome::Violation(anomalies) => {
            anomalies.iter().map(|anomaly| witness::check(history, &object, &anomaly.witness)).collect()
        }
        Outcome::Unknown(_) => Err(Refusal::Undecided("there is no answer to confirm".to_owned())),
    }
}

/// Whether the operations, all of them, can be explained at all: by trying every order. For tests, and small histories.
///
/// `None` when more than `limit` steps were not enough.
#[must_use]
pub fn explainable(history: &History, model: Model, options: &Options, limit: u64) -> Option<bool> {
    let object = object::Object { model, options };
    let mut all = true;
    for members in object.partitions(history) {
        let operations = trial::operations(history, &object, &members);
        all &= trial::explainable(&object, &operations, limit)?;
    }
    Some(all)
}
