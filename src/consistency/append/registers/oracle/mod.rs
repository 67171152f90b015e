//! The verdict of every claim on random small histories of registers, by brute force from its definition. Shares nothing with
//! the checker.

mod brute;
mod random;

use rand::SeedableRng as _;
use rand::rngs::ChaCha8Rng;

use super::{Claim, analyse, verify_order};
use crate::Allowance;
use crate::append::oracle::Agreed;
use crate::outcome::{Certificate, Outcome};
use brute::{Order, Txn, read_committed, serializable, snapshot_isolated};

/// Judges the random history of a seed by every claim, and verifies every order that is given as a proof.
///
/// # Errors
/// A verdict that differs from the definition's, with the history.
pub fn compare(seed: u64) -> Result<[Agreed; Claim::ALL.len()], String> {
    let all = random::random(&mut ChaCha8Rng::seed_from_u64(seed));
    let history = random::history(&all);
    let analysis = analyse(&history, None, Allowance::unlimited()).map_err(|error| error.to_string())?;
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
            Outcome::Unknown(_) if nothing => Agreed::Open,
            Outcome::Unknown(_) => return told("unknown"),
        };
        if let Outcome::Ok(Certificate::Orders(orders)) = &outcome
            && let Err(wrong) = verify_order(&history, claim, None, &orders[0])
        {
            return told(&wrong);
        }
    }
    match analysis.anomalies.iter().find(|anomaly| !(1..=6).contains(&anomaly.witness.len())) {
        Some(strange) => Err(format!("a witness of {} transactions, seed {seed}: {strange:?}", strange.witness.len())),
        None => Ok(agreed),
    }
}

/// By the definition of the claim.
fn expected(all: &[Txn], claim: Claim) -> bool {
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
