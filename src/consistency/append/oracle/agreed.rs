//! What a checker says of a small history by every claim, beside what is true. Knows neither objects nor definitions.

use super::walk::Txn;
use crate::append::{Analysis, Claim};
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

/// Compares the verdict of every claim with the truth, and verifies every order that is given as a proof.
///
/// # Errors
/// A verdict that differs, an order that is refuted, and a witness that nobody can read.
pub(crate) fn agreed<S: std::fmt::Debug>(
    all: &[Txn<S>],
    analysis: &Analysis,
    is_true: impl Fn(Claim) -> bool,
    says_too_little: impl Fn(Claim, bool) -> bool,
    verify: impl Fn(Claim, &[u32]) -> Result<(), String>,
) -> Result<[Agreed; Claim::ALL.len()], String> {
    let nothing = all.iter().all(|txn| txn.ended != Some(true));
    let mut agreed = [Agreed::Holds; Claim::ALL.len()];
    for (claim, agreed) in Claim::ALL.into_iter().zip(&mut agreed) {
        let told = |what: &str| Err(format!("{what}: {}: {all:#?}\n{:#?}", claim.word(), analysis.anomalies));
        let (outcome, expected) = (analysis.clone().outcome(claim), is_true(claim));
        *agreed = match &outcome {
            Outcome::Ok(_) if !expected => return told("false ok"),
            Outcome::Violation(_) if expected => return told("false violation"),
            Outcome::Ok(_) => Agreed::Holds,
            Outcome::Violation(_) => Agreed::Broken,
            Outcome::Unknown(_) if nothing || says_too_little(claim, expected) => Agreed::Open,
            Outcome::Unknown(_) => return told("unknown"),
        };
        if let Outcome::Ok(Certificate::Orders(orders)) = &outcome
            && let Err(wrong) = verify(claim, &orders[0])
        {
            return told(&wrong);
        }
    }
    match analysis.anomalies.iter().find(|anomaly| !(1..=6).contains(&anomaly.witness.len())) {
        Some(strange) => Err(format!("a witness of {} transactions: {strange:?}", strange.witness.len())),
        None => Ok(agreed),
    }
}
