//! StatefulSets: pods with stable names and claims, at most one of each name.
//! A name is only made again when the old pod *object* is gone, however dead its node may be.

mod claims;
mod replica;
mod set;
mod status;
#[cfg(test)]
mod tests;
mod update;

pub(super) use set::sync;
