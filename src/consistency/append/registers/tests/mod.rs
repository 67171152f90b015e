//! Planted anomalies of registers under their names, and every verdict against brute force.

mod brute;
mod differential;
mod planted;
