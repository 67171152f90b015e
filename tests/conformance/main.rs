//! The embedded cluster held against a real one: one body, two arms, and a table. Exit code 1 when they disagree.
//!
//! `cargo test --test conformance -- --arm embedded` needs no cluster; `--arm both` needs a testbed that is up.

mod acts;
mod arms;
mod body;
mod case;
mod cases;
mod committed;
mod compare;
mod edges;
mod hands;
mod known;
mod objects;
mod observed;
mod parts;
mod policies;
mod program;
mod record;
mod smooth;
mod steady;
mod table;
mod timeline;

fn main() -> std::process::ExitCode {
    program::main()
}
