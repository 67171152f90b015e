//! Random small histories, each verdict of each claim against brute force.

use crate::append::Claim;
use crate::append::oracle::{Agreed, compare};

/// More with `cargo bench --bench consistency -- isolation --histories 100000`.
pub(super) const HISTORIES: u64 = 2_000;

#[test]
fn brute_force_agrees() {
    let mut counts = [[0_u64; 3]; Claim::ALL.len()];
    for seed in 0..HISTORIES {
        let agreed = compare(seed).unwrap_or_else(|wrong| panic!("{wrong}"));
        for (agreed, counts) in agreed.into_iter().zip(&mut counts) {
            counts[agreed as usize] += 1;
        }
    }
    let enough = |[good, bad, _]: &[u64; 3]| *good > HISTORIES / 20 && *bad > HISTORIES / 150;
    assert!(counts.iter().all(enough), "too few of one kind hold or do not: {counts:?}");
    assert_eq!(Agreed::Open as usize, 2);
}
