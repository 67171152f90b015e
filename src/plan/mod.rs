//! What will be done: scenario × inventory × seed → concrete steps, every random choice already made, every
//! guard rail already applied. Does no I/O and draws no randomness outside the seed.

mod model;

pub use model::*;
