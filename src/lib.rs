//! Driftproof: proof that your workloads can drift.
//!
//! Data goes one way: `scenario → plan → run → evidence → measure → verdict → report`.

pub mod sim;
