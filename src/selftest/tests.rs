//! The short form of the self-test, and that no name of an anomaly is never told.

use std::collections::BTreeSet;

use super::{Settings, run};
use crate::consistency::AnomalyKind as A;

fn settings(words: &[&str]) -> Settings {
    Settings { seed: 1, seeds: 3, words: words.iter().map(|word| (*word).to_owned()).collect() }
}

#[test]
fn lies_are_found_under_their_names_and_the_honest_store_is_not_accused() {
    let mut rows = run(&settings(&[]), |_| {});
    // The rarest cycles need more histories than the rest.
    let more = ["stale-read", "long-fork", "prophecy"].map(ToOwned::to_owned).to_vec();
    rows.extend(run(&Settings { seed: 1, seeds: 12, words: more }, |_| {}));
    let wrong: Vec<_> = rows.iter().filter(|row| row.wrong.is_some()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let told: BTreeSet<&str> = rows.iter().flat_map(|row| row.found.iter().copied()).collect();
    // All names but `G1c-process`: no lie makes one process read what it is itself going to write.
    let named = [
        A::StaleRead,
        A::PhantomRead,
        A::ReadOfFailed,
        A::ReadFromTheFuture,
        A::LostUpdate,
        A::LostWrite,
        A::Duplicate,
        A::NotLinearizable,
        A::Divergence,
        A::G0,
        A::G1a,
        A::G1b,
        A::G1c,
        A::GSingle,
        A::G2Item,
        A::GNonadjacent,
        A::GSingleProcess,
        A::GNonadjacentProcess,
        A::G2ItemProcess,
        A::GSingleRealtime,
        A::Internal,
        A::IncompatibleOrder,
        A::WrongTotal,
        A::NegativeBalance,
        A::OutOfBounds,
        A::SplitLock,
        A::StaleToken,
        A::Unexpected,
        A::OutOfOrder,
        A::Skipped,
        A::G0Realtime,
        A::G1cRealtime,
        A::G0Process,
    ];
    let never: Vec<&str> = named.iter().map(|kind| kind.name()).filter(|name| !told.contains(name)).collect();
    assert!(never.is_empty(), "no lie makes a checker tell {never:?}");
}

#[test]
fn the_same_seed_gives_the_same_table() {
    let table = || run(&settings(&["split-brain"]), |_| {});
    assert_eq!(table(), table());
    assert!(!table().is_empty());
}
