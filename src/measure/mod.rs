//! Evidence in, numbers out: drifts with their phases, recoveries, outages, lost writes. Never judges, never does I/O.

mod model;

pub use model::*;
