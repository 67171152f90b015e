//! Jobs: pods until enough of them have succeeded, a limit of failures or a deadline is reached.
//! Indexed completion, pod failure policies and success policies are not simulated: such a Job runs as a plain one.

mod outcome;
mod pods;
mod run;
#[cfg(test)]
mod tests;

pub(super) use run::sync;
