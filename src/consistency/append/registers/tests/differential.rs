//! Random small histories, each verdict of each claim against brute force.

use crate::append::Claim;
use crate::append::registers::oracle::compare;

/// More with `cargo bench --bench consistency -- isolation --histories 100000`.
const HISTORIES: u64 = 3_000;

#[test]
fn brute_force_agrees() {
    let mut counts = [[0_u64; 3]; Claim::ALL.len()];
    for seed in 0..HISTORIES {
        let agreed = compare(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        for (agreed, counts) in agreed.into_iter().zip(&mut counts) {
            counts[agreed as usize] += 1;
        }
    }
    let enough = |[good, bad, _]: &[u64; 3]| *good > HISTORIES / 20 && *bad > HISTORIES / 50;
    // Whatever is read, some order of versions has no cycle of writes.
    assert!(counts[..7].iter().all(enough) && counts[7][1] == 0, "too few of one kind hold or do not: {counts:?}");
}
