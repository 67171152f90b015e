//! The verdict of every claim on random small histories of registers, by brute force from its definition. Shares nothing with
//! the checker; generator and walk are those of the lists.

mod committed;
mod values;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::{Claim, analyse, verify_order};
use crate::Allowance;
use crate::append::oracle::{Agreed, Order, Txn, agreed, history, random, serializable, snapshot_isolated};
use committed::read_committed;
use values::Access;

/// Judges the random history of a seed by every claim, and verifies every order that is given as a proof.
///
/// # Errors
/// A verdict that differs from the definition's, with the history.
pub fn compare(seed: u64) -> Result<[Agreed; Claim::ALL.len()], String> {
    let all: Vec<Txn<Access>> = random(&mut ChaCha8Rng::seed_from_u64(seed));
    let history = history(&all);
    let analysis = analyse(&history, None, Allowance::unlimited()).map_err(|error| error.to_string())?;
    let verified = |claim, order: &[u32]| verify_order(&history, claim, None, order);
    agreed(&all, &analysis, |claim| expected(&all, claim), |_, _| false, verified)
        .map_err(|wrong| format!("seed {seed}: {wrong}"))
}

/// By the definition of the claim.
fn expected(all: &[Txn<Access>], claim: Claim) -> bool {
    match claim {
        Claim::StrictSerializable => serializable(all, Order::Realtime),
        Claim::StrongSessionSerializable => serializable(all, Order::Process),
        Claim::Serializable | Claim::RepeatableRead => serializable(all, Order::Any),
        Claim::StrongSnapshotIsolation => snapshot_isolated(all, Order::Realtime),
        Claim::SnapshotIsolation => snapshot_isolated(all, Order::Any),
        Claim::ReadCommitted => read_committed(all),
        // Any order of the transactions gives an order of versions without a cycle of writes.
        Claim::ReadUncommitted => true,
    }
}
