//! Accounts whose total never changes. Each read of all balances must add up. Reads no file.

use super::findings::{Findings, by_key, done, list, shape, who, whole, within};
use crate::allowance::{Allowance, Meter, Stop};
use crate::format::ReadError;
use crate::history::{History, Operation, Value};
use crate::outcome::{AnomalyKind, Outcome};

/// Whether an account may be overdrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overdraft {
    /// A balance below zero is an anomaly.
    #[default]
    Forbidden,
    /// Any balance will do.
    Allowed,
}

/// Adds up every read. Without a `total` all reads must agree with the first.
///
/// # Errors
/// The first operation that is not of a bank.
pub fn check(
    history: &History,
    total: Option<i64>,
    overdraft: Overdraft,
    allowance: Allowance<'_>,
) -> Result<Outcome, ReadError> {
    within(history, allowance, |findings, meter| account(history, total, overdraft, findings, meter))
}

fn account(
    history: &History,
    total: Option<i64>,
    overdraft: Overdraft,
    findings: &mut Findings,
    meter: &Meter<'_>,
) -> Result<(), Stop> {
    let mut reads = 0;
    for (key, operations) in by_key(history, "bank", &["transfer", "read"], meter)? {
        let mut agreed: Option<(i128, Option<u32>)> = total.map(|total| (i128::from(total), None));
        for (number, read) in done(&operations, "read") {
            reads += 1;
            let balances = balances(read)?;
            meter.spend(balances.len() + 16)?;
            let sum: i128 = balances.iter().map(|(_, balance)| i128::from(*balance)).sum();
            let (expected, first) = *agreed.get_or_insert((sum, Some(number)));
            if sum != expected {
                let why = if first.is_some() { ", but the first read added up to" } else { "; it must be" };
                let sentence = format!("{} read balances that add up to {sum}{why} {expected}", who(read));
                let witness: Vec<u32> = first.into_iter().chain([number]).collect();
                findings.add(AnomalyKind::WrongTotal, key, &witness, sentence);
            }
            if let Some((account, balance)) = balances.iter().find(|(_, balance)| *balance < 0)
                && overdraft == Overdraft::Forbidden
            {
                let sentence = format!("{} read {balance} in account {account}", who(read));
                findings.add(AnomalyKind::NegativeBalance, key, &[number], sentence);
            }
        }
    }
    if reads == 0 {
        findings.lacks("no read of the balances succeeded: nobody knows the total".to_owned());
    }
    Ok(())
}

/// Accounts and balances: a map, or a list of pairs.
fn balances(read: &Operation) -> Result<Vec<(&Value, i64)>, ReadError> {
    const WHAT: &str = "balances, which are a map of account to number";
    if let Value::Map(entries) = &read.output {
        return entries.iter().map(|(account, balance)| Ok((account, whole(read, WHAT, balance)?))).collect();
    }
    if read.output == Value::Nil {
        return Err(shape(read, WHAT, &read.output));
    }
    let pairs = list(read, WHAT, &read.output)?;
    pairs
        .iter()
        .map(|pair| match pair {
            Value::List(pair) if pair.len() == 2 => Ok((&pair[0], whole(read, WHAT, &pair[1])?)),
            other => Err(shape(read, WHAT, other)),
        })
        .collect()
}
