//! Tests against a hand-made world: a scripted API server and a network that answers as told. What needs a whole
//! cluster is in `tests/run.rs`.

mod fake;
mod follow;
mod jumps;
mod partition;
mod rights;
mod served;
mod steady;
mod stop;
mod tasks;
