//! Driftproof: proof that your workloads can drift.
//!
//! Data goes one way: `scenario → plan → run → evidence → measure → verdict → report`. Each room may use those to
//! its left; only the command (`main.rs`, `cli/`) knows them all. `run` never sees `sim`: it meets every cluster as a `world`.

pub mod evidence;
pub mod measure;
pub mod node_agent;
pub mod plan;
pub mod process;
pub mod report;
pub mod run;
pub mod scenario;
pub mod selftest;
pub mod store;
pub mod verdict;
pub mod workload;
pub mod world;

pub use driftproof_consistency as consistency;
pub use driftproof_sim as sim;
