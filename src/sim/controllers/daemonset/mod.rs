//! DaemonSets: one pod for each eligible node, pinned by node affinity and bound by the scheduler.

mod eligible;
mod pods;
mod set;
mod status;
#[cfg(test)]
mod tests;
mod update;

pub(super) use set::sync;
