//! Figures of the consistency checkers, printed beside Porcupine's on the same files; never asserted.
//! `cargo bench --bench consistency` measures all; `… -- public`, `… -- register`, `… -- recording`, `… -- file`, `… -- search` and `… -- differential` one part.
//!
//! `--histories N` compares N random histories of each kind (`--model MODEL`: of that model) with the trial of all orders
//! (default 100,000), `--exhaustive N`
//! all histories of N operations on a register (default 4); `--operations N` sizes the unique-write register (default
//! 10,000,000), in memory and in a file. Every verdict on a public history is compared with the published one; a wrong one ends the bench.

#![expect(clippy::disallowed_types, reason = "a bench measures the wall clock")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "../../../src/run/data/store/book.rs"]
mod book;
mod compared;
mod filed;
mod porcupine;
mod public;
mod recording;
mod searched;
mod unique;

/// What `book` knows under these names in the library.
mod consistency {
    pub(crate) use driftproof::consistency::*;
}
use driftproof::{evidence, workload, world};

use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let parts = ["public", "register", "recording", "file", "search", "differential"];
    let named: Vec<_> = parts.into_iter().filter(|part| arguments.iter().any(|word| word == part)).collect();
    let asked = |part: &str| named.is_empty() || named.contains(&part);
    let number = |name: &str, default: u64| {
        let place = arguments.iter().position(|word| word == name);
        let word = place.and_then(|place| arguments.get(place + 1));
        word.map_or(default, |word| word.parse().unwrap_or_else(|_| panic!("{name} takes a number, not `{word}`")))
    };
    if asked("public") {
        public::measure();
    }
    if asked("register") {
        unique::measure(number("--operations", 10_000_000));
    }
    if asked("recording") {
        recording::measure(2_000_000);
    }
    if asked("file") {
        filed::measure(number("--operations", 10_000_000));
    }
    if asked("search") {
        searched::measure();
    }
    if asked("differential") {
        let model = arguments.iter().position(|word| word == "--model").and_then(|place| arguments.get(place + 1));
        compared::measure(model.map(String::as_str), number("--histories", 100_000), number("--exhaustive", 4));
    }
}

/// The least time of several runs, until a tenth of a second is over.
fn least<T>(mut work: impl FnMut() -> T) -> (Duration, T) {
    let began = Instant::now();
    let mut best = Duration::MAX;
    loop {
        let start = Instant::now();
        let result = work();
        best = best.min(start.elapsed());
        if began.elapsed() > Duration::from_millis(100) {
            return (best, result);
        }
    }
}
