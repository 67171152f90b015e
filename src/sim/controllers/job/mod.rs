//! Jobs: pods until enough of them have succeeded, a limit of failures or a deadline is reached.
//! Decides by the pods' statuses alone; why a pod ended is for `policy` to read from there.

mod indexes;
mod outcome;
mod pods;
mod policy;
mod run;
mod tally;
#[cfg(test)]
mod tests;

pub(super) use run::sync;
pub(super) use tally::Failures;
