//! The `driftproof` command.

fn main() {}
