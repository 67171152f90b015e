//! The garbage collector: dependents go when all their owners are gone; owners wait for them or let them go first.
//! Never deletes an object without owner references.

mod collect;
mod graph;
#[cfg(test)]
mod tests;

pub(super) use collect::collect;
pub(super) use graph::{Graph, follow};
