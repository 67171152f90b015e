//! The verdict of every claim on random small histories, by brute force from its definition. Shares nothing with the checker.
//!
//! Serializable and the claims above: every choice of the transactions that may have happened, in every order (Papadimitriou).
//! Snapshot isolation: every order of snapshots and commits, first committer wins (Berenson et al., Crooks et al.). Read-committed and
//! read-uncommitted: every order of versions, by the phenomena of Adya. Histories in which not everything is read are among
//! them, as are own appends out of order, elements twice, from nowhere and of transactions that failed.

mod brute;
mod phenomena;
mod random;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

#[cfg(test)]
pub(crate) use brute::Deed;
pub(crate) use brute::Txn;
use brute::{Order, serializable, snapshot_isolated};
use phenomena::{Level, allowed};
#[cfg(test)]
pub(crate) use random::history;
pub(crate) use random::random;

use super::{Claim, Transactions, analyse, verify_order};
use crate::history::Completion;
use crate::outcome::{Certificate, Outcome};

/// What both say of a history and a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// It holds.
    Holds,
    /// It does not.
    Broken,
    /// The history says too little.
    Open,
}

/// The random history of a seed.
pub(crate) fn of(seed: u64) -> Vec<Txn> {
    random(&mut ChaCha8Rng::seed_from_u64(seed))
}

/// Judges the random history of a seed by every claim, and verifies every order that is given as a proof.
///
/// # Errors
/// A verdict that differs from the definition's, with the history.
pub fn compare(seed: u64) -> Result<[Agreed; Claim::ALL.len()], String> {
    let all = of(seed);
    let history = random::history(&all);
    let analysis =
        Transactions::from_history(&history).and_then(|all| analyse(&all)).map_err(|error| error.to_string())?;
    let nothing = all.iter().all(|txn| txn.ended != Some(true));
    let mut agreed = [Agreed::Holds; Claim::ALL.len()];
    for (claim, agreed) in Claim::ALL.into_iter().zip(&mut agreed) {
        let told =
            |what: &str| Err(format!("{what}: {}, seed {seed}: {all:#?}\n{:#?}", claim.word(), analysis.anomalies));
        let (outcome, expected) = (analysis.clone().outcome(claim), expected(&all, claim));
        *agreed = match &outcome {
            Outcome::Ok(_) if !expected => return told("false ok"),
            Outcome::Violation(_) if expected => return told("false violation"),
            Outcome::Ok(_) => Agreed::Holds,
            Outcome::Violation(_) => Agreed::Broken,
            // Lists that contradict each other have no order of versions at all.
            Outcome::Unknown(_) if nothing || (claim == Claim::ReadUncommitted && !expected) => Agreed::Open,
            Outcome::Unknown(_) => return told("unknown"),
        };
        if let Outcome::Ok(Certificate::Orders(orders)) = &outcome {
            if let Err(wrong) = verify_order(&history, claim, &orders[0]) {
                return told(&wrong);
            }
            let mut other = orders[0].clone();
            let happened =
                other.pop().is_some_and(|last| history.operations[last as usize].completion == Completion::Ok);
            if happened && verify_order(&history, claim, &other).is_ok() {
                return told("verified without its last transaction");
            }
        }
    }
    match analysis.anomalies.iter().find(|anomaly| !(1..=6).contains(&anomaly.witness.len())) {
        Some(strange) => Err(format!("a witness of {} transactions, seed {seed}: {strange:?}", strange.witness.len())),
        None => Ok(agreed),
    }
}

/// By the definition of the claim.
pub(crate) fn expected(all: &[Txn], claim: Claim) -> bool {
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
