//! A store that can be made to lie, and whether the checkers find out: `driftproof selftest`. A checker that never failed is
//! not known to work. Speaks to no store outside and reads no clock; every choice comes from the seed.

mod bug;
mod expected;
mod judge;
mod lies;
mod planted;
mod play;
mod state;
#[cfg(test)]
mod tests;
mod world;

pub use bug::Bug;
pub use expected::{TRIALS, Trial};
pub use judge::{Row, Settings, run, words};
