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
    let never: Vec<&str> = A::ALL.iter().map(|kind| kind.name()).filter(|name| !told.contains(name)).collect();
    assert!(never.is_empty(), "no lie makes a checker tell {never:?}");
}

#[test]
fn the_same_seed_gives_the_same_table() {
    let table = || run(&settings(&["split-brain"]), |_| {});
    assert_eq!(table(), table());
    assert!(!table().is_empty());
}
