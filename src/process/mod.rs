//! Programs on this machine: each leads a process group, which is ended as a whole. Decides nothing about which programs may
//! be started.

mod command;
mod group;
#[cfg(test)]
mod tests;

pub use command::{CommandError, Ended, Limits, run};
pub use group::Group;
