//! Planted anomalies of registers under their names, and every verdict against brute force.

mod differential;
mod planted;
