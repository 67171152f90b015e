//! Planted anomalies under their names, honest histories never accused, and every verdict against brute force.

mod brute;
mod claims;
mod differential;
mod fast;
mod phenomena;
mod planted;
