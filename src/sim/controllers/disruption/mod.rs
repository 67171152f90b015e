//! PodDisruptionBudgets: how many pods may be evicted now. Only counts; the Eviction API spends.

mod budget;
mod scale;
#[cfg(test)]
mod tests;

pub(super) use budget::sync;
