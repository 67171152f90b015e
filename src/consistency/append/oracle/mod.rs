//! The verdict of every claim on random small histories, by brute force from its definition. Shares nothing with the checker.
//!
//! Serializable and the claims above: every choice of the transactions that may have happened, in every order (Papadimitriou).
//! Snapshot isolation: every order of snapshots and commits, first committer wins (Berenson et al., Crooks et al.). Read-committed and
//! read-uncommitted: every order of versions, by the phenomena of Adya. Histories in which not everything is read are among
//! them, as are own appends out of order, elements twice, from nowhere and of transactions that failed.
//!
//! Transactions of registers have their own steps, and the same generator and walk.

mod agreed;
mod lists;
mod phenomena;
mod random;
mod walk;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

pub use agreed::Agreed;
pub(crate) use agreed::agreed;
pub(crate) use lists::Deed;
pub(crate) use random::{Made, history, micro, random};
pub(crate) use walk::{Order, Step, Txn, choices, is_cyclic, permutations, serializable, snapshot_isolated};

use super::{Claim, Transactions, analyse, verify_order};
use crate::history::Completion;
use phenomena::{Level, allowed};

/// The random history of a seed.
pub(crate) fn of(seed: u64) -> Vec<Txn<Deed>> {
    random(&mut ChaCha8Rng::seed_from_u64(seed))
}

/// Judges the random history of a seed by every claim, and verifies every order that is given as a proof.
///
/// # Errors
/// A verdict that differs from the definition's, with the history.
pub fn compare(seed: u64) -> Result<[Agreed; Claim::ALL.len()], String> {
    let all = of(seed);
    let history = history(&all);
    let analysis =
        Transactions::from_history(&history).and_then(|all| analyse(&all)).map_err(|error| error.to_string())?;
    let verified = |claim, order: &[u32]| {
        verify_order(&history, claim, order)?;
        let Some((last, other)) = order.split_last() else { return Ok(()) };
        let happened = history.operations[*last as usize].completion == Completion::Ok;
        if happened && verify_order(&history, claim, other).is_ok() {
            return Err("verified without its last transaction".to_owned());
        }
        Ok(())
    };
    // Lists that contradict each other have no order of versions at all.
    let says_too_little = |claim, expected: bool| claim == Claim::ReadUncommitted && !expected;
    agreed(&all, &analysis, |claim| expected(&all, claim), says_too_little, verified)
        .map_err(|wrong| format!("seed {seed}: {wrong}"))
}

/// By the definition of the claim.
pub(crate) fn expected(all: &[Txn<Deed>], claim: Claim) -> bool {
    match claim {
        Claim::StrictSerializable => serializable(all, Order::Realtime),
        Claim::StrongSessionSerializable => serializable(all, Order::Process),
        // All reads are by key, so that there are no other anti-dependencies.
        Claim::Serializable | Claim::RepeatableRead => serializable(all, Order::Any),
        Claim::StrongSnapshotIsolation => snapshot_isolated(all, Order::Realtime),
        Claim::SnapshotIsolation => snapshot_isolated(all, Order::Any),
        Claim::ReadCommitted => allowed(all, Level::Committed),
        Claim::ReadUncommitted => allowed(all, Level::Uncommitted),
    }
}
